/* The worker's side of the signer: leaves by name and origin certificate, cached (LEAVES_MAX, least
 * recently used goes first), one request in flight per name, re-issued before they expire. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>

#include "daemon/reason.h"
#include "daemon/tls/context.h"

enum {
	ISSUES_MAX = 256, /* questions to the signer under way */
	RESEND_MILLISECONDS = 200,
	TICK_MILLISECONDS = 50,
};

struct issuer;

struct leaf {
	unsigned holders;
	X509 *certificate;
	EVP_PKEY *key;	    /* the worker's leaf key; not owned */
	X509 *authority;    /* sent with it; not owned by the leaf */
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
	struct certificate_list *facts; /* held; NULL before it was shown */
	bool mirrors; /* it stands for an origin whose certificate failed (mirror.h) */
};

struct leaf *leaf_hold(struct leaf *leaf);
void leaf_release(struct leaf *leaf);

/* channel: the worker's end of the pair to the signer; authority_pem: the CA certificate, sent as
 * chain. The pair outlives a signer: what a dead one did not answer is asked again
 * (SIGNER_MILLISECONDS in all). NULL when out of memory. */
struct issuer *issuer_new(struct event_base *base, int channel, struct tls_context *context,
			  const char *authority_pem);

/* Waits that are still open are unlinked without a call. NULL is fine. */
void issuer_free(struct issuer *issuer);

/* One wait for a leaf; embedded in the caller, unlinked by issuer_cancel() or by its answer. */
struct leaf_wait {
	struct leaf_wait *next;
	struct leaf_wait **link;
	void (*ready)(struct leaf_wait *wait, struct leaf *leaf, enum reason reason);
	void *context;
};

/* Asks for the leaf of name (canonical host name or IP literal) bound to the origin certificate's
 * digest and dates. From the cache the leaf is returned at once, held for the caller. Otherwise
 * NULL and *reason REASON_NONE: wait->ready() will be called later with a held leaf, or NULL and
 * why (REASON_NAME_NEVER, REASON_SIGNER_UNAVAILABLE). NULL and another *reason: refused at once. */
struct leaf_order {
	const char *name;
	const uint8_t *origin_digest; /* 32 bytes */
	int64_t not_before;
	int64_t not_after;
};
struct leaf *issuer_order(struct issuer *issuer, const struct leaf_order *order,
			  struct leaf_wait *wait, enum reason *reason);

/* The caller no longer waits. A wait that was answered or never linked (zeroed) is fine. */
void issuer_cancel(struct leaf_wait *wait);

/* Leaves in the cache. */
size_t issuer_cached(const struct issuer *issuer);
