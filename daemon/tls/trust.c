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
#include "daemon/tls/notorious.h"

struct trust {
	unsigned holders;
	X509_STORE *store;
	size_t count;
	size_t lists; /* of revoked certificates */
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t excluded[TRUST_EXCLUDED_MAX][SHA256_DIGEST_LENGTH]; /* banned public keys */
	size_t excluded_count;
};

/* One block between BEGIN and END; name, header and bytes are OpenSSL's to free. */
struct block {
	char *name;
	char *header;
	unsigned char *bytes;
	long length;
};

/* A broken entry must not hide those behind it: the reader goes on at the next BEGIN line. */
static bool next_block(BIO *pem, struct block *block)
{
	bool found;

	do {
		ERR_clear_error();
		*block = (struct block){ .name = NULL };
		found = PEM_read_bio(pem, &block->name, &block->header, &block->bytes,
				     &block->length) == 1;
	} while (!found && !BIO_eof(pem) &&
		 ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE);
	ERR_clear_error();
	return found;
}

static void free_block(struct block *block)
{
	OPENSSL_free(block->name);
	OPENSSL_free(block->header);
	OPENSSL_free(block->bytes);
}

/* Of the SubjectPublicKeyInfo, as others publish such digests. */
static bool digest_key(const X509 *certificate, uint8_t digest[static SHA256_DIGEST_LENGTH])
{
	unsigned char *der = NULL;
	int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool done = length > 0 && SHA256(der, (size_t)length, digest);

	OPENSSL_free(der);
	return done;
}

static bool is_notorious(const X509 *certificate)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	return digest_key(certificate, digest) && notorious_find(digest);
}

/* False: it is no authority, or one whose key is in everybody's hands. */
static bool add_root(struct trust *trust, const struct block *block)
{
	const unsigned char *bytes = block->bytes;
	X509 *certificate = d2i_X509(NULL, &bytes, block->length);
	bool added = certificate && X509_check_ca(certificate) && !is_notorious(certificate) &&
		     X509_STORE_add_cert(trust->store, certificate);

	X509_free(certificate);
	return added;
}

static bool add_revocations(struct trust *trust, const struct block *block)
{
	const unsigned char *bytes = block->bytes;
	X509_CRL *list = d2i_X509_CRL(NULL, &bytes, block->length);
	bool added = list && X509_STORE_add_crl(trust->store, list);

	trust->lists += added;
	X509_CRL_free(list);
	return added;
}

static void add_all(struct trust *trust, BIO *pem)
{
	size_t left_out = 0, objects;
	struct block block;

	while (next_block(pem, &block)) {
		if (strcmp(block.name, PEM_STRING_X509) == 0)
			left_out += !add_root(trust, &block);
		else if (strcmp(block.name, PEM_STRING_X509_CRL) == 0)
			left_out += !add_revocations(trust, &block);
		free_block(&block);
		ERR_clear_error();
	}
	/* The same root twice is one. */
	objects = (size_t)sk_X509_OBJECT_num(X509_STORE_get0_objects(trust->store));
	trust->count = objects > trust->lists ? objects - trust->lists : 0;
	if (left_out > 0)
		log_warning("trusted roots: %zu entries are no authorities, or notorious ones: "
			    "left out",
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
	add_all(trust, memory);
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

static void note_exclusion(struct trust *trust, const uint8_t *key)
{
	uint8_t both[2 * SHA256_DIGEST_LENGTH];

	memcpy(both, trust->digest, SHA256_DIGEST_LENGTH);
	memcpy(both + SHA256_DIGEST_LENGTH, key, SHA256_DIGEST_LENGTH);
	SHA256(both, sizeof(both), trust->digest);
	trust->excluded_count++;
}

int trust_exclude(struct trust *trust, const char *pem)
{
	BIO *memory = BIO_new_mem_buf(pem, -1);
	X509 *certificate;

	while (memory && trust->excluded_count < TRUST_EXCLUDED_MAX &&
	       (certificate = PEM_read_bio_X509(memory, NULL, NULL, NULL))) {
		uint8_t *key = trust->excluded[trust->excluded_count];

		if (digest_key(certificate, key))
			note_exclusion(trust, key);
		X509_free(certificate);
	}
	BIO_free(memory);
	ERR_clear_error();
	return trust->excluded_count > 0 ? 0 : -1;
}

const char *trust_objection(const struct trust *trust, const X509 *certificate)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	if (!digest_key(certificate, digest))
		return "the public key cannot be read";
	for (size_t i = 0; i < trust->excluded_count; i++)
		if (memcmp(digest, trust->excluded[i], sizeof(digest)) == 0)
			return "the gateway's own authority";
	return notorious_find(digest);
}

bool trust_revokes(const struct trust *trust)
{
	return trust->lists > 0;
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
