/* The kernel plan: which part of the policy nftables enforces by itself. Pure. */
#pragma once

#include "netfilter/ruleset.h"

/* Fills the ruleset's facts for the policy. Where a rule looks at more than addresses, the captured UDP ports
 * except DNS are refused, so that QUIC, whose names nobody reads yet, comes back over TCP and meets the
 * rules. Listener ports stay 0. */
void plan_make(struct ruleset *ruleset, const struct policy *policy, enum capture_method method);
