#include "daemon/tls/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/limits.h"
#include "daemon/log.h"
#include "daemon/tls/algorithms.h"
#include "daemon/tls/chains.h"
#include "daemon/tls/mirror.h"
#include "daemon/tls/public_suffix.h"
#include "daemon/tls/sessions.h"

enum {
	SECURITY_LEVEL = 2, /* 112 bits: no SHA-1, no RSA below 2048 */
	CHAIN_DEPTH = 10,   /* certificates above the leaf */
	CLIENT_SESSION_SECONDS = 7200,
};

static const char ciphers_12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char ciphers_13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
				 "TLS_CHACHA20_POLY1305_SHA256";

static const char signatures[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:"
				 "RSA-PSS+SHA384:RSA-PSS+SHA512:rsa_pss_pss_sha256:"
				 "rsa_pss_pss_sha384:rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:"
				 "RSA+SHA512";

/* OpenSSL 3.5 and later agree on keys that a quantum computer cannot find. */
static bool set_post_quantum(SSL_CTX *context)
{
	bool set;

	ERR_set_mark();
	set = SSL_CTX_set1_groups_list(context, "X25519MLKEM768:X25519:P-256:P-384");
	ERR_pop_to_mark();
	return set;
}

static bool set_groups(SSL_CTX *context)
{
	return set_post_quantum(context) || SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
}

/* Everything that the system's openssl.cnf might have set otherwise is set here: it may choose
 * providers, not what TLS is to us. Without options a stream cut short does not look like a complete
 * one (RFC 8446 section 6.1), and the kernel does not encrypt (decisions/0015). */
static SSL_CTX *new_context(const SSL_METHOD *method, OSSL_LIB_CTX *library)
{
	SSL_CTX *context = SSL_CTX_new_ex(library, NULL, method);

	if (!context)
		return NULL;
	SSL_CTX_set_security_level(context, SECURITY_LEVEL);
	SSL_CTX_clear_options(context, SSL_CTX_get_options(context));
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					     SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_max_early_data(context, 0);
	if (!SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) ||
	    !SSL_CTX_set_max_proto_version(context, 0) ||
	    !SSL_CTX_set_cipher_list(context, ciphers_12) ||
	    !SSL_CTX_set_ciphersuites(context, ciphers_13) ||
	    !SSL_CTX_set1_sigalgs_list(context, signatures) || !set_groups(context)) {
		SSL_CTX_free(context);
		return NULL;
	}
	return context;
}

static SSL_CTX *new_clients(const uint8_t ticket_keys[static TICKET_KEYS_SIZE])
{
	SSL_CTX *context = new_context(TLS_server_method(), NULL);

	if (!context)
		return NULL;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(context, CLIENT_SESSION_SECONDS);
	if (SSL_CTX_set_num_tickets(context, 1) &&
	    SSL_CTX_set_tlsext_ticket_keys(context, (void *)(uintptr_t)ticket_keys,
					   TICKET_KEYS_SIZE) == 1)
		return context;
	SSL_CTX_free(context);
	return NULL;
}

static SSL_CTX *new_servers(void)
{
	SSL_CTX *context = new_context(TLS_client_method(), algorithms());

	if (!context)
		return NULL;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(context, CHAIN_DEPTH);
	return context;
}

static int make_leaf_key(struct tls_context *context)
{
	int length;

	context->leaf_key = EVP_EC_gen("P-256");
	if (!context->leaf_key)
		return -1;
	length = i2d_PUBKEY(context->leaf_key, &context->leaf_key_der);
	if (length <= 0)
		return -1;
	context->leaf_key_der_length = (size_t)length;
	return 0;
}

struct tls_context *tls_context_new(const uint8_t ticket_keys[static TICKET_KEYS_SIZE])
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	public_suffix_load();
	context->clients = new_clients(ticket_keys);
	context->servers = new_servers();
	context->sessions = sessions_new(SESSIONS_MAX);
	context->chains = chains_new(CHAINS_MAX);
	if (context->clients && context->servers && context->sessions && context->chains &&
	    make_leaf_key(context) == 0) {
		context->post_quantum = set_post_quantum(context->clients);
		return context;
	}
	log_error("TLS cannot be set up: %s", ERR_reason_error_string(ERR_peek_last_error()));
	tls_context_free(context);
	return NULL;
}

void tls_context_rekey(struct tls_context *context,
		       const uint8_t ticket_keys[static TICKET_KEYS_SIZE])
{
	SSL_CTX_set_tlsext_ticket_keys(context->clients, (void *)(uintptr_t)ticket_keys,
				       TICKET_KEYS_SIZE);
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->clients);
	SSL_CTX_free(context->servers);
	EVP_PKEY_free(context->leaf_key);
	OPENSSL_free(context->leaf_key_der);
	sessions_free(context->sessions);
	mirror_free(context->mirror);
	chains_free(context->chains);
	free(context);
}
