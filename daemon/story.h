/* What is told of a flow beyond the packet door's decision: of datagrams, while somebody reads events, udp_start and
 * udp_end; of all that a rule with `log` lets the kernel carry on, how much it was. */
#pragma once

#include "daemon/told.h"
#include "netfilter/endings.h"

/* A flow of datagrams was decided: tells its start and, unless the kernel carries it on, its end.
 */
void story_begin(struct visits *visits, struct flow *flow, const struct told *told);

/* The kernel carries a flow on whose line the journal has under this id: its bytes follow. */
void story_note(struct visits *visits, const struct flow *flow, uint64_t id);

/* The kernel has let go of a connection (endings_each); context: the visits. */
void story_end(void *context, const struct ending *ending);

/* A flow with a story is forgotten (flows_new()); context: the visits. */
void story_forget(void *context, struct flow *flow);
