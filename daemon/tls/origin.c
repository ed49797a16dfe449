#include "daemon/tls/origin.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/tls/agreed.h"
#include "daemon/tls/objections.h"
#include "daemon/tls/sessions.h"
#include "daemon/tls/verification.h"
#include "daemon/tls/x509.h"

/* What we remember beside an SSL object of the origin leg. */
struct memory {
	struct session_cache *sessions;
	uint8_t key[DIGEST_SIZE]; /* of the sessions */
	int64_t verified;	  /* of the session offered; seconds since 1970 */
	const char *alert;	  /* that the server sent */
	bool wants_certificate;
	bool anonymous;
	const char *identity; /* the policy's, which outlives the handshake */
};

static CRYPTO_ONCE slot_once = CRYPTO_ONCE_STATIC_INIT;
static int slot = -1;

static void discard(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument,
		    void *unused)
{
	(void)parent, (void)data, (void)index, (void)argument, (void)unused;
	free(pointer);
}

static void make_slot(void)
{
	slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, discard);
}

static struct memory *recall(const SSL *ssl)
{
	return SSL_get_ex_data(ssl, slot);
}

static bool use_identity(SSL *ssl, const char *pem)
{
	BIO *memory = BIO_new_mem_buf(pem, -1), *again = BIO_new_mem_buf(pem, -1);
	X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;
	EVP_PKEY *key = again ? PEM_read_bio_PrivateKey(again, NULL, NULL, (void *)"") : NULL;
	bool used = certificate && key && SSL_use_certificate(ssl, certificate) &&
		    SSL_use_PrivateKey(ssl, key);

	X509_free(certificate);
	EVP_PKEY_free(key);
	BIO_free(memory);
	BIO_free(again);
	return used;
}

/* OpenSSL asks for our certificate only when the server asked for one. Going on without one in
 * silence would look like the client's own choice. 0 ends the handshake. */
static int answer_request(SSL *ssl, void *argument)
{
	struct memory *memory = recall(ssl);

	(void)argument;
	memory->wants_certificate = true;
	if (memory->identity)
		return use_identity(ssl, memory->identity);
	return memory->anonymous;
}

static void note_alert(const SSL *ssl, int where, int value)
{
	if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		recall(ssl)->alert = SSL_alert_desc_string_long(value);
}

static const char *find_flaw(const SSL *ssl)
{
	if (!SSL_get0_peer_certificate(ssl) || SSL_get_verify_result(ssl) != X509_V_OK)
		return "the server showed no verified certificate";
	return NULL;
}

/* Called when a session may be kept: at the end of a TLS 1.2 handshake, any time later in TLS 1.3.
 */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct memory *memory = recall(ssl);

	if (!memory || memory->alert || verification_fault(ssl, NULL) != REASON_NONE || find_flaw(ssl))
		return 0;
	/* Of a session with a certificate the server remembers whose it was. */
	if (memory->wants_certificate)
		return 0;
	sessions_put(memory->sessions, memory->key, session,
		     SSL_session_reused(ssl) ? memory->verified : (int64_t)time(NULL));
	return 1;
}

static struct memory *new_memory(struct tls_context *context, const struct origin *origin)
{
	const struct session_subject subject = {
		.address = origin->address,
		.name = origin->name,
		.alpn = origin->alpn,
		.alpn_length = origin->alpn_length,
		.generation = origin->generation,
		.trust = trust_digest(origin->trust),
		.wants_status = origin->wants_status,
	};
	struct memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	if (session_key(&subject, memory->key) < 0) {
		free(memory);
		return NULL;
	}
	memory->sessions = context->sessions;
	memory->anonymous = origin->anonymous;
	memory->identity = origin->identity;
	return memory;
}

static bool attach_memory(SSL *ssl, struct tls_context *context, const struct origin *origin)
{
	struct memory *memory = new_memory(context, origin);

	if (memory && SSL_set_ex_data(ssl, slot, memory))
		return true;
	free(memory);
	return false;
}

static void offer_session(SSL *ssl)
{
	struct memory *memory = recall(ssl);
	SSL_SESSION *session =
		sessions_take(memory->sessions, memory->key, time(NULL), &memory->verified);

	if (session)
		SSL_set_session(ssl, session);
	SSL_SESSION_free(session);
}

SSL *origin_open(struct tls_context *context, const struct origin *origin)
{
	SSL *ssl;

	if (!CRYPTO_THREAD_run_once(&slot_once, make_slot) || slot < 0 || !origin->trust)
		return NULL;
	/* OpenSSL has these callbacks on the context only; they are the same every time. */
	SSL_CTX_sess_set_new_cb(context->servers, keep_session);
	verification_install(context->servers);
	ssl = SSL_new(context->servers);
	if (!ssl)
		return NULL;
	if (!attach_memory(ssl, context, origin) ||
	    verification_begin(ssl, context->chains, origin) < 0 ||
	    (origin->name && !SSL_set_tlsext_host_name(ssl, origin->name)) ||
	    (origin->alpn_length > 0 &&
	     SSL_set_alpn_protos(ssl, origin->alpn, (unsigned)origin->alpn_length) != 0)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_cert_cb(ssl, answer_request, NULL);
	SSL_set_info_callback(ssl, note_alert);
	SSL_set_connect_state(ssl);
	offer_session(ssl);
	return ssl;
}

static enum reason judge_protocol(const SSL *ssl, const struct memory *memory, const char **detail)
{
	unsigned long error = ERR_peek_error();
	const char *said = error ? ERR_reason_error_string(error) : NULL;

	if (memory->alert)
		*detail = memory->alert;
	else if (!SSL_is_init_finished(ssl))
		*detail = said ? said : "the handshake was not finished";
	else
		*detail = find_flaw(ssl);
	return *detail ? REASON_TLS_SERVER_FAILED : REASON_NONE;
}

enum reason origin_verdict(const SSL *ssl, const char **detail)
{
	const struct memory *memory = recall(ssl);
	const char *text = NULL;
	enum reason reason = verification_fault(ssl, &text);

	if (reason == REASON_NONE && memory->wants_certificate && !SSL_is_init_finished(ssl) && !memory->alert) {
		reason = REASON_ORIGIN_WANTS_CERTIFICATE;
		text = memory->identity ? "the rule's own cannot be used"
					: "`client-certificate` says what to do";
	} else if (reason == REASON_NONE) {
		reason = judge_protocol(ssl, memory, &text);
	}
	if (detail)
		*detail = text;
	return reason;
}

bool origin_covers(const SSL *ssl, const char *host)
{
	X509 *leaf = SSL_get0_peer_certificate(ssl);

	if (!leaf)
		return false;
	if (X509_check_ip_asc(leaf, host, 0) == 1)
		return true;
	return X509_check_host(leaf, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1 &&
	       !objection_wildcard(leaf, host);
}

int origin_facts(SSL *ssl, struct tls_facts *facts)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	agreed_facts(ssl, facts);
	snprintf(facts->sni, sizeof(facts->sni), "%s", name ? name : "");
	certificate_list_release(facts->certificates);
	facts->certificates = verification_chain(ssl);
	return facts->certificates || sk_X509_num(SSL_get_peer_cert_chain(ssl)) <= 0 ? 0 : -1;
}

int origin_digest(const SSL *ssl, uint8_t digest[static 32])
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);

	return certificate && X509_digest(certificate, EVP_sha256(), digest, NULL) ? 0 : -1;
}

int origin_validity(const SSL *ssl, int64_t *not_before, int64_t *not_after)
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);

	return certificate ? x509_validity(certificate, not_before, not_after) : -1;
}
