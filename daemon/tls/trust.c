#include "daemon/tls/trust.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

struct trust {
	unsigned holders;
	X509_STORE *store;
	size_t count;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t excluded[SHA256_DIGEST_LENGTH]; /* of the banned public key */
	bool excludes;
};

/* A broken entry must not hide those behind it: the reader goes on at the next BEGIN line. */
static X509 *next_certificate(BIO *pem)
{
	unsigned long error;
	X509 *certificate;

	do {
		ERR_clear_error();
		certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
		error = ERR_peek_last_error();
	} while (!certificate && !BIO_eof(pem) && ERR_GET_REASON(error) != PEM_R_NO_START_LINE);
	ERR_clear_error();
	return certificate;
}

static void add_roots(struct trust *trust, BIO *pem)
{
	size_t left_out = 0;
	X509 *certificate;

	while ((certificate = next_certificate(pem))) {
		if (!X509_check_ca(certificate) || !X509_STORE_add_cert(trust->store, certificate))
			left_out++;
		X509_free(certificate);
	}
	/* The same root twice is one. */
	trust->count = (size_t)sk_X509_OBJECT_num(X509_STORE_get0_objects(trust->store));
	if (left_out > 0)
		log_warning("trusted roots: %zu certificates are no authorities, left out",
			    left_out);
}

struct trust *trust_new(const char *pem, size_t length)
{
	struct trust *trust = calloc(1, sizeof(*trust));
	BIO *memory = length <= INT_MAX ? BIO_new_mem_buf(pem, (int)length) : NULL;

	if (!trust || !memory)
		goto failed;
	trust->holders = 1;
	trust->store = X509_STORE_new();
	if (!trust->store || !SHA256((const unsigned char *)pem, length, trust->digest))
		goto failed;
	add_roots(trust, memory);
	if (trust->count == 0) {
		log_error("trusted roots: not a single usable certificate");
		goto failed;
	}
	BIO_free(memory);
	return trust;
failed:
	BIO_free(memory);
	if (trust)
		X509_STORE_free(trust->store);
	free(trust);
	return NULL;
}

struct trust *trust_hold(struct trust *trust)
{
	trust->holders++;
	return trust;
}

void trust_release(struct trust *trust)
{
	if (!trust || --trust->holders > 0)
		return;
	X509_STORE_free(trust->store);
	free(trust);
}

static bool digest_key(const X509 *certificate, uint8_t digest[static SHA256_DIGEST_LENGTH])
{
	return X509_pubkey_digest(certificate, EVP_sha256(), digest, NULL);
}

static void note_exclusion(struct trust *trust)
{
	uint8_t both[2 * SHA256_DIGEST_LENGTH];

	memcpy(both, trust->digest, SHA256_DIGEST_LENGTH);
	memcpy(both + SHA256_DIGEST_LENGTH, trust->excluded, SHA256_DIGEST_LENGTH);
	SHA256(both, sizeof(both), trust->digest);
}

int trust_exclude(struct trust *trust, const char *pem)
{
	BIO *memory = BIO_new_mem_buf(pem, -1);
	X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;

	trust->excludes = certificate && digest_key(certificate, trust->excluded);
	if (trust->excludes)
		note_exclusion(trust);
	X509_free(certificate);
	BIO_free(memory);
	ERR_clear_error();
	return trust->excludes ? 0 : -1;
}

bool trust_excludes(const struct trust *trust, const X509 *certificate)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	return trust->excludes && digest_key(certificate, digest) &&
	       memcmp(digest, trust->excluded, sizeof(digest)) == 0;
}

size_t trust_count(const struct trust *trust)
{
	return trust->count;
}

X509_STORE *trust_store(struct trust *trust)
{
	return trust->store;
}

const uint8_t *trust_digest(const struct trust *trust)
{
	return trust->digest;
}
