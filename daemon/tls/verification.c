#include "daemon/tls/verification.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/tls/chains.h"
#include "daemon/tls/objections.h"
#include "daemon/tls/revocation.h"
#include "daemon/tls/x509.h"

/* Beside the SSL object, as long as it lives. */
struct verification {
	struct chain_cache *chains;
	struct trust *trust;
	enum reason reason; /* the first fault of the certificate */
	const char *detail;
	bool tolerant;
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
	struct verification *verification = pointer;

	(void)parent, (void)data, (void)index, (void)argument, (void)unused;
	if (!verification)
		return;
	trust_release(verification->trust);
	chains_release(verification->common);
	sk_X509_pop_free(verification->replaced, X509_free);
	free(verification);
}

static void make_slot(void)
{
	slot = SSL_get_ex_new_index(0, NULL, NULL, NULL, discard);
}

static struct verification *recall(const SSL *ssl)
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
static int note_fault(struct verification *verification, enum reason reason, const char *detail)
{
	if (verification->reason == REASON_NONE) {
		verification->reason = reason;
		verification->detail = detail;
	}
	return verification->tolerant;
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
	struct verification *verification = recall(ssl);
	int error = X509_STORE_CTX_get_error(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (good)
		return 1;
	if (is_silence(error)) {
		verification->has_status &= depth > 0;
	} else if (!objection_is_petty(
			   error, depth == sk_X509_num(X509_STORE_CTX_get0_chain(store)) - 1)) {
		return note_fault(verification, error_reason(error),
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

static int object(X509_STORE_CTX *store, struct verification *verification, enum reason reason,
		  const char *detail)
{
	X509_STORE_CTX_set_error(store, reason == REASON_ORIGIN_UNTRUSTED ? X509_V_ERR_CERT_REJECTED
					: reason == REASON_ORIGIN_WRONG_HOST
						? X509_V_ERR_HOSTNAME_MISMATCH
						: X509_V_ERR_INVALID_PURPOSE);
	return note_fault(verification, reason, detail);
}

/* What OpenSSL does not see, asked of the path it has found or of the chain as shown. root: the
 * last of them is the trusted root, whose form is the owner's business. */
static int object_to(X509_STORE_CTX *store, struct verification *verification, const STACK_OF(X509) * chain,
		     bool root)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	const char *name = X509_VERIFY_PARAM_get0_host(X509_STORE_CTX_get0_param(store), 0);
	const char *detail = objection_leaf(leaf);
	int count = sk_X509_num(chain);

	if (detail)
		return object(store, verification, REASON_ORIGIN_INVALID, detail);
	if (name && objection_wildcard(leaf, name))
		return object(store, verification, REASON_ORIGIN_WRONG_HOST,
			      "a wildcard over a public suffix");
	for (int i = 0; i < count; i++) {
		const X509 *certificate = sk_X509_value(chain, i);

		detail = trust_objection(verification->trust, certificate);
		if (detail)
			return object(store, verification, REASON_ORIGIN_UNTRUSTED, detail);
		detail = root && i == count - 1 ? NULL : objection_any(certificate);
		if (detail)
			return object(store, verification, REASON_ORIGIN_INVALID, detail);
	}
	return 1;
}

/* Only what depends on these certificates and roots alone is not judged again. */
static bool is_known(const struct verification *verification, X509_STORE_CTX *store, const uint8_t *key)
{
	return !verification->wants_status && chains_know(verification->chains, key, time(NULL)) &&
	       proves_identity(store, X509_STORE_CTX_get0_cert(store));
}

/* Parsed certificates are a third of what an idle connection takes; those of one server are the same
 * for all who talk to it. OpenSSL keeps the stack that it has us verify, and takes the leaf from it
 * afterwards. */
static void share(struct verification *verification, const uint8_t *key, STACK_OF(X509) *shown)
{
	if (!verification->replaced)
		verification->replaced = sk_X509_new_null();
	if (verification->replaced && !verification->common)
		verification->common = chains_share(verification->chains, key, shown, verification->replaced);
}

/* Takes the place of X509_verify_cert(). */
static int verify(X509_STORE_CTX *store, void *argument)
{
	const SSL *ssl =
		X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct verification *verification = recall(ssl);
	STACK_OF(X509) *shown = X509_STORE_CTX_get0_untrusted(store);
	const STACK_OF(X509) *path;
	uint8_t key[DIGEST_SIZE];
	bool keyed = chain_key(shown, trust_digest(verification->trust), key) == 0;

	(void)argument;
	if (keyed && is_known(verification, store, key)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		if (!object_to(store, verification, shown, false))
			return 0;
		share(verification, key, shown);
		return 1;
	}
	verification->has_status = trust_revokes(verification->trust);
	if (X509_verify_cert(store) != 1)
		return 0;
	path = X509_STORE_CTX_get0_chain(store);
	if (!object_to(store, verification, path, true))
		return 0;
	if (keyed && verification->reason == REASON_NONE) {
		chains_put(verification->chains, key, path);
		share(verification, key, shown);
	}
	return 1;
}

/* Called once in every full handshake, after the chain was verified, whether there is a staple or
 * not. 0 ends the handshake with an alert. */
static int judge_status(SSL *ssl, void *argument)
{
	struct verification *verification = recall(ssl);
	enum revocation status;

	(void)argument;
	/* What was resumed was judged when it was made. */
	if (SSL_session_reused(ssl) || verification->reason != REASON_NONE)
		return 1;
	status = revocation_staple(ssl, trust_store(verification->trust));
	if (status == REVOCATION_REVOKED)
		return note_fault(verification, REASON_ORIGIN_REVOKED, "so its issuer says (OCSP)");
	if (status == REVOCATION_GOOD)
		return 1;
	if (revocation_must_staple(SSL_get0_peer_certificate(ssl)))
		return note_fault(verification, REASON_ORIGIN_INVALID,
				  "its certificate demands a good OCSP staple");
	if (verification->wants_status && !verification->has_status)
		return note_fault(verification, REASON_ORIGIN_UNCHECKED,
				  "no revocation list and no good OCSP staple");
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
		       X509_VERIFY_PARAM_set1_host(param, origin->name, strlen(origin->name));
	return width > 0 && X509_VERIFY_PARAM_set1_ip(param, origin->address->bytes, width);
}

static bool attach(SSL *ssl, struct chain_cache *chains, const struct origin *origin)
{
	struct verification *verification = calloc(1, sizeof(*verification));

	if (!verification)
		return false;
	verification->chains = chains;
	verification->trust = trust_hold(origin->trust);
	verification->tolerant = origin->tolerant;
	verification->wants_status = origin->wants_status;
	if (SSL_set_ex_data(ssl, slot, verification))
		return true;
	discard(NULL, verification, NULL, 0, 0, NULL);
	return false;
}

void verification_install(SSL_CTX *context)
{
	SSL_CTX_set_cert_verify_callback(context, verify, NULL);
	SSL_CTX_set_tlsext_status_cb(context, judge_status);
}

int verification_begin(SSL *ssl, struct chain_cache *chains, const struct origin *origin)
{
	if (!CRYPTO_THREAD_run_once(&slot_once, make_slot) || slot < 0 || !origin->trust)
		return -1;
	if (!attach(ssl, chains, origin) || !set_identity(ssl, origin) ||
	    !SSL_set1_verify_cert_store(ssl, trust_store(origin->trust)) ||
	    !SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp))
		return -1;
	SSL_set_verify(ssl, SSL_VERIFY_PEER, judge);
	return 0;
}

enum reason verification_fault(const SSL *ssl, const char **detail)
{
	const struct verification *verification = recall(ssl);

	if (detail)
		*detail = verification->detail;
	return verification->reason;
}

struct certificate_list *verification_chain(SSL *ssl)
{
	struct verification *verification = recall(ssl);
	const STACK_OF(X509) *shown = SSL_get_peer_cert_chain(ssl);
	uint8_t key[DIGEST_SIZE];

	sk_X509_pop_free(verification->replaced, X509_free);
	verification->replaced = NULL;
	if (chain_key(shown, trust_digest(verification->trust), key) < 0)
		return x509_list(shown);
	return chains_facts(verification->chains, key, shown);
}
