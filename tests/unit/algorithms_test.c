// link: daemon/tls/algorithms.c -lcrypto
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/tls/algorithms.h"

/* True when the key that a certificate may hold is read back from its SubjectPublicKeyInfo. */
static bool reads(EVP_PKEY *key)
{
	unsigned char *der = NULL;
	int length = i2d_PUBKEY(key, &der);
	const unsigned char *next = der;
	EVP_PKEY *again = d2i_PUBKEY_ex(NULL, &next, length, algorithms(), NULL);
	bool same = again && EVP_PKEY_eq(key, again) == 1;

	EVP_PKEY_free(again);
	EVP_PKEY_free(key);
	OPENSSL_free(der);
	return same;
}

static bool has_digest(const char *name)
{
	EVP_MD *digest = EVP_MD_fetch(algorithms(), name, NULL);
	bool found = digest && EVP_Digest("", 0, (unsigned char[EVP_MAX_MD_SIZE]){ 0 }, NULL,
					  digest, NULL);

	EVP_MD_free(digest);
	return found;
}

static bool has_cipher(const char *name)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(algorithms(), name, NULL);

	EVP_CIPHER_free(cipher);
	return cipher != NULL;
}

static void keys_of_certificates_are_read(void **state)
{
	(void)state;
	assert_true(reads(EVP_EC_gen("P-256")));
	assert_true(reads(EVP_EC_gen("P-384")));
	assert_true(reads(EVP_EC_gen("P-521")));
	assert_true(reads(EVP_RSA_gen(2048)));
	assert_true(reads(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")));
	assert_true(reads(EVP_PKEY_Q_keygen(NULL, NULL, "ED448")));
}

static void the_algorithms_of_our_suites_are_there(void **state)
{
	(void)state;
	assert_true(has_digest("SHA1"));
	assert_true(has_digest("SHA256"));
	assert_true(has_digest("SHA384"));
	assert_true(has_digest("SHA512"));
	assert_true(has_cipher("AES-128-GCM"));
	assert_true(has_cipher("AES-256-GCM"));
	assert_true(has_cipher("ChaCha20-Poly1305"));
}

static void others_are_not(void **state)
{
	(void)state;
	if (OPENSSL_VERSION_PREREQ(3, 2))
		skip();
	assert_non_null(algorithms());
	assert_ptr_equal(algorithms(), algorithms());
	assert_false(has_digest("MD5"));
	assert_false(has_cipher("DES-EDE3-CBC"));
	assert_false(has_cipher("AES-128-CBC"));
	assert_false(reads(EVP_PKEY_Q_keygen(NULL, NULL, "X25519")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_certificates_are_read),
		cmocka_unit_test(the_algorithms_of_our_suites_are_there),
		cmocka_unit_test(others_are_not),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
