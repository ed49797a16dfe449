// link: daemon/tls/leaf.c daemon/tls/der.c daemon/tls/issue.c daemon/tls/authority.c daemon/tls/founding.c daemon/tls/keyfile.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c daemon/name.c daemon/address.c -lcrypto
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/leaf.h"
#include "daemon/tls/x509.h"

enum { DAY = 86400 };

static struct authority *authority;
static EVP_PKEY *key;
static int64_t now;

static void set_key(struct issue_request *request, EVP_PKEY *of)
{
	unsigned char *der = NULL;
	int length = i2d_PUBKEY(of, &der);

	request->key_length = (uint16_t)length;
	memcpy(request->key, der, length < ISSUE_KEY_MAX ? (size_t)length : ISSUE_KEY_MAX);
	OPENSSL_free(der);
}

static struct issue_request make_request(const char *name)
{
	struct issue_request request = { .id = 77,
					 .not_before = now - DAY,
					 .not_after = now + 90 * DAY };

	snprintf(request.name, sizeof(request.name), "%s", name);
	set_key(&request, key);
	return request;
}

static enum issue_answer ask(const struct issue_request *request, X509 **leaf)
{
	struct issue_reply reply;
	const unsigned char *der = reply.leaf;

	leaf_issue(authority, request, now, &reply);
	assert_int_equal(reply.id, request->id);
	assert_int_equal(issue_reply_check(&reply, sizeof(reply)), 0);
	*leaf = reply.answer == ISSUE_DONE ? d2i_X509(NULL, &der, reply.leaf_length) : NULL;
	if (reply.answer == ISSUE_DONE)
		assert_ptr_equal(der, reply.leaf + reply.leaf_length);
	return reply.answer;
}

static X509 *issue(const char *name)
{
	struct issue_request request = make_request(name);
	X509 *leaf;

	assert_int_equal(ask(&request, &leaf), ISSUE_DONE);
	assert_non_null(leaf);
	return leaf;
}

static void assert_answer(const struct issue_request *request, enum issue_answer expected)
{
	X509 *leaf;

	assert_int_equal(ask(request, &leaf), expected);
	X509_free(leaf);
}

/* What `openssl verify -x509_strict -purpose sslserver -auth_level 2` would say. */
static int verify(X509 *leaf, const char *host, const char *address)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int error;

	X509_STORE_add_cert(store, authority_certificate(authority));
	X509_STORE_CTX_init(context, store, leaf, NULL);
	X509_STORE_CTX_set_default(context, "ssl_server");
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_flags(param,
				    X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	if (host)
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	if (address)
		X509_VERIFY_PARAM_set1_ip_asc(param, address);
	X509_verify_cert(context);
	error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return error;
}

/* C03, C06 */
static void the_leaf_is_exactly_as_promised(void **state)
{
	const int expected[] = { NID_basic_constraints, NID_key_usage, NID_ext_key_usage,
				 NID_authority_key_identifier, NID_subject_alt_name };
	X509 *leaf = issue("www.example.com");
	char name[128];

	(void)state;
	assert_int_equal(verify(leaf, "www.example.com", NULL), X509_V_OK);
	assert_int_equal(verify(leaf, "example.com", NULL), X509_V_ERR_HOSTNAME_MISMATCH);
	assert_int_equal(X509_get_version(leaf), X509_VERSION_3);
	assert_int_equal(X509_get_ext_count(leaf), 5);
	for (int i = 0; i < 5; i++) {
		X509_EXTENSION *extension = X509_get_ext(leaf, i);

		assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(extension)), expected[i]);
		assert_int_equal(X509_EXTENSION_get_critical(extension), i < 2);
	}
	assert_int_equal(X509_check_ca(leaf), 0);
	assert_int_equal(X509_get_key_usage(leaf), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(leaf), XKU_SSL_SERVER);
	assert_int_equal(X509_get_signature_nid(leaf), NID_ecdsa_with_SHA256);
	assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(leaf), key), 1);
	assert_int_equal(
		ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
				      X509_get0_subject_key_id(authority_certificate(authority))),
		0);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 1);
	X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, name, sizeof(name));
	assert_string_equal(name, "www.example.com");
	X509_free(leaf);
}

