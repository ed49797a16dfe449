/* The origin leg: we are a full TLS client that verifies whom it talks to. There is no way to make
 * an SSL object here without saying which name it must prove (RFC 9525; shared bug class 1 of
 * docs/threats.md). */
#pragma once

#include "daemon/address.h"
#include "daemon/endpoint.h"
#include "daemon/reason.h"
#include "daemon/tls/context.h"
#include "daemon/tls/trust.h"

struct origin {
	const char *name; /* canonical host name to send as SNI and to verify; NULL: verify
			     the address, send no SNI */
	const struct address *address; /* the server's address and port */
	const uint8_t *alpn;	       /* wire form: vectors with 8-bit lengths */
	size_t alpn_length;	       /* 0: offer none */
	struct trust *trust;
	unsigned generation; /* of the policy: sessions never outlive it */
	bool tolerant;	     /* finish the handshake even when the certificate fails, because a
				rule wants to see it; origin_verdict() then tells */
	const char *identity; /* PEM of a certificate and its key, for a server that asks; NULL */
	bool anonymous;	      /* without identity: go on without one. Else such a server is refused */
	bool wants_status;   /* refuse it when neither a revocation list nor a staple says that
				its certificate is not revoked */
};

/* A client SSL, ready for side_secure() and side_handshake(), resuming a session of exactly this origin where
 * there is one. The caller owns it and gives it to a side. NULL when out of memory or the name is
 * unusable. The struct is not kept. */
SSL *origin_open(struct tls_context *context, const struct origin *origin);

/* After the handshake, or after it failed: REASON_NONE when chain, name and dates were verified (in
 * this handshake or in the one that made the resumed session), REASON_ORIGIN_… why not, or
 * REASON_TLS_SERVER_FAILED when it was not the certificate. *detail (may be NULL) receives a static
 * or SSL-owned text for the journal. */
enum reason origin_verdict(const SSL *ssl, const char **detail);

/* True when the certificate that the server has shown is also one of this host's, a canonical name
 * or IP literal. */
bool origin_covers(const SSL *ssl, const char *host);

/* Fills the facts of a finished handshake (version, cipher, alpn, certificates, resumed). 0 or -1
 * when out of memory. */
int origin_facts(SSL *ssl, struct tls_facts *facts);

/* SHA-256 of the leaf certificate the origin showed (or the resumed session holds). 0 or -1. */
int origin_digest(const SSL *ssl, uint8_t digest[static 32]);

/* The dates our leaf may not exceed. 0 or -1. */
int origin_validity(const SSL *ssl, int64_t *not_before, int64_t *not_after);
