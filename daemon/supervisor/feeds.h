/* The lists that are fetched: when each is due, one fetcher process after the other, and what came
 * of it. Rounds: when one list is due, those that soon will be are fetched with it, so that the
 * lists are compiled, and the disk written, once for all of them. A server that does not answer
 * delays and changes nothing. */
#pragma once

#include <event2/event_struct.h>
#include <sys/types.h>

#include "daemon/policy/policy.h"

struct feeds;

struct feeds_settings {
	struct event_base *base;
	const char *directory; /* STATE/lists */
	const char *account;   /* of the fetcher process */

	/* New copies are there: compile the lists, then call feeds_follow(). False: not now, ask
	 * again. */
	bool (*changed)(void *context);
	void *context;
};

struct feed_state {
	const char *url;
	int64_t fetched;     /* seconds since 1970 of the copy in use; 0: none */
	int64_t tried;	     /* the last try; 0: none since the start */
	int64_t next;	     /* seconds until the next */
	const char *trouble; /* of the last try; "" */
};

/* NULL when out of memory. */
struct feeds *feeds_new(const struct feeds_settings *settings);
void feeds_free(struct feeds *feeds);

/* Takes the feeds of the policy that is now in force, and judges new copies by what its lists say
 * of them. 0, or -1 when out of memory; then nothing is fetched. */
int feeds_follow(struct feeds *feeds, const struct policy *policy);

/* Takes note that this child has ended, if it is the one that fetches. */
void feeds_note_end(struct feeds *feeds, pid_t pid, int status);

/* Begins a round with all feeds now. */
void feeds_refresh(struct feeds *feeds);

/* What is known of the feed of this name; false when there is none. */
bool feeds_state(const struct feeds *feeds, const char *name, struct feed_state *state);
