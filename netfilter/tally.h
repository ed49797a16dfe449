/* The named counters of the table `inet headgate`. Needs CAP_NET_ADMIN. */
#pragma once

#include <stdint.h>

/* Hears of one counter; the name lives only during the call. */
typedef void tally_each(void *context, const char *name, uint64_t packets);

/* Reads every counter and sets it to zero in the same step, so that nothing is counted twice or lost.
 * 0, also when there is no table; -1 with errno. */
int tally_take(tally_each *each, void *context);
