/* Policy routing for marked packets: `fwmark M/mask lookup T` and, in table T, `local default dev
 * lo`, for IPv4 and, where the kernel has it, IPv6. It is what makes a packet for a foreign address
 * ours (Documentation/networking/tproxy.rst). Needs CAP_NET_ADMIN. */
#pragma once

#include "daemon/policy/policy.h"

enum { ROUTES_PRIORITY = 90 }; /* of the rules: before those of mwan3 (1001) and the main table */

/* Adds rules and routes from capture's mark, mark_mask and table. Again is fine. 0, or -1 with
 * errno. */
int routes_add(const struct capture *capture);

/* Removes what routes_add() added and nothing else. 0 also when there was nothing; -1 with errno.
 */
int routes_remove(const struct capture *capture);
