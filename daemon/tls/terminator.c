#include "daemon/tls/terminator.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/tls/agreed.h"
#include "daemon/tls/digest.h"
#include "daemon/tls/issuer.h"
#include "daemon/tls/x509.h"

/* What we remember beside an SSL object of the LAN leg. */
struct memory {
	char alpn[32];
	int alert; /* fatal, that the client sent (RFC 8446 section 6); -1: none */
	struct certificate_list *shown; /* held */
};

static CRYPTO_ONCE slot_once = CRYPTO_ONCE_STATIC_INIT;
static int slot = -1;

static void discard(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument,
		    void *unused)
{
	struct memory *memory = pointer;

	(void)parent, (void)data, (void)index, (void)argument, (void)unused;
	if (memory)
		certificate_list_release(memory->shown);
	free(memory);
}

static void make_slot(void)
{
	slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, discard);
}

static struct memory *recall(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, slot);
}

static void note_alert(const SSL *ssl, int where, int value)
{
	if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		recall(ssl)->alert = value & 0xff;
}

/* Exactly the origin's choice, and only where the client knows it (RFC 7301 section 3.2). */
static int choose_alpn(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
		       const unsigned char *offered, unsigned offered_length, void *argument)
{
	const struct memory *memory = recall(ssl);
	size_t wanted = strlen(memory->alpn);
	unsigned at = 0;

	(void)argument;
	while (wanted > 0 && at < offered_length) {
		unsigned length = offered[at++];

		if (length == wanted && memcmp(offered + at, memory->alpn, wanted) == 0) {
			*chosen = offered + at;
			*chosen_length = (unsigned char)length;
			return SSL_TLSEXT_ERR_OK;
		}
		at += length;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static bool attach_memory(SSL *ssl, const char *alpn)
{
	struct memory *memory;

	if (strlen(alpn) >= sizeof(memory->alpn))
		return false;
	memory = calloc(1, sizeof(*memory));
	if (memory && SSL_set_ex_data(ssl, slot, memory)) {
		strcpy(memory->alpn, alpn);
		memory->alert = -1;
		return true;
	}
	free(memory);
	return false;
}

/* A ticket is good only under the same name and the same policy. */
static bool bind_sessions(SSL *ssl, const struct terminator *terminator)
{
	uint8_t digest[DIGEST_SIZE];
	const struct span parts[] = {
		digest_string(terminator->name),
		digest_object(&terminator->generation, sizeof(terminator->generation)),
	};

	return digest_parts(parts, 2, digest) == 0 &&
	       SSL_set_session_id_context(ssl, digest, sizeof(digest));
}

static bool show_leaf(SSL *ssl, struct leaf *leaf)
{
	if (!leaf->facts)
		leaf->facts = x509_list_one(leaf->certificate);
	recall(ssl)->shown = certificate_list_hold(leaf->facts);
	return SSL_use_certificate(ssl, leaf->certificate) && SSL_use_PrivateKey(ssl, leaf->key) &&
	       (!leaf->authority || SSL_add1_chain_cert(ssl, leaf->authority));
}

SSL *terminator_open(struct tls_context *context, const struct terminator *terminator)
{
	SSL *ssl;

	if (!CRYPTO_THREAD_run_once(&slot_once, make_slot) || slot < 0)
		return NULL;
	/* OpenSSL has this one callback on the context only; it is the same every time. */
	SSL_CTX_set_alpn_select_cb(context->clients, choose_alpn, NULL);
	ssl = SSL_new(context->clients);
	if (!ssl)
		return NULL;
	if (!attach_memory(ssl, terminator->alpn) || !bind_sessions(ssl, terminator) ||
	    !show_leaf(ssl, terminator->leaf)) {
		SSL_free(ssl);
		return NULL;
	}
	/* A certificate that fails must be seen to fail, every time. */
	if (terminator->leaf->mirrors)
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
	SSL_set_info_callback(ssl, note_alert);
	SSL_set_accept_state(ssl);
	return ssl;
}

static bool is_about_certificate(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
		return true;
	default:
		return false;
	}
}

enum reason terminator_failure(const SSL *ssl, const char **detail)
{
	int alert = recall(ssl)->alert;
	unsigned long error = ERR_peek_error();
	const char *text = error ? ERR_reason_error_string(error) : NULL;

	if (alert >= 0)
		text = SSL_alert_desc_string_long(alert);
	if (detail)
		*detail = text ? text : "the client went away";
	return is_about_certificate(alert) ? REASON_LEAF_REFUSED : REASON_TLS_CLIENT_FAILED;
}

bool terminator_was_left(const SSL *ssl)
{
	OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);

	return recall(ssl)->alert < 0 &&
	       (state == TLS_ST_SW_SRVR_DONE || state == TLS_ST_SW_FINISHED ||
		state == TLS_ST_EARLY_DATA || state == TLS_ST_SR_CLNT_HELLO);
}

int terminator_facts(SSL *ssl, struct tls_facts *facts)
{
	agreed_facts(ssl, facts);
	certificate_list_release(facts->certificates);
	facts->certificates = certificate_list_hold(recall(ssl)->shown);
	return facts->certificates ? 0 : -1;
}
