/* The recorder process: one for all workers. Takes their journal lines and events over
 * SOCK_SEQPACKET pairs, writes the journal, and serves `headgatectl events` and `connections` on
 * RUN/journal. It has no capability and opens nothing outside the journal's directory. Nobody ever
 * waits for it. */
#pragma once

#include <sys/types.h>

#include "daemon/counters.h"
#include "daemon/policy/policy.h"

struct recorder_settings {
	const int *channels; /* the recorder's ends, one per worker */
	size_t channel_count;
	size_t worker_count; /* the first of them are workers */
	int listener; /* RUN/journal, bound by control_listen(); -1: none */
	int introductions; /* where the console introduces its readers (control/introduction.h); -1: none */
	const struct journal_settings *journal; /* where the lines go */
	const struct trace_settings *traces;
	const char *trace_directory; /* where traces go; NULL: no rule makes any */
	const char *account;			/* "headgate", or "nobody" */
	gid_t group;				/* whose members may listen; (gid_t)-1: none */
	int ready;		   /* one byte is written here when it serves; -1: none */
	struct counters *counters; /* a block of its own for lines that could not be
				      written (dropped_records); NULL: not counted */
};

/* Makes the pair of one worker: channel[0] is the worker's end (journal_new()), channel[1] the
 * recorder's. Non-blocking, close-on-exec. The supervisor keeps both ends open for as long as it
 * lives, so that either process can be replaced without the other noticing. 0, or -1 with errno. */
int recorder_channel_open(int channel[static 2]);

/* Runs in a forked child that still is root, and never returns: makes a missing journal directory
 * or file for the account, drops privilege, opens the journal, says ready and serves until SIGTERM
 * or until every channel is closed by its last holder; then what is still queued is written and the
 * process exits with status 0. SIGINT and SIGHUP are ignored. Status 1 with a logged cause when it
 * cannot start. A journal that cannot be opened or written is said and counted, never fatal. New
 * settings of the journal: end this process with SIGTERM and start another. */
void recorder_run(const struct recorder_settings *settings) __attribute__((noreturn));
