#include "tests/unit/chains.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

static void add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	if (!value)
		return;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(extension);
	assert_true(X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

X509 *chain_make(const struct chain_plan *plan, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	static long serial = 1000;
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);
	const EVP_MD *digest = plan->digest ? plan->digest : EVP_sha256();

	if (!issuer) {
		issuer = certificate;
		issuer_key = key;
	}
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
	if (plan->subject)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
					   (const uint8_t *)plan->subject, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_gmtime_adj(X509_getm_notBefore(certificate), plan->begin);
	X509_gmtime_adj(X509_getm_notAfter(certificate), plan->end);
	X509_set_pubkey(certificate, key);
	add(certificate, issuer, NID_subject_key_identifier, "hash");
	add(certificate, issuer, NID_basic_constraints, plan->basic);
	add(certificate, issuer, NID_key_usage, plan->usage);
	add(certificate, issuer, NID_ext_key_usage, plan->extended);
	add(certificate, issuer, NID_subject_alt_name, plan->names);
	if (EVP_PKEY_is_a(issuer_key, "ED25519"))
		digest = NULL;
	assert_true(X509_sign(certificate, issuer_key, digest) > 0);
	return certificate;
}

X509 *chain_root(const char *subject, EVP_PKEY *key)
{
	return chain_make(&(struct chain_plan){ .subject = subject,
						.basic = "critical,CA:TRUE",
						.begin = -86400,
						.end = 864000 },
			  key, NULL, NULL);
}

char *chain_pem(X509 *certificate)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *bytes, *text;
	long length;

	PEM_write_bio_X509(memory, certificate);
	length = BIO_get_mem_data(memory, &bytes);
	text = strndup(bytes, (size_t)length);
	BIO_free(memory);
	return text;
}

void chain_sockets(int fds[static 2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

bool chain_shake(SSL *client, SSL *server)
{
	int client_done = 0, server_done = 0;

	for (int i = 0; i < 20 && (client_done != 1 || server_done != 1); i++) {
		ERR_clear_error();
		if (server_done != 1)
			server_done = SSL_do_handshake(server);
		ERR_clear_error();
		if (client_done != 1)
			client_done = SSL_do_handshake(client);
	}
	return client_done == 1 && server_done == 1;
}

void chain_exchange(SSL *client, SSL *server)
{
	char byte;

	assert_int_equal(SSL_write(server, "x", 1), 1);
	assert_int_equal(SSL_read(client, &byte, 1), 1);
}
