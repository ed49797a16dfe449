// link: daemon/tls/context.c daemon/tls/mirror.c daemon/tls/algorithms.c daemon/tls/sessions.c daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/public_suffix.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c daemon/address.c -lpsl -lssl -lcrypto
/* B17: what the owner of a machine writes into its openssl.cnf is for all programs; what TLS is to us stays. */
#include "daemon/tls/context.h"

#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char configuration[] = "openssl_conf = all\n"
				    "[all]\n"
				    "ssl_conf = protocols\n"
				    "[protocols]\n"
				    "system_default = owner\n"
				    "[owner]\n"
				    "Options = KTLS,-MiddleboxCompat,UnsafeLegacyServerConnect\n"
				    "Protocol = -TLSv1.3\n"
				    "MinProtocol = TLSv1\n"
				    "CipherString = ALL:@SECLEVEL=0\n";

static const uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1 };

/* Else the next test shows nothing. */
static void the_file_is_read(void **state)
{
	SSL_CTX *plain = SSL_CTX_new(TLS_client_method());

	(void)state;
	assert_true(SSL_CTX_get_options(plain) & SSL_OP_ENABLE_KTLS);
	assert_true(SSL_CTX_get_options(plain) & SSL_OP_NO_TLSv1_3);
	assert_int_equal(SSL_CTX_get_security_level(plain), 0);
	SSL_CTX_free(plain);
}

static void expect_ours(SSL_CTX *context)
{
	STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);

	for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
		const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(ciphers, i);
		int exchange = SSL_CIPHER_get_kx_nid(cipher);

		assert_true(SSL_CIPHER_is_aead(cipher));
		assert_true(exchange == NID_kx_ecdhe || exchange == NID_kx_any);
	}
	assert_int_equal(SSL_CTX_get_options(context), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
							       SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	assert_int_equal(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_get_security_level(context), 2);
	assert_int_equal(SSL_CTX_get_max_early_data(context), 0);
}

static void the_file_changes_nothing_of_ours(void **state)
{
	struct tls_context *context = tls_context_new(ticket_keys);

	(void)state;
	assert_non_null(context);
	expect_ours(context->clients);
	expect_ours(context->servers);
	assert_int_equal(context->leaf_key_der_length, 91);
	tls_context_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_is_read),
		cmocka_unit_test(the_file_changes_nothing_of_ours),
	};
	char path[] = "/tmp/openssl.cnf.XXXXXX";
	int file = mkstemp(path), failed;

	if (file < 0 || write(file, configuration, sizeof(configuration) - 1) < 0)
		return EXIT_FAILURE;
	close(file);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	setenv("OPENSSL_CONF", path, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
