/* What all TLS of one worker shares: two OpenSSL contexts, the leaf key, ticket keys. Made once,
 * never per connection (performance.md of OpenSSL 3: contexts are dear). */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/tls/tickets.h"

struct tls_context {
	SSL_CTX *clients;      /* LAN leg: we are the server */
	SSL_CTX *servers;      /* origin leg: we are the client */
	bool post_quantum;     /* both agree on keys that a quantum computer cannot find */
	EVP_PKEY *leaf_key;    /* P-256, new at every start of the worker */
	uint8_t *leaf_key_der; /* its SubjectPublicKeyInfo, for the signer */
	size_t leaf_key_der_length;
	struct session_cache *sessions; /* origin leg resumption */
	struct chain_cache *chains;	/* origin leg: what need not be verified again */
	struct mirror *mirror;		/* NULL before it was first needed */
};

/* ticket_keys are shared by all workers so that a client may resume on any of them. NULL when out
 * of memory or when OpenSSL refuses; the cause is logged. */
struct tls_context *tls_context_new(const uint8_t ticket_keys[static TICKET_KEYS_SIZE]);

/* Tickets made with other keys are no longer taken. */
void tls_context_rekey(struct tls_context *context,
		       const uint8_t ticket_keys[static TICKET_KEYS_SIZE]);
void tls_context_free(struct tls_context *context);
