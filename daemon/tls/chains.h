/* Chains of origins that were verified: what a second handshake with the same certificates need not
 * compute again. Only the signatures and the path are taken on trust, and only for exactly these
 * certificates under exactly these roots; whose certificate it has to be, and what time it is, is
 * asked every time. */
#pragma once

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/certificate.h"
#include "daemon/tls/digest.h"

enum {
	CHAINS_MAX = 256,	  /* kept by a worker */
	CHAIN_CERTIFICATES_MAX = 16, /* as shown; of longer ones nothing is kept */
};

struct chain_cache;

/* Keeps at most room chains, those used last. NULL when out of memory. */
struct chain_cache *chains_new(size_t room);
void chains_free(struct chain_cache *cache);

/* The key of a chain as a server showed it, leaf first: its certificates in their order, under the
 * roots of that digest. 0; -1 when it is empty or too long or OpenSSL fails. */
int chain_key(const STACK_OF(X509) * shown, const uint8_t trust[static DIGEST_SIZE],
	      uint8_t key[static DIGEST_SIZE]);

/* True when the chain under key was verified and all its certificates are in their dates at now,
 * seconds since 1970. */
bool chains_know(struct chain_cache *cache, const uint8_t key[static DIGEST_SIZE], int64_t now);

/* Notes that the chain under key was verified over the path (leaf to root) without a single fault. */
void chains_put(struct chain_cache *cache, const uint8_t key[static DIGEST_SIZE],
		const STACK_OF(X509) * path);

/* The facts of the chain shown, printed once while it is kept under key. The caller holds them;
 * NULL when it is empty or out of memory. */
struct certificate_list *chains_facts(struct chain_cache *cache,
				      const uint8_t key[static DIGEST_SIZE],
				      const STACK_OF(X509) * shown);

/* The certificates of a chain while connections hold them, the same for all of them. */
struct common_chain;

/* Lets a connection that was shown the chain under key have the certificates that others hold: those
 * in shown give way to them and are moved to replaced, for whoever may still point to them. The
 * first one lends its own. The caller holds the result; NULL when the chain is not known or memory
 * is out. */
struct common_chain *chains_share(struct chain_cache *cache, const uint8_t key[static DIGEST_SIZE],
				  STACK_OF(X509) * shown, STACK_OF(X509) * replaced);

/* NULL is fine. */
void chains_release(struct common_chain *common);

/* Chains in the cache. */
size_t chains_count(const struct chain_cache *cache);
