/* The networks on the LAN ports, whose addresses must stay reachable whatever a list says. */
#pragma once

#include <stdbool.h>

#include "daemon/policy/policy.h"

enum { GUARDS_MAX = 64 };

/* What is directly reachable from the policy's LAN ports now; how many. Links' own addresses (fe80::/10) are
 * not among them: nothing routed goes there. */
size_t guards_find(const struct policy *policy, struct prefix guards[static GUARDS_MAX]);
