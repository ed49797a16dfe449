/* Addresses that the owner bans while all is running: a table of its own (`inet headgate-bans`), before all
 * other rules, which lists, rules and reloads leave alone. It is made with the first ban. Needs
 * CAP_NET_ADMIN. */
#pragma once

#include "daemon/policy/policy.h"

enum { BANS_MAX = 4096, BANS_MESSAGE = 256 }; /* of either family */

/* Bans the address for so many seconds from now (0: until it is unbanned), also when it is banned already. 0,
 * or -1 with errno and a sentence in message: ENFILE when there are BANS_MAX. */
int ban_add(const struct policy *policy, const struct address *address, unsigned seconds,
	    char message[static BANS_MESSAGE]);

/* 0, or -1 with errno: ENOENT when it is not banned. */
int ban_remove(const struct address *address);

/* Hears of one ban; left is in seconds, 0: without an end. */
typedef void ban_visit(void *context, const struct address *address, unsigned left);

/* All of them. 0, also when there is none; -1 with errno. */
int bans_each(ban_visit *visit, void *context);

/* Writes the rules anew for the policy's LAN ports, where there is the table; the bans stay. 0 or -1. */
int bans_refresh(const struct policy *policy);

/* Lifts all. 0, also when there is none; -1 with errno. */
int bans_remove(void);
