/* The kernel's table of connections: ends those that it carries by itself. A connection that is taken out of it
 * in mid-stream is nobody's; the rules answer its next packet with a reset. Needs CAP_NET_ADMIN. */
#pragma once

#include <stddef.h>

#include "daemon/address.h"
#include "daemon/endpoint.h"
#include "netfilter/tuple.h"

/* Whether a flow is to end. */
typedef bool flow_choice(void *context, const struct tuple *flow);

/* Asks about every flow whose mark has this value within the mask (0, 0: every flow) and takes out those that
 * are chosen; adds their number to *count. 0, or -1 with errno. */
int conntrack_cut(uint32_t mark, uint32_t mask, flow_choice *choose, void *context, size_t *count);
