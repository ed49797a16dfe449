/* Pooled kernel pipes for splice(2). A pipe is only lent while it holds bytes or a bulk transfer runs;
 * at most PIPES_MAX rest in the pool. */
#pragma once

#include <stddef.h>

#include "daemon/limits.h"

enum { PIPE_CAPACITY = 256 * 1024 }; /* asked for; the kernel may give less */

struct pipe {
	int out; /* read end */
	int in;  /* write end */
	size_t held; /* bytes inside */
};

/* All zero is an empty one; it lives as long as its worker. */
struct pipes {
	struct pipe *resting[PIPES_MAX];
	size_t count;
};

/* Lends an empty pipe, or NULL when the kernel has none: then the caller copies. */
struct pipe *pipes_take(struct pipes *pipes);

/* Takes a pipe back; one that still holds bytes is closed instead of pooled. NULL is fine. */
void pipes_give(struct pipes *pipes, struct pipe *pipe);
