/* One generation of the policy at run time: the policy and the roots it trusts. A connection holds the
 * regime it started under. */
#pragma once

#include "daemon/policy/policy.h"
#include "daemon/tls/trust.h"

struct regime;

/* Takes over one hold of the policy. Roots that equal those of before (may be NULL) are shared with it. An
 * origin whose chain leads to authority_pem, the gateway's own CA, is never trusted; the text outlives the
 * regime. NULL when out of memory; the policy is then released. */
struct regime *regime_new(struct policy *policy, const struct regime *before,
			  const char *authority_pem);

struct regime *regime_hold(struct regime *regime);
void regime_release(struct regime *regime);

/* Owned by the regime. */
const struct policy *regime_policy(const struct regime *regime);

/* Roots for an upstream (NULL: the original destination); owned by the regime; NULL when there are none,
 * and then nothing may be verified. */
struct trust *regime_trust(struct regime *regime, const struct upstream *upstream);
