#include "daemon/tls/algorithms.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/opensslv.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <string.h>

/* A provider cannot be asked for without a context to load it into. */
static OSSL_PROVIDER *whole;

enum { ALGORITHMS_MAX = 32, OPERATIONS = OSSL_OP_DECODER + 1 };

/* What TLS 1.2 and 1.3 with the cipher suites of context.c need, and X.509; of the decoders those of
 * keys that a certificate may hold. Operations that are not here are left as they are. */
static const char *const wanted[OPERATIONS][12] = {
	[OSSL_OP_DIGEST] = { "SHA1", "SHA2-224", "SHA2-256", "SHA2-384", "SHA2-512" },
	[OSSL_OP_CIPHER] = { "AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305" },
	[OSSL_OP_MAC] = { "HMAC" },
	[OSSL_OP_KDF] = { "HKDF", "TLS13-KDF", "TLS1-PRF" },
	[OSSL_OP_DECODER] = { "RSA", "RSA-PSS", "EC", "ED25519", "ED448" },
};

static OSSL_ALGORITHM kept[OPERATIONS][ALGORITHMS_MAX];

/* The names of an algorithm are joined by colons, the usual one first. */
static bool is_wanted(const OSSL_ALGORITHM *algorithm, int operation)
{
	size_t length = strcspn(algorithm->algorithm_names, ":");

	if (operation == OSSL_OP_DECODER &&
	    !strstr(algorithm->property_definition, "input=der,structure=SubjectPublicKeyInfo"))
		return false;
	for (const char *const *name = wanted[operation]; *name; name++)
		if (strlen(*name) == length &&
		    strncmp(*name, algorithm->algorithm_names, length) == 0)
			return true;
	return false;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_store)
{
	const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, no_store);
	size_t count = 0;

	(void)context;
	if (!all || operation >= OPERATIONS || !wanted[operation][0])
		return all;
	for (; all->algorithm_names && count + 1 < ALGORITHMS_MAX; all++)
		if (is_wanted(all, operation))
			kept[operation][count++] = *all;
	kept[operation][count] = (OSSL_ALGORITHM){ .algorithm_names = NULL };
	return kept[operation];
}

static int capabilities(void *context, const char *capability, OSSL_CALLBACK *answer, void *argument)
{
	(void)context;
	return OSSL_PROVIDER_get_capabilities(whole, capability, answer, argument);
}

static const OSSL_DISPATCH functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
	{ OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))capabilities },
	{ 0, NULL },
};

/* The algorithms are the default provider's: they expect its context, not one of ours. */
static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
		 const OSSL_DISPATCH **ours, void **context)
{
	(void)handle, (void)core;
	*ours = functions;
	*context = OSSL_PROVIDER_get0_provider_ctx(whole);
	return 1;
}

static OSSL_LIB_CTX *narrow;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void make_narrow(void)
{
	OSSL_LIB_CTX *inner = OSSL_LIB_CTX_new();
	OSSL_LIB_CTX *outer = OSSL_LIB_CTX_new();

	ERR_set_mark();
	whole = inner ? OSSL_PROVIDER_load(inner, "default") : NULL;
	if (whole && outer && OSSL_PROVIDER_add_builtin(outer, "narrow", begin) &&
	    OSSL_PROVIDER_load(outer, "narrow")) {
		narrow = outer;
	} else {
		OSSL_LIB_CTX_free(outer);
		OSSL_LIB_CTX_free(inner);
	}
	ERR_pop_to_mark();
}

OSSL_LIB_CTX *algorithms(void)
{
	if (OPENSSL_VERSION_PREREQ(3, 2) || !CRYPTO_THREAD_run_once(&once, make_narrow))
		return NULL;
	return narrow;
}
