/* Which combination of lists an address is in, as a small number: what some bits of a packet's mark can
 * hold. A number keeps its meaning for good, whatever policies and lists come after, so that rules and
 * look-ups need not change in the same moment: rules that know the new numbers are loaded first. */
#pragma once

#include "daemon/policy/policy.h"

enum { SIGNATURES_MAX = 255 };

struct signatures {
	unsigned name_count;
	char *names[LISTS_MAX]; /* of lists; a set speaks of them by their place here */
	unsigned count;		/* numbered from 1; 0 is: in none of them */
	struct list_set sets[SIGNATURES_MAX + 1];
	uint32_t class_count;
	uint8_t *of_class; /* of each class of the ranges taken last; owned */
};

/* Takes the policy's compiled ranges: gives a number to every combination that occurs of the lists that a
 * rule asks about by `address`. Begins as { 0 }. 0, or -1 with errno: ENOMEM, E2BIG when the numbers are
 * used up; what was taken before then still stands. */
int signatures_take(struct signatures *signatures, const struct policy *policy);
void signatures_end(struct signatures *signatures);

/* Whether the combination of that number holds the list. */
bool signature_has(const struct signatures *signatures, unsigned number, const struct list *list);

/* The number of an address among the ranges taken last, as the kernel would find it. */
unsigned signatures_find(const struct signatures *signatures, const struct ranges *ranges,
			 const struct address *address);

/* True when a rule asks about any list by `address`. */
bool policy_asks_lists(const struct policy *policy);
