/* The plan as rules of nft, one comment and a few lines for each step, so that the chain reads like the
 * policy. Pure. */
#pragma once

#include "daemon/text.h"
#include "netfilter/plan.h"
#include "netfilter/signatures.h"

enum { PLAN_TEXT_MAX = 8 << 20 }; /* bytes of either */

struct plan_text {
	char *objects; /* the named counters that the rules use: rule_SLOT, and shadow_SLOT of shadows */
	char *rules;   /* the chains `shadow_SLOT` and `rules`, which ends in forward, refuse or proxy; and
			  where there are guards, `guard` and `outside`; and where workers carry datagrams,
			  `carried`, which ends in carry or returns */
	bool guards;
	bool carries;
};

/* How packets carry what lists they are in. */
struct list_mark {
	const struct signatures *signatures;
	uint32_t mask; /* of the packet mark */
};

/* Prints; plan_text_end() must follow. mark is not looked at when the plan was made without lists. 0, or -1 with errno: ENOMEM, E2BIG when the rules name more
 * addresses than fit. */
int plan_text_begin(struct plan_text *text, const struct plan *plan, const struct list_mark *mark);
void plan_text_end(struct plan_text *text);

/* Adds where a step takes place and why, for people: "in the kernel", "in a worker: packets do not tell
 * `host`". */
void plan_print_place(const struct plan *plan, const struct step *step, struct text *text);
