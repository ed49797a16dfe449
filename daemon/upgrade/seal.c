#include "daemon/upgrade/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "daemon/upgrade/image.h"

static EVP_PKEY *read_key(const char *path)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file ? PEM_read_PUBKEY(file, NULL, NULL, NULL) : NULL;

	if (file)
		fclose(file);
	if (!key || EVP_PKEY_id(key) == EVP_PKEY_ED25519)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

bool seal_holds(const struct image *image, const char *head, const char *key_file)
{
	EVP_PKEY *key = read_key(key_file);
	EVP_MD_CTX *context = key ? EVP_MD_CTX_new() : NULL;
	bool holds = false;

	if (!key)
		fprintf(stderr, "headgatectl: %s holds no Ed25519 key: no image can be trusted\n",
			key_file);
	if (context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1)
		holds = EVP_DigestVerify(context, image->signature, IMAGE_SIGNATURE,
					 (const unsigned char *)head, image->signed_length) == 1;
	if (key && !holds)
		fputs("headgatectl: the image is not signed by whom this box trusts\n", stderr);
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	return holds;
}

struct digest *digest_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1)
		return (struct digest *)context;
	EVP_MD_CTX_free(context);
	return NULL;
}

bool digest_add(struct digest *digest, const void *bytes, size_t length)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)digest, bytes, length) == 1;
}

bool digest_is(struct digest *digest, const uint8_t *wanted)
{
	unsigned char found[EVP_MAX_MD_SIZE];

	return EVP_DigestFinal_ex((EVP_MD_CTX *)digest, found, NULL) == 1 &&
	       CRYPTO_memcmp(found, wanted, IMAGE_DIGEST) == 0;
}

void digest_free(struct digest *digest)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)digest);
}
