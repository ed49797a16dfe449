/* What the kernel carries on, from the decision until it lets go: which connection of the journal a flow is. A table
 * of fixed size; where it is full, what is oldest gives way. Pure but for its memory, which is taken as it fills. */
#pragma once

#include <stdbool.h>

#include "daemon/address.h"

enum { LEDGER_MAX = 16384 }; /* flows; 1.3 MB when full */

struct ledger;

struct ledger_flow {
	struct address client;
	struct address server;
	bool datagrams;
};

/* NULL when out of memory. */
struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* Notes a flow, in the place of what was noted under its ends. The id of what has to give way, 0: nothing. */
uint64_t ledger_note(struct ledger *ledger, const struct ledger_flow *flow, uint64_t id);

/* Takes a flow out; 0: it is not there. */
uint64_t ledger_take(struct ledger *ledger, const struct ledger_flow *flow);

bool ledger_is_empty(const struct ledger *ledger);