static void names_of_all_kinds_verify(void **state)
{
	char long_name[] = "a123456789.b123456789.c123456789.d123456789.e123456789.f123456789.com";
	X509 *leaf;

	(void)state;
	leaf = issue("192.0.2.7");
	assert_int_equal(verify(leaf, NULL, "192.0.2.7"), X509_V_OK);
	X509_free(leaf);
	leaf = issue("2001:db8::1");
	assert_int_equal(verify(leaf, NULL, "2001:db8::1"), X509_V_OK);
	X509_free(leaf);
	leaf = issue("xn--bcher-kva.example");
	assert_int_equal(verify(leaf, "xn--bcher-kva.example", NULL), X509_V_OK);
	X509_free(leaf);
	leaf = issue(long_name);
	assert_int_equal(verify(leaf, long_name, NULL), X509_V_OK);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(leaf)), 0);
	assert_int_equal(X509_EXTENSION_get_critical(X509_get_ext(leaf, 4)), 1);
	X509_free(leaf);
}

/* The longest name needs two-byte DER lengths. */
static void the_longest_name_fits(void **state)
{
	char name[254];
	X509 *leaf;

	(void)state;
	for (int i = 0; i < 253; i++)
		name[i] = i % 64 == 63 ? '.' : 'a';
	name[253] = '\0';
	leaf = issue(name);
	assert_int_equal(verify(leaf, name, NULL), X509_V_OK);
	X509_free(leaf);
}

/* C04 */
static void dates_stay_inside_all_bounds(void **state)
{
	struct issue_request request = make_request("www.example.com");
	int64_t begin, end;
	X509 *leaf;

	(void)state;
	ask(&request, &leaf);
	x509_validity(leaf, &begin, &end);
	assert_int_equal(begin, now - 600);
	assert_int_equal(end, now + DAY);
	X509_free(leaf);
	request.not_before = now - 60;
	request.not_after = now + 3600;
	ask(&request, &leaf);
	x509_validity(leaf, &begin, &end);
	assert_int_equal(begin, now - 60);
	assert_int_equal(end, now + 3600);
	X509_free(leaf);
	request.not_after = INT64_MAX;
	request.not_before = INT64_MIN;
	now = authority_not_after(authority) - 100;
	ask(&request, &leaf);
	x509_validity(leaf, &begin, &end);
	assert_int_equal(begin, now - 600);
	assert_int_equal(end, now + 100);
	X509_free(leaf);
	now += 100;
	assert_answer(&request, ISSUE_BAD_REQUEST);
	now = time(NULL);
	request.not_after = now - 1;
	assert_answer(&request, ISSUE_BAD_REQUEST);
	request.not_before = now + 10;
	request.not_after = now + 10;
	assert_answer(&request, ISSUE_BAD_REQUEST);
}

/* C05 */
static void serials_are_long_positive_and_new(void **state)
{
	BIGNUM *seen[200];

	(void)state;
	for (int i = 0; i < 200; i++) {
		X509 *leaf = issue("www.example.com");

		seen[i] = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
		assert_false(BN_is_negative(seen[i]));
		assert_in_range(BN_num_bits(seen[i]), 64, 159);
		for (int j = 0; j < i; j++)
			assert_int_not_equal(BN_cmp(seen[i], seen[j]), 0);
		X509_free(leaf);
	}
	for (int i = 0; i < 200; i++)
		BN_free(seen[i]);
}

/* K04 */
static void names_under_never_are_refused(void **state)
{
	struct issue_request request = make_request("bank.example");
	X509 *leaf;

	(void)state;
	assert_answer(&request, ISSUE_NEVER);
	request = make_request("www.bank.example");
	assert_answer(&request, ISSUE_NEVER);
	request = make_request("notbank.example");
	assert_int_equal(ask(&request, &leaf), ISSUE_DONE);
	assert_int_equal(verify(leaf, "notbank.example", NULL), X509_V_OK);
	X509_free(leaf);
}

