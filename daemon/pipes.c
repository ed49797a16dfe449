#include "daemon/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void pipe_close(struct pipe *pipe)
{
	close(pipe->out);
	close(pipe->in);
	free(pipe);
}

static struct pipe *pipe_open(void)
{
	struct pipe *pipe = calloc(1, sizeof(*pipe));
	int ends[2];

	if (!pipe)
		return NULL;
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) {
		free(pipe);
		return NULL;
	}
	pipe->out = ends[0];
	pipe->in = ends[1];
	/* A segment takes a whole slot, however small: 16 slots hold a mere 23 KB of Ethernet. */
	fcntl(pipe->in, F_SETPIPE_SZ, PIPE_CAPACITY);
	return pipe;
}

struct pipe *pipes_take(struct pipes *pipes)
{
	if (pipes->count)
		return pipes->resting[--pipes->count];
	return pipe_open();
}

void pipes_give(struct pipes *pipes, struct pipe *pipe)
{
	if (!pipe)
		return;
	if (pipe->held || pipes->count == PIPES_MAX)
		pipe_close(pipe);
	else
		pipes->resting[pipes->count++] = pipe;
}
