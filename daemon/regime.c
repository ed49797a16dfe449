#include "daemon/regime.h"

#include <stdlib.h>
#include <string.h>

/* Roots of one upstream with a `verify.ca` of its own. */
struct own_trust {
	const struct upstream *upstream;
	struct trust *trust;
	struct own_trust *next;
};

struct regime {
	unsigned holders;
	struct policy *policy;
	struct trust *trust;
	const char *trust_pem; /* what trust was made from; the policy's */
	const char *authority_pem;
	struct own_trust *own;
};

static struct trust *load_roots(const char *pem, const char *authority_pem)
{
	struct trust *trust = trust_new(pem, strlen(pem));

	if (trust && authority_pem && trust_exclude(trust, authority_pem) < 0) {
		trust_release(trust);
		return NULL;
	}
	return trust;
}

static struct trust *load(const struct policy *policy, const struct regime *before,
			  const char *authority_pem)
{
	if (!policy->trust_pem)
		return NULL;
	/* Parsing 140 roots takes tens of milliseconds: a reload that leaves them alone must not pay. */
	if (before && before->trust && strcmp(before->trust_pem, policy->trust_pem) == 0)
		return trust_hold(before->trust);
	return load_roots(policy->trust_pem, authority_pem);
}

struct regime *regime_new(struct policy *policy, const struct regime *before,
			  const char *authority_pem)
{
	struct regime *regime = calloc(1, sizeof(*regime));

	if (!regime) {
		policy_release(policy);
		return NULL;
	}
	regime->holders = 1;
	regime->policy = policy;
	regime->authority_pem = authority_pem;
	regime->trust = load(policy, before, authority_pem);
	regime->trust_pem = policy->trust_pem;
	return regime;
}

struct regime *regime_hold(struct regime *regime)
{
	regime->holders++;
	return regime;
}

void regime_release(struct regime *regime)
{
	if (!regime || --regime->holders)
		return;
	while (regime->own) {
		struct own_trust *own = regime->own;

		regime->own = own->next;
		trust_release(own->trust);
		free(own);
	}
	trust_release(regime->trust);
	policy_release(regime->policy);
	free(regime);
}

const struct policy *regime_policy(const struct regime *regime)
{
	return regime->policy;
}

static struct trust *own_trust(struct regime *regime, const struct upstream *upstream)
{
	struct own_trust *own;

	for (own = regime->own; own; own = own->next)
		if (own->upstream == upstream)
			return own->trust;
	own = calloc(1, sizeof(*own));
	if (!own)
		return NULL;
	own->upstream = upstream;
	own->trust = load_roots(upstream->verify_ca_pem, regime->authority_pem);
	own->next = regime->own;
	regime->own = own;
	return own->trust;
}

struct trust *regime_trust(struct regime *regime, const struct upstream *upstream)
{
	if (upstream && upstream->verify_ca_pem)
		return own_trust(regime, upstream);
	return regime->trust;
}
