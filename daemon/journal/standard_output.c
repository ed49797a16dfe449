#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

#include "daemon/journal/output.h"

enum {
	STANDARD_MAX = 256 << 10, /* bytes */
	PIECE = 4096, /* PIPE_BUF: a ready pipe takes so much without blocking (pipe(7)) */
	RETRY_MILLISECONDS = 20,
};

/* The descriptor is shared with others, the terminal's shell among them: it is never made
 * non-blocking, but asked before each small write. */
struct standard {
	struct output output;
	struct event *retry;
	size_t start;
	size_t end;
	char waiting[STANDARD_MAX];
};

static bool is_ready(void)
{
	struct pollfd standard = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return poll(&standard, 1, 0) > 0;
}

/* One piece. >0 bytes written, 0 not now, -1 with errno. */
static ssize_t write_piece(const char *bytes, size_t length)
{
	ssize_t written;

	if (!is_ready())
		return 0;
	written = write(STDOUT_FILENO, bytes, MIN(length, PIECE));
	if (written < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	return written;
}

static void write_waiting(struct standard *standard)
{
	ssize_t written = 1;

	while (standard->start < standard->end && written > 0) {
		written = write_piece(standard->waiting + standard->start,
				      standard->end - standard->start);
		if (written > 0)
			standard->start += (size_t)written;
	}
	if (written < 0) /* nobody will ever read this */
		standard->start = standard->end;
	if (standard->start == standard->end)
		standard->start = standard->end = 0;
}

static void go_on(struct standard *standard)
{
	struct timeval wait = { .tv_usec = RETRY_MILLISECONDS * 1000 };

	write_waiting(standard);
	if (standard->end)
		event_add(standard->retry, &wait);
}

static void retry(evutil_socket_t nothing, short what, void *context)
{
	(void)nothing;
	(void)what;
	go_on(context);
}

static void move_down(struct standard *standard)
{
	memmove(standard->waiting, standard->waiting + standard->start,
		standard->end - standard->start);
	standard->end -= standard->start;
	standard->start = 0;
}

static uint64_t standard_write(struct output *output, const char *lines, size_t length)
{
	struct standard *standard = (struct standard *)output;

	if (standard->end + length > STANDARD_MAX)
		move_down(standard);
	if (standard->end + length > STANDARD_MAX) {
		errno = EAGAIN;
		return lines_count(lines, length);
	}
	memcpy(standard->waiting + standard->end, lines, length);
	standard->end += length;
	go_on(standard);
	return 0;
}

static void standard_free(struct output *output)
{
	struct standard *standard = (struct standard *)output;

	write_waiting(standard);
	event_free(standard->retry);
	free(standard);
}

struct output *standard_output(struct event_base *base)
{
	struct standard *standard = calloc(1, sizeof *standard);

	if (!standard)
		return NULL;
	standard->output = (struct output){ .write = standard_write, .free = standard_free };
	standard->retry = evtimer_new(base, retry, standard);
	if (!standard->retry) {
		free(standard);
		return NULL;
	}
	return &standard->output;
}
