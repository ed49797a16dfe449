/* Workers of the program that ran in this process before (succession.h): they accept nothing any more, obey
 * orders still, and end with their last connection, or when their time is over. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/orders.h"
#include "daemon/supervisor/doors.h"

enum { ELDERS_MAX = 2 * WORKERS_MAX };

struct elder {
	pid_t pid;
	int orders;    /* our end */
	int64_t until; /* steady microseconds; then it has to end */
};

struct elders {
	unsigned count;
	struct elder elder[ELDERS_MAX];
};

/* Takes orders over. False, and nothing is taken, where there is no room. */
bool elders_add(struct elders *elders, pid_t pid, int orders, int64_t until);

/* Forgets one that has ended. False: it was none of them. */
bool elders_bury(struct elders *elders, pid_t pid);

/* Gives all the same order; those that cannot take it are ended in order. Descriptors stay the caller's. */
void elders_tell(struct elders *elders, const union order *order, size_t size,
		 const int *descriptors, size_t count);

/* Ends those whose time is over. Call once a second. */
void elders_watch(struct elders *elders);

/* Ends all in order. Their connections have DRAIN_SECONDS from now. */
void elders_end(struct elders *elders);

/* The same, and waits until they have ended, for half a second at most; then kills. They are forgotten. */
void elders_end_now(struct elders *elders);
