/* The plan as rules of nft, one comment and a few lines for each step, so that the chain reads like the
 * policy. Pure. */
#pragma once

#include "daemon/text.h"
#include "netfilter/plan.h"

enum { PLAN_TEXT_MAX = 8 << 20 }; /* bytes of either */

struct plan_text {
	char *objects; /* the named counters that the rules use: rule_SLOT, and shadow_SLOT of shadows */
	char *rules;   /* the chains `shadow_SLOT` and `rules`, which ends in forward, refuse or proxy */
};

/* Prints both; plan_text_end() must follow. 0, or -1 with errno: ENOMEM, E2BIG when the rules name more
 * addresses than fit. */
int plan_text_begin(struct plan_text *text, const struct plan *plan);
void plan_text_end(struct plan_text *text);

/* Adds where a step takes place and why, for people: "in the kernel", "in a worker: packets do not tell
 * `host`". */
void plan_print_place(const struct plan *plan, const struct step *step, struct text *text);
