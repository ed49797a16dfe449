#include "daemon/tls/origin.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/tls/agreed.h"
#include "daemon/tls/chains.h"
#include "daemon/tls/objections.h"
#include "daemon/tls/revocation.h"
#include "daemon/tls/sessions.h"
#include "daemon/tls/x509.h"

/* What we remember beside an SSL object of the origin leg. */
struct memory {
	struct session_cache *sessions;
	struct chain_cache *chains;
	struct trust *trust;
	uint8_t key[DIGEST_SIZE]; /* of the sessions */
	int64_t verified;	  /* of the session offered; seconds since 1970 */
	enum reason reason;	  /* the first fault of the certificate */
	const char *detail;
	const char *alert; /* that the server sent */
	bool tolerant;
	bool wants_certificate;
	bool anonymous;
	const char *identity; /* the policy's, which outlives the handshake */
	struct common_chain *common; /* held: the certificates, where others have them too */
	STACK_OF(X509) *replaced;    /* by them, until the handshake is over */
	bool wants_status; /* an origin that nobody can say is not revoked is refused */
	bool has_status;   /* a revocation list has said that it is not */
};

static CRYPTO_ONCE slot_once = CRYPTO_ONCE_STATIC_INIT;
static int slot = -1;

static void discard(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argument,
		    void *unused)
{
	struct memory *memory = pointer;

	(void)parent, (void)data, (void)index, (void)argument, (void)unused;
	if (!memory)
		return;
	trust_release(memory->trust);
	chains_release(memory->common);
	sk_X509_pop_free(memory->replaced, X509_free);
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

static enum reason error_reason(int error)
{
	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return REASON_ORIGIN_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return REASON_ORIGIN_NOT_YET_VALID;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return REASON_ORIGIN_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		return REASON_ORIGIN_UNTRUSTED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return REASON_ORIGIN_WRONG_HOST;
	case X509_V_ERR_CERT_REVOKED:
		return REASON_ORIGIN_REVOKED;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		return REASON_ORIGIN_WEAK;
	default:
		return REASON_ORIGIN_INVALID;
	}
}

/* Answers OpenSSL: go on, or end the handshake with the alert of the error. */
static int note_fault(struct memory *memory, enum reason reason, const char *detail)
{
	if (memory->reason == REASON_NONE) {
		memory->reason = reason;
		memory->detail = detail;
	}
	return memory->tolerant;
}

/* Something about a revocation list, not about the certificate: then it says nothing. */
static bool is_silence(int error)
{
	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
	case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
	case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
	case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
	case X509_V_ERR_DIFFERENT_CRL_SCOPE:
	case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
	case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
		return true;
	default:
		return false;
	}
}

/* OpenSSL calls this for every fault of its own. */
static int judge(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct memory *memory = recall(ssl);
	int error = X509_STORE_CTX_get_error(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (good)
		return 1;
	if (is_silence(error)) {
		memory->has_status &= depth > 0;
	} else if (!objection_is_petty(
			   error, depth == sk_X509_num(X509_STORE_CTX_get0_chain(store)) - 1)) {
		return note_fault(memory, error_reason(error),
				  X509_verify_cert_error_string(error));
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The name or the address that set_identity() has asked for. */
static bool proves_identity(X509_STORE_CTX *store, X509 *leaf)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(store);
	const char *name = X509_VERIFY_PARAM_get0_host(param, 0);
	char *literal;
	bool proven;

	if (name)
		return X509_check_host(leaf, name, 0, X509_VERIFY_PARAM_get_hostflags(param),
				       NULL) == 1;
	literal = X509_VERIFY_PARAM_get1_ip_asc(param);
	proven = literal && X509_check_ip_asc(leaf, literal, 0) == 1;
	OPENSSL_free(literal);
	return proven;
}

static int object(X509_STORE_CTX *store, struct memory *memory, enum reason reason,
		  const char *detail)
{
	X509_STORE_CTX_set_error(store, reason == REASON_ORIGIN_UNTRUSTED ? X509_V_ERR_CERT_REJECTED
					: reason == REASON_ORIGIN_WRONG_HOST
						? X509_V_ERR_HOSTNAME_MISMATCH
						: X509_V_ERR_INVALID_PURPOSE);
	return note_fault(memory, reason, detail);
}

/* What OpenSSL does not see, asked of the path it has found or of the chain as shown. root: the
 * last of them is the trusted root, whose form is the owner's business. */
static int object_to(X509_STORE_CTX *store, struct memory *memory, const STACK_OF(X509) * chain,
		     bool root)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	const char *name = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(store), 0);
	const char *detail = objection_leaf(leaf);
	int count = sk_X509_num(chain);

	if (detail)
		return object(store, memory, REASON_ORIGIN_INVALID, detail);
	if (name && objection_wildcard(leaf, name))
		return object(store, memory, REASON_ORIGIN_WRONG_HOST,
			      "a wildcard over a public suffix");
	for (int i = 0; i < count; i++) {
		const X509 *certificate = sk_X509_value(chain, i);

		detail = trust_objection(memory->trust, certificate);
		if (detail)
			return object(store, memory, REASON_ORIGIN_UNTRUSTED, detail);
		detail = root && i == count - 1 ? NULL : objection_any(certificate);
		if (detail)
			return object(store, memory, REASON_ORIGIN_INVALID, detail);
	}
	return 1;
}

