#include "daemon/tls/chains.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/tls/shelf.h"
#include "daemon/tls/x509.h"

struct chain {
	struct shelf_item item;
	int64_t not_before; /* the latest of the path; seconds since 1970 */
	int64_t not_after;  /* the earliest */
	struct certificate_list *facts; /* held; NULL before anybody asked */
	struct common_chain *common;	/* theirs who hold it; NULL: nobody does */
};

struct common_chain {
	unsigned holders;
	struct chain *chain; /* NULL: it has fallen out of the cache */
	STACK_OF(X509) *certificates;
};

struct chain_cache {
	struct shelf *shelf;
};

static void drop(struct shelf_item *item)
{
	struct chain *chain = (struct chain *)item;

	certificate_list_release(chain->facts);
	if (chain->common)
		chain->common->chain = NULL;
	free(chain);
}

struct chain_cache *chains_new(size_t room)
{
	struct chain_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->shelf = shelf_new(room, drop);
	if (!cache->shelf) {
		free(cache);
		return NULL;
	}
	return cache;
}

void chains_free(struct chain_cache *cache)
{
	if (!cache)
		return;
	shelf_free(cache->shelf);
	free(cache);
}

int chain_key(const STACK_OF(X509) * shown, const uint8_t trust[static DIGEST_SIZE],
	      uint8_t key[static DIGEST_SIZE])
{
	uint8_t digests[CHAIN_CERTIFICATES_MAX][DIGEST_SIZE];
	struct span parts[CHAIN_CERTIFICATES_MAX + 1] = { digest_object(trust, DIGEST_SIZE) };
	int count = sk_X509_num(shown);

	if (count <= 0 || count > CHAIN_CERTIFICATES_MAX)
		return -1;
	for (int i = 0; i < count; i++) {
		if (!X509_digest(sk_X509_value(shown, i), EVP_sha256(), digests[i], NULL))
			return -1;
		parts[i + 1] = digest_object(digests[i], DIGEST_SIZE);
	}
	return digest_parts(parts, (size_t)count + 1, key);
}

static struct chain *find(struct chain_cache *cache, const uint8_t *key)
{
	return (struct chain *)shelf_find(cache->shelf, key);
}

/* As OpenSSL reads the dates: the first second counts, the last one does not. */
bool chains_know(struct chain_cache *cache, const uint8_t key[static DIGEST_SIZE], int64_t now)
{
	const struct chain *chain = find(cache, key);

	return chain && now >= chain->not_before && now < chain->not_after;
}

static int narrow(struct chain *chain, const STACK_OF(X509) * path)
{
	chain->not_before = INT64_MIN;
	chain->not_after = INT64_MAX;
	for (int i = 0; i < sk_X509_num(path); i++) {
		int64_t not_before, not_after;

		if (x509_validity(sk_X509_value(path, i), &not_before, &not_after) < 0)
			return -1;
		if (not_before > chain->not_before)
			chain->not_before = not_before;
		if (not_after < chain->not_after)
			chain->not_after = not_after;
	}
	return sk_X509_num(path) > 0 ? 0 : -1;
}

void chains_put(struct chain_cache *cache, const uint8_t key[static DIGEST_SIZE],
		const STACK_OF(X509) * path)
{
	struct chain *chain = find(cache, key);

	/* It was known over a path that is out of its dates by now; this one is in them. */
	if (chain) {
		shelf_remove(cache->shelf, &chain->item);
	} else {
		chain = calloc(1, sizeof(*chain));
		if (!chain)
			return;
		memcpy(chain->item.key, key, DIGEST_SIZE);
	}
	if (narrow(chain, path) == 0)
		shelf_put(cache->shelf, &chain->item);
	else
		drop(&chain->item);
}

struct certificate_list *chains_facts(struct chain_cache *cache,
				      const uint8_t key[static DIGEST_SIZE],
				      const STACK_OF(X509) * shown)
{
	struct chain *chain = find(cache, key);

	if (!chain)
		return x509_list(shown);
	if (!chain->facts)
		chain->facts = x509_list(shown);
	return certificate_list_hold(chain->facts);
}

static struct common_chain *lend(struct chain *chain, STACK_OF(X509) *shown)
{
	struct common_chain *common = calloc(1, sizeof(*common));

	if (!common)
		return NULL;
	common->certificates = X509_chain_up_ref(shown);
	if (!common->certificates) {
		free(common);
		return NULL;
	}
	common->chain = chain;
	return common;
}

/* Under one key both are the same certificates in the same order. */
static void replace(STACK_OF(X509) *shown, const STACK_OF(X509) *common, STACK_OF(X509) *replaced)
{
	for (int i = 0; i < sk_X509_num(shown) && i < sk_X509_num(common); i++) {
		X509 *certificate = sk_X509_value(common, i);

		if (!sk_X509_push(replaced, sk_X509_value(shown, i)))
			return;
		X509_up_ref(certificate);
		sk_X509_set(shown, i, certificate);
	}
}

struct common_chain *chains_share(struct chain_cache *cache, const uint8_t key[static DIGEST_SIZE],
				  STACK_OF(X509) *shown, STACK_OF(X509) *replaced)
{
	struct chain *chain = find(cache, key);

	if (!chain)
		return NULL;
	if (chain->common)
		replace(shown, chain->common->certificates, replaced);
	else
		chain->common = lend(chain, shown);
	if (chain->common)
		chain->common->holders++;
	return chain->common;
}

void chains_release(struct common_chain *common)
{
	if (!common || --common->holders)
		return;
	if (common->chain)
		common->chain->common = NULL;
	sk_X509_pop_free(common->certificates, X509_free);
	free(common);
}

size_t chains_count(const struct chain_cache *cache)
{
	return shelf_count(cache->shelf);
}
