/* Whether a list may hold addresses of the gateway's own networks. Where it serves to block, such an entry is
 * a mistake more often than not, and one that cuts devices off; where it serves to let pass or to make
 * exceptions, the owner's own networks are just what it is for. */
#pragma once

#include <stdbool.h>

struct list;
struct policy;

/* True when no entry of the list may hold an address of the LAN: the owner says so (`guard`), or says nothing and the
 * list is fetched, or nothing is done with it but to block by `address` or `host`. */
bool list_is_guarded(const struct policy *policy, const struct list *list);
