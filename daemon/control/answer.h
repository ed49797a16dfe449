/* One client of a control socket: reads its request line, holds what it has not read of the answer
 * yet. Inside of server.h; commands see only control_answer_…(). */
#pragma once

#include "daemon/control/server.h"

struct answer_list {
	struct control_answer *first;
	size_t count; /* clients still connected */
};

struct answer_settings {
	struct event_base *base;
	int client;	    /* a connected, non-blocking socket; the answer's from now on */
	int reader_seconds; /* how long a reader may take nothing; -1: for ever */

	/* The request line has come, without its newline. Must lead to control_answer_end(). */
	void (*ask)(void *context, struct control_answer *answer, const char *line, size_t length);
	void *context;
};

/* Adds the client to the list. 0, or -1 when out of memory (the socket is still the caller's). The
 * answer frees itself when it has ended and was read, or its client is gone. */
int answer_open(struct answer_list *list, const struct answer_settings *settings);

/* Cuts all clients off; answers that have not ended yet stay valid until they do. */
void answer_list_cut(struct answer_list *list);