static void what_is_no_canonical_name_is_refused(void **state)
{
	const char *const names[] = {
		"",
		"*.example.com",
		"*",
		"WWW.example.com",
		"www.example.com.",
		".example.com",
		"a..b",
		"a b",
		"www.example.com\n",
		"192.0.2.07",
		"2001:DB8::1",
		"::ffff:192.0.2.1",
		"fe80::1%1",
		"a,DNS:b",
		("b\xc3\xbc"
		 "cher.example"),
		"user@host",
		"host:443",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct issue_request request = make_request(names[i]);

		assert_answer(&request, ISSUE_BAD_REQUEST);
	}
}

static void keys_that_are_not_on_p256_are_refused(void **state)
{
	struct issue_request request = make_request("www.example.com");
	EVP_PKEY *rsa = EVP_RSA_gen(1024), *p384 = EVP_EC_gen("P-384");
	EVP_PKEY *ed25519 = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	(void)state;
	request.key[80] ^= 1; /* off the curve */
	assert_answer(&request, ISSUE_BAD_REQUEST);
	request.key_length = 0;
	assert_answer(&request, ISSUE_BAD_REQUEST);
	set_key(&request, rsa);
	assert_answer(&request, ISSUE_BAD_REQUEST);
	set_key(&request, p384);
	assert_answer(&request, ISSUE_BAD_REQUEST);
	set_key(&request, ed25519);
	assert_answer(&request, ISSUE_BAD_REQUEST);
	set_key(&request, key);
	request.key_length++;
	assert_answer(&request, ISSUE_BAD_REQUEST);
	request.key_length = 65535;
	assert_answer(&request, ISSUE_BAD_REQUEST);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(ed25519);
}

static void messages_of_another_size_are_refused(void **state)
{
	struct issue_request request = make_request("www.example.com");
	uint8_t bytes[sizeof(request) + 1] = { 0 };
	struct issue_reply reply = { .answer = ISSUE_DONE, .leaf_length = ISSUE_LEAF_MAX + 1 };

	(void)state;
	memcpy(bytes, &request, sizeof(request));
	assert_int_equal(issue_request_check(bytes, sizeof(request)), 0);
	assert_int_equal(issue_request_check(bytes, sizeof(request) - 1), -1);
	assert_int_equal(issue_request_check(bytes, sizeof(request) + 1), -1);
	assert_int_equal(issue_request_check(bytes, 0), -1);
	memset(request.name, 'a', sizeof(request.name)); /* no end */
	assert_int_equal(issue_request_check(&request, sizeof(request)), -1);
	assert_int_equal(issue_reply_check(&reply, sizeof(reply)), -1);
	reply.leaf_length = 0;
	assert_int_equal(issue_reply_check(&reply, sizeof(reply)), -1);
	reply.leaf_length = 100;
	assert_int_equal(issue_reply_check(&reply, sizeof(reply)), 0);
	reply.answer = 9;
	assert_int_equal(issue_reply_check(&reply, sizeof(reply)), -1);
}

static char directory[] = "/tmp/headgate-leaf-XXXXXX";

static int set_up(void **state)
{
	const struct authority_constraint never[] = { { "bank.example" } };

	(void)state;
	now = time(NULL);
	key = EVP_EC_gen("P-256");
	if (!mkdtemp(directory) || authority_create(directory, never, 1) < 0)
		return -1;
	authority = authority_open(directory);
	return authority ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[100];

	(void)state;
	authority_close(authority);
	EVP_PKEY_free(key);
	snprintf(path, sizeof(path), "%s/authority.key", directory);
	unlink(path);
	snprintf(path, sizeof(path), "%s/authority.pem", directory);
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_leaf_is_exactly_as_promised),
		cmocka_unit_test(names_of_all_kinds_verify),
		cmocka_unit_test(the_longest_name_fits),
		cmocka_unit_test(dates_stay_inside_all_bounds),
		cmocka_unit_test(serials_are_long_positive_and_new),
		cmocka_unit_test(names_under_never_are_refused),
		cmocka_unit_test(what_is_no_canonical_name_is_refused),
		cmocka_unit_test(keys_that_are_not_on_p256_are_refused),
		cmocka_unit_test(messages_of_another_size_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
