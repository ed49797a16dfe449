#include "daemon/tls/revocation.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

enum {
	STAPLE_SKEW_SECONDS = 300,
	STATUS_REQUEST = 5, /* TLS extension, as a TLS feature */
};

static OCSP_BASICRESP *read_staple(SSL *ssl)
{
	const unsigned char *bytes = NULL;
	long length = SSL_get_tlsext_status_ocsp_resp(ssl, &bytes);
	OCSP_RESPONSE *response = length > 0 ? d2i_OCSP_RESPONSE(NULL, &bytes, length) : NULL;
	OCSP_BASICRESP *basic = NULL;

	if (response && OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	OCSP_RESPONSE_free(response);
	return basic;
}

/* Among what the server showed, else among the roots. The caller frees it. */
static X509 *find_issuer(const STACK_OF(X509) * shown, X509 *leaf, X509_STORE *store)
{
	X509_STORE_CTX *context;
	X509 *issuer = NULL;

	for (int i = 1; i < sk_X509_num(shown); i++) {
		X509 *candidate = sk_X509_value(shown, i);

		if (X509_check_issued(candidate, leaf) == X509_V_OK) {
			X509_up_ref(candidate);
			return candidate;
		}
	}
	context = X509_STORE_CTX_new();
	if (context && X509_STORE_CTX_init(context, store, leaf, NULL))
		X509_STORE_CTX_get1_issuer(&issuer, context, leaf);
	X509_STORE_CTX_free(context);
	return issuer;
}

static enum revocation read_status(OCSP_BASICRESP *basic, X509 *leaf, X509 *issuer)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer);
	int status = V_OCSP_CERTSTATUS_UNKNOWN;

	if (!id || !OCSP_resp_find_status(basic, id, &status, NULL, NULL, &this_update,
					  &next_update) ||
	    !OCSP_check_validity(this_update, next_update, STAPLE_SKEW_SECONDS, -1))
		status = V_OCSP_CERTSTATUS_UNKNOWN;
	OCSP_CERTID_free(id);
	return status == V_OCSP_CERTSTATUS_GOOD	     ? REVOCATION_GOOD
	       : status == V_OCSP_CERTSTATUS_REVOKED ? REVOCATION_REVOKED
						     : REVOCATION_UNKNOWN;
}

/* The issuer is given as a certificate that may have signed, and as one that may have appointed
 * who did. */
static bool is_signed(OCSP_BASICRESP *basic, const STACK_OF(X509) * shown, X509 *issuer,
		      X509_STORE *store)
{
	STACK_OF(X509) *known = sk_X509_dup(shown);
	bool proven = known && sk_X509_push(known, issuer) > 0 &&
		      OCSP_basic_verify(basic, known, store, 0) == 1;

	sk_X509_free(known);
	return proven;
}

enum revocation revocation_staple(SSL *ssl, X509_STORE *store)
{
	const STACK_OF(X509) *shown = SSL_get_peer_cert_chain(ssl);
	X509 *leaf = SSL_get0_peer_certificate(ssl);
	OCSP_BASICRESP *basic = leaf ? read_staple(ssl) : NULL;
	X509 *issuer = basic ? find_issuer(shown, leaf, store) : NULL;
	enum revocation answer = REVOCATION_UNKNOWN;

	if (issuer && is_signed(basic, shown, issuer, store))
		answer = read_status(basic, leaf, issuer);
	X509_free(issuer);
	OCSP_BASICRESP_free(basic);
	ERR_clear_error();
	return answer;
}

bool revocation_must_staple(const X509 *certificate)
{
	TLS_FEATURE *features = X509_get_ext_d2i(certificate, NID_tlsfeature, NULL, NULL);
	bool demanded = false;

	for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++)
		demanded |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == STATUS_REQUEST;
	TLS_FEATURE_free(features);
	return demanded;
}
