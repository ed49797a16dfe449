/* The fetcher process: headgate-fetch on one errand, as an account without any power. It gets the
 * file to fill and the roots to trust as descriptors, and ends when it is done. */
#pragma once

#include <sys/types.h>

#include "daemon/fetch/errand.h"

struct fetcher {
	pid_t pid;   /* 0: collected */
	int channel; /* readable when it has done; -1: none is running */
	int status; /* as waitpid() says it, of one that somebody else has collected; -1: nobody has */
};

/* Starts it for the order; output and roots stay the caller's. Whoever waits for children collects
 * this one as well, and notes its end. 0, or -1 with errno. */
int fetcher_start(struct fetcher *fetcher, const struct errand_order *order, int output, int roots,
		  const char *account);

/* Takes note that this child has ended, if it is the fetcher. */
void fetcher_note_end(struct fetcher *fetcher, pid_t pid, int status);

/* Hears its answer without waiting: 1 with *report, 0 when there is none yet; -1 when it ended
 * without one. */
int fetcher_hear(const struct fetcher *fetcher, struct errand_report *report);

/* Collects one that ended without an answer, and says how, to follow a noun, into room for EXIT_STATUS_TEXT. Returns text. */
char *fetcher_print_end(struct fetcher *fetcher, char *text);

/* Ends it where it is still at work, and closes the channel. */
void fetcher_leave(struct fetcher *fetcher);
