// link: daemon/tls/mirror.c tests/unit/chains.c -lssl -lcrypto
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/issuer.h"
#include "daemon/tls/mirror.h"
#include "tests/unit/chains.h"

static struct mirror *mirror;
static EVP_PKEY *key, *root_key;
static X509 *root;

/* The mirrored leaf of a server that shows such a certificate. */
static struct leaf *reflect(const struct chain_plan *plan, bool self_signed)
{
	X509 *shown = chain_make(plan, key, self_signed ? NULL : root, root_key);
	SSL_CTX *servers = SSL_CTX_new(TLS_server_method());
	SSL_CTX *clients = SSL_CTX_new(TLS_client_method());
	SSL *server, *client;
	struct leaf *leaf;
	int fds[2];

	SSL_CTX_use_certificate(servers, shown);
	SSL_CTX_use_PrivateKey(servers, key);
	server = SSL_new(servers);
	client = SSL_new(clients);
	chain_sockets(fds);
	SSL_set_fd(client, fds[0]);
	SSL_set_fd(server, fds[1]);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	assert_null(mirror_leaf(mirror, client));
	assert_true(chain_shake(client, server));
	leaf = mirror_leaf(mirror, client);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(clients);
	SSL_CTX_free(servers);
	X509_free(shown);
	close(fds[0]);
	close(fds[1]);
	return leaf;
}

/* What a client says to the leaf, whose roots are all that was ever trusted. */
static int verify(const struct leaf *leaf, const char *host)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	int error;

	X509_STORE_add_cert(store, root);
	X509_STORE_CTX_init(context, store, leaf->certificate, NULL);
	X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context), host, 0);
	X509_verify_cert(context);
	error = X509_STORE_CTX_get_error(context);
	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	return error;
}

static void drop(struct leaf *leaf)
{
	X509_free(leaf->certificate);
	free(leaf);
}

static struct chain_plan usual(void)
{
	return (struct chain_plan){ .subject = "www.example.com",
				    .names = "DNS:www.example.com,DNS:other.example.com",
				    .begin = -3600,
				    .end = 3600 };
}

static void nobody_trusts_a_mirror(void **state)
{
	struct chain_plan plan = usual();
	struct leaf *leaf = reflect(&plan, false);

	(void)state;
	assert_true(leaf->mirrors);
	assert_int_not_equal(verify(leaf, "www.example.com"), X509_V_OK);
	assert_int_equal(X509_check_host(leaf->certificate, "other.example.com", 0, 0, NULL), 1);
	assert_int_equal(X509_check_private_key(leaf->certificate, leaf->key), 1);
	assert_false(EVP_PKEY_eq(leaf->key, key));
	assert_false(X509_get_extension_flags(leaf->certificate) & EXFLAG_CA);
	drop(leaf);
}

static void what_is_self_signed_stays_so(void **state)
{
	struct chain_plan plan = usual();
	struct leaf *leaf = reflect(&plan, true);

	(void)state;
	assert_null(leaf->authority);
	assert_int_equal(verify(leaf, "www.example.com"),
			 X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	drop(leaf);
}

static void dates_and_names_are_the_origins(void **state)
{
	struct chain_plan plan = usual();
	struct leaf *leaf;

	(void)state;
	plan.begin = -7200;
	plan.end = -3600;
	leaf = reflect(&plan, false);
	assert_true(X509_cmp_current_time(X509_get0_notAfter(leaf->certificate)) < 0);
	drop(leaf);
	plan = usual();
	plan.begin = 3600;
	plan.end = 7200;
	plan.names = "DNS:elsewhere.example";
	leaf = reflect(&plan, false);
	assert_true(X509_cmp_current_time(X509_get0_notBefore(leaf->certificate)) > 0);
	assert_int_equal(X509_check_host(leaf->certificate, "www.example.com", 0,
					 X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL),
			 0);
	drop(leaf);
}

static int set_up(void **state)
{
	(void)state;
	mirror = mirror_new();
	key = EVP_EC_gen("P-256");
	root_key = EVP_EC_gen("P-256");
	root = chain_root("Test root", root_key);
	return !mirror;
}

static int tear_down(void **state)
{
	(void)state;
	mirror_free(mirror);
	EVP_PKEY_free(key);
	EVP_PKEY_free(root_key);
	X509_free(root);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_trusts_a_mirror),
		cmocka_unit_test(what_is_self_signed_stays_so),
		cmocka_unit_test(dates_and_names_are_the_origins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
