// link: daemon/tls/x509.c daemon/certificate.c daemon/text.c tests/unit/chains.c -lssl -lcrypto
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/tls/x509.h"
#include "tests/unit/chains.h"

static EVP_PKEY *key;

static void a_certificate_becomes_facts(void **state)
{
	const struct chain_plan plan = {
		.subject = "www.example.com",
		.names = "DNS:www.example.com,IP:192.0.2.7,IP:2001:db8::1",
		.begin = -3600,
		.end = 86400,
	};
	X509 *root = chain_root("Test root", key);
	X509 *leaf = chain_make(&plan, key, root, key);
	struct certificate_list *list = x509_list_one(leaf);
	const struct certificate *facts = &list->certificates[0];
	uint8_t digest[32];
	int64_t now = time(NULL);

	(void)state;
	X509_digest(leaf, EVP_sha256(), digest, NULL);
	assert_int_equal(list->count, 1);
	assert_string_equal(facts->subject, "CN=www.example.com");
	assert_string_equal(facts->issuer, "CN=Test root");
	assert_string_equal(facts->names, "www.example.com, 192.0.2.7, 2001:db8::1");
	assert_string_equal(facts->key_type, "EC");
	assert_int_equal(facts->key_bits, 256);
	assert_in_range(facts->not_before, now - 3605, now - 3600);
	assert_in_range(facts->not_after, now + 86390, now + 86400);
	assert_memory_equal(facts->sha256, digest, 32);
	assert_false(facts->self_signed);
	certificate_list_release(list);
	list = x509_list_one(root);
	assert_true(list->certificates[0].self_signed);
	assert_string_equal(list->certificates[0].names, "");
	certificate_list_release(list);
	X509_free(leaf);
	X509_free(root);
}

static void a_chain_is_cut_at_its_bound(void **state)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *root = chain_root("Test root", key);
	struct certificate_list *list;

	(void)state;
	assert_null(x509_list(chain));
	assert_null(x509_list(NULL));
	for (int i = 0; i < CERTIFICATES_MAX + 5; i++)
		sk_X509_push(chain, root);
	list = x509_list(chain);
	assert_int_equal(list->count, CERTIFICATES_MAX);
	certificate_list_release(list);
	sk_X509_free(chain);
	X509_free(root);
}

static X509 *with_raw_name(const char *bytes, int length, int copies)
{
	X509 *certificate = chain_root("Test root", key);
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	for (int i = 0; i < copies; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		ASN1_STRING_set(text, bytes, length);
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		sk_GENERAL_NAME_push(names, name);
	}
	X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
	return certificate;
}

static void names_cannot_forge_a_list(void **state)
{
	const char evil[] = "a.example\0.evil, b.example\n\"";
	X509 *certificate = with_raw_name(evil, sizeof(evil) - 1, 1);
	struct certificate_list *list = x509_list_one(certificate);

	(void)state;
	assert_string_equal(list->certificates[0].names,
			    "a.example\\x00.evil\\x2c\\x20b.example\\x0a\\x22");
	certificate_list_release(list);
	X509_free(certificate);
}

static void ten_thousand_names_are_cut_between_names(void **state)
{
	X509 *certificate = with_raw_name("name.example", 12, 10000);
	struct certificate_list *list = x509_list_one(certificate);
	const char *names = list->certificates[0].names;

	(void)state;
	assert_true(strlen(names) < X509_NAMES_MAX);
	assert_string_equal(names + strlen(names) - 17, "name.example, ...");
	certificate_list_release(list);
	X509_free(certificate);
}

static void times_beyond_2038_are_exact(void **state)
{
	ASN1_TIME *time = ASN1_TIME_new();
	int64_t seconds;

	(void)state;
	ASN1_TIME_set_string(time, "21060207062816Z");
	assert_int_equal(x509_seconds(time, &seconds), 0);
	assert_int_equal(seconds, INT64_C(4294967296));
	ASN1_TIME_set_string(time, "99991231235959Z");
	assert_int_equal(x509_seconds(time, &seconds), 0);
	assert_int_equal(seconds, INT64_C(253402300799));
	ASN1_TIME_set_string(time, "19500101000000Z");
	assert_int_equal(x509_seconds(time, &seconds), 0);
	assert_int_equal(seconds, INT64_C(-631152000));
	ASN1_TIME_free(time);
}

static void keys_have_the_names_of_the_model(void **state)
{
	EVP_PKEY *keys[] = { EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") };
	const char *const types[] = { "RSA", "Ed25519" };
	const unsigned bits[] = { 2048, 256 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		X509 *certificate = chain_root("Test root", keys[i]);
		struct certificate_list *list = x509_list_one(certificate);

		assert_string_equal(list->certificates[0].key_type, types[i]);
		assert_in_range(list->certificates[0].key_bits, bits[i] - 4, bits[i]);
		certificate_list_release(list);
		X509_free(certificate);
		EVP_PKEY_free(keys[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_becomes_facts),
		cmocka_unit_test(a_chain_is_cut_at_its_bound),
		cmocka_unit_test(names_cannot_forge_a_list),
		cmocka_unit_test(ten_thousand_names_are_cut_between_names),
		cmocka_unit_test(times_beyond_2038_are_exact),
		cmocka_unit_test(keys_have_the_names_of_the_model),
	};
	int failed;

	key = EVP_EC_gen("P-256");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
