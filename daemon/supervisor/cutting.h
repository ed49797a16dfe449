/* Ends live connections: those in workers by an order, those that the kernel carries by taking them out of
 * conntrack, whereupon the rules reset their next packet. All in the supervisor's process. */
#pragma once

#include "daemon/orders.h"

struct supervisor;

/* Ends what the order names. 0; -1 when a worker did not take it (the rest is done). */
int cutting_order(struct supervisor *supervisor, const struct cut_order *order);

/* A policy, a list or a window of time has changed: ends what the kernel carries and a rule with `cut: true`
 * now blocks in the kernel. */
void cutting_blocked(struct supervisor *supervisor);