/* Only what depends on these certificates and roots alone is not judged again. */
static bool is_known(const struct memory *memory, X509_STORE_CTX *store, const uint8_t *key)
{
	return !memory->wants_status && chains_know(memory->chains, key, time(NULL)) &&
	       proves_identity(store, X509_STORE_CTX_get0_cert(store));
}

/* Parsed certificates are a third of what an idle connection takes; those of one server are the same
 * for all who talk to it. OpenSSL keeps the stack that it has us verify, and takes the leaf from it
 * afterwards. */
static void share(struct memory *memory, const uint8_t *key, STACK_OF(X509) *shown)
{
	if (!memory->replaced)
		memory->replaced = sk_X509_new_null();
	if (memory->replaced && !memory->common)
		memory->common = chains_share(memory->chains, key, shown, memory->replaced);
}

/* Takes the place of X509_verify_cert(). */
static int verify(X509_STORE_CTX *store, void *argument)
{
	const SSL *ssl =
		X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct memory *memory = recall(ssl);
	STACK_OF(X509) *shown = X509_STORE_CTX_get0_untrusted(store);
	const STACK_OF(X509) *path;
	uint8_t key[DIGEST_SIZE];
	bool keyed = chain_key(shown, trust_digest(memory->trust), key) == 0;

	(void)argument;
	if (keyed && is_known(memory, store, key)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		if (!object_to(store, memory, shown, false))
			return 0;
		share(memory, key, shown);
		return 1;
	}
	memory->has_status = trust_revokes(memory->trust);
	if (X509_verify_cert(store) != 1)
		return 0;
	path = X509_STORE_CTX_get0_chain(store);
	if (!object_to(store, memory, path, true))
		return 0;
	if (keyed && memory->reason == REASON_NONE) {
		chains_put(memory->chains, key, path);
		share(memory, key, shown);
	}
	return 1;
}

/* Called once in every full handshake, after the chain was verified, whether there is a staple or
 * not. 0 ends the handshake with an alert. */
static int judge_status(SSL *ssl, void *argument)
{
	struct memory *memory = recall(ssl);
	enum revocation status;

	(void)argument;
	/* What was resumed was judged when it was made. */
	if (SSL_session_reused(ssl) || memory->reason != REASON_NONE)
		return 1;
	status = revocation_staple(ssl, trust_store(memory->trust));
	if (status == REVOCATION_REVOKED)
		return note_fault(memory, REASON_ORIGIN_REVOKED, "so its issuer says (OCSP)");
	if (status == REVOCATION_GOOD)
		return 1;
	if (revocation_must_staple(SSL_get0_peer_certificate(ssl)))
		return note_fault(memory, REASON_ORIGIN_INVALID,
				  "its certificate demands a good OCSP staple");
	if (memory->wants_status && !memory->has_status)
		return note_fault(memory, REASON_ORIGIN_UNCHECKED,
				  "no revocation list and no good OCSP staple");
	return 1;
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

	if (!memory || memory->reason != REASON_NONE || memory->alert || find_flaw(ssl))
		return 0;
	/* Of a session with a certificate the server remembers whose it was. */
	if (memory->wants_certificate)
		return 0;
	sessions_put(memory->sessions, memory->key, session,
		     SSL_session_reused(ssl) ? memory->verified : (int64_t)time(NULL));
	return 1;
}

