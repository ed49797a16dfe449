/* Sessions with origins, for resumption. A session is found again only for exactly the same server,
 * name, protocols, policy generation and trusted roots (the name is not verified again on
 * resumption), and only for as long as the certificate that was verified is believed. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"
#include "daemon/tls/digest.h"

enum {
	SESSIONS_PER_ORIGIN = 4, /* TLS 1.3 tickets are used once (RFC 8446 appendix C.4) */
	SESSION_SECONDS = 7200,	 /* from the verification, however often it was renewed */
};

struct session_cache;

struct session_subject {
	const struct address *address;
	const char *name; /* as verified; NULL: the address was */
	const uint8_t *alpn;
	size_t alpn_length;
	unsigned generation;
	const uint8_t *trust; /* digest of the roots */
	bool wants_status;    /* it was verified not to be revoked */
};

/* Keeps sessions of at most room origins. NULL when out of memory. */
struct session_cache *sessions_new(size_t room);
void sessions_free(struct session_cache *cache);

/* Forgets all sessions: under a new policy none is found again. */
void sessions_clear(struct session_cache *cache);

/* Writes the key of subject. 0 or -1. */
int session_key(const struct session_subject *subject, uint8_t key[static DIGEST_SIZE]);

/* Keeps session under key and takes it over, whatever happens. verified: when its certificate was
 * verified, seconds since 1970. The caller vouches that it was. */
void sessions_put(struct session_cache *cache, const uint8_t key[static DIGEST_SIZE],
		  SSL_SESSION *session, int64_t verified);

/* A session for key that is good at now, or NULL; the caller owns it. *verified as given to
 * sessions_put(). A TLS 1.3 session is given out once. */
SSL_SESSION *sessions_take(struct session_cache *cache, const uint8_t key[static DIGEST_SIZE],
			   int64_t now, int64_t *verified);

/* Origins in the cache. */
size_t sessions_count(const struct session_cache *cache);
