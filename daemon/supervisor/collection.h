/* The lists of one policy on their way into force: their files are opened, the compiled file of the
 * time before is taken as it is or replaced by the compiler process, and the policy is given what
 * came of it. A list that cannot be read keeps its last good entries; nothing that stands in a list
 * makes this fail. Where nothing can be compiled, all lists keep them, and the policy's lists_trouble says why. */
#pragma once

#include <sys/types.h>

#include "daemon/policy/config.h"

struct collection;

struct collection_settings {
	const char *directory; /* where the compiled file is kept; NULL: nowhere (headgatectl) */
	const char *account;   /* of the compiler process */
	config_report *report; /* may be NULL */
	void *context;
};

/* Begins; the policy, settings->directory and context must stay until the end. NULL when out of
 * memory. */
struct collection *collection_begin(struct policy *policy,
				    const struct collection_settings *settings);

/* Readable when collection_hear() has something to do; -1 when nothing needs to be waited for. */
int collection_descriptor(const struct collection *collection);

/* Steady microseconds at which collection_hear() must be called even so. */
int64_t collection_until(const struct collection *collection);

/* Hears the compiler, without waiting; messages go to the report. True when there is nothing more
 * to wait for. */
bool collection_hear(struct collection *collection);

/* Takes note that this child has ended, which somebody else has collected. */
void collection_note_end(struct collection *collection, pid_t pid, int status);

/* After the waiting: true when a list that the other policy does not have would be without its entries, because
 * nothing could be compiled and nothing of before can stand in. */
bool collection_lacks(const struct collection *collection, const struct policy *other);

/* Gives the policy its lists, and frees the collection; before the end of the waiting it takes what
 * was in force before. 0; -1, after a report, when the policy cannot be used with these lists. */
int collection_finish(struct collection *collection);

/* True when the policy's lists in force were compiled for the networks that are on its LAN ports now, or there
 * is none. */
bool collection_is_guarding(const struct policy *policy);

/* All of it, waiting. */
int collection_load(struct policy *policy, const struct collection_settings *settings);