static bool is_name(const char *name)
{
	char canonical[NAME_SIZE];

	return name_canonical(name, strlen(name), canonical) && strcmp(name, canonical) == 0;
}

/* What the certificate must prove (RFC 9525 section 6); without one of the two there is no SSL
 * object. */
static bool set_identity(SSL *ssl, const struct origin *origin)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	size_t width = address_width(origin->address);

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	if (trust_revokes(origin->trust))
		X509_VERIFY_PARAM_set_flags(param,
					    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	if (origin->name)
		return is_name(origin->name) &&
		       X509_VERIFY_PARAM_set1_host(param, origin->name, strlen(origin->name)) &&
		       SSL_set_tlsext_host_name(ssl, origin->name);
	return width > 0 && X509_VERIFY_PARAM_set1_ip(param, origin->address->bytes, width);
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
	memory->chains = context->chains;
	memory->trust = trust_hold(origin->trust);
	memory->tolerant = origin->tolerant;
	memory->wants_status = origin->wants_status;
	memory->anonymous = origin->anonymous;
	memory->identity = origin->identity;
	return memory;
}

static bool attach_memory(SSL *ssl, struct tls_context *context, const struct origin *origin)
{
	struct memory *memory = new_memory(context, origin);

	if (memory && SSL_set_ex_data(ssl, slot, memory))
		return true;
	discard(NULL, memory, NULL, 0, 0, NULL);
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

SSL *origin_open(struct tls_context *context, const struct origin *origin, int fd)
{
	SSL *ssl;

	if (!CRYPTO_THREAD_run_once(&slot_once, make_slot) || slot < 0 || !origin->trust)
		return NULL;
	/* OpenSSL has these callbacks on the context only; they are the same every time. */
	SSL_CTX_sess_set_new_cb(context->servers, keep_session);
	SSL_CTX_set_cert_verify_callback(context->servers, verify, NULL);
	SSL_CTX_set_tlsext_status_cb(context->servers, judge_status);
	ssl = SSL_new(context->servers);
	if (!ssl)
		return NULL;
	if (!attach_memory(ssl, context, origin) || !set_identity(ssl, origin) ||
	    !SSL_set1_verify_cert_store(ssl, trust_store(origin->trust)) ||
	    !SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) ||
	    (origin->alpn_length > 0 &&
	     SSL_set_alpn_protos(ssl, origin->alpn, (unsigned)origin->alpn_length) != 0) ||
	    !SSL_set_fd(ssl, fd)) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_verify(ssl, SSL_VERIFY_PEER, judge);
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
	enum reason reason = memory->reason;

	if (reason != REASON_NONE) {
		text = memory->detail;
	} else if (memory->wants_certificate && !SSL_is_init_finished(ssl) && !memory->alert) {
		reason = REASON_ORIGIN_WANTS_CERTIFICATE;
		text = memory->identity ? "the rule's own cannot be used"
					: "`client-certificate` says what to do";
	} else {
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

bool origin_wants_certificate(const SSL *ssl)
{
	return recall(ssl)->wants_certificate;
}

static struct certificate_list *list_chain(const SSL *ssl)
{
	const struct memory *memory = recall(ssl);
	const STACK_OF(X509) *shown = SSL_get_peer_cert_chain(ssl);
	uint8_t key[DIGEST_SIZE];

	if (chain_key(shown, trust_digest(memory->trust), key) < 0)
		return x509_list(shown);
	return chains_facts(memory->chains, key, shown);
}

int origin_facts(SSL *ssl, struct tls_facts *facts)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct memory *memory = recall(ssl);

	sk_X509_pop_free(memory->replaced, X509_free);
	memory->replaced = NULL;
	agreed_facts(ssl, facts);
	snprintf(facts->sni, sizeof(facts->sni), "%s", name ? name : "");
	certificate_list_release(facts->certificates);
	facts->certificates = list_chain(ssl);
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
