#include "daemon/tls/mirror.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "daemon/tls/issuer.h"

enum { SERIAL_BITS = 126, DAY = 86400 };

static const char mirror_name[] = "Headgate mirror of a certificate that failed: never trust it";

struct mirror {
	EVP_PKEY *key; /* of the leaves */
	EVP_PKEY *authority_key;
	X509 *authority;
};

static bool set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	bool done = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

	BN_free(number);
	return done;
}

static bool add_text(X509 *certificate, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool done = extension && X509_add_ext(certificate, extension, -1);

	X509_EXTENSION_free(extension);
	return done;
}

static X509 *make_authority(EVP_PKEY *key)
{
	X509 *authority = X509_new();
	X509_NAME *name = authority ? X509_get_subject_name(authority) : NULL;

	if (name && X509_set_version(authority, X509_VERSION_3) && set_serial(authority) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
				       (const unsigned char *)mirror_name, -1, -1, 0) &&
	    X509_set_issuer_name(authority, name) &&
	    X509_gmtime_adj(X509_getm_notBefore(authority), -DAY) &&
	    X509_gmtime_adj(X509_getm_notAfter(authority), 365L * DAY) &&
	    X509_set_pubkey(authority, key) &&
	    add_text(authority, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_text(authority, NID_key_usage, "critical,keyCertSign") &&
	    X509_sign(authority, key, EVP_sha256()) > 0)
		return authority;
	X509_free(authority);
	return NULL;
}

struct mirror *mirror_new(void)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror)
		return NULL;
	mirror->key = EVP_EC_gen("P-256");
	mirror->authority_key = EVP_EC_gen("P-256");
	if (mirror->key && mirror->authority_key)
		mirror->authority = make_authority(mirror->authority_key);
	if (mirror->authority)
		return mirror;
	ERR_clear_error();
	mirror_free(mirror);
	return NULL;
}

void mirror_free(struct mirror *mirror)
{
	if (!mirror)
		return;
	X509_free(mirror->authority);
	EVP_PKEY_free(mirror->authority_key);
	EVP_PKEY_free(mirror->key);
	free(mirror);
}

/* As it stands there, whatever it says: a name that does not fit is the point. */
static bool copy_names(X509 *leaf, const X509 *shown)
{
	int place = X509_get_ext_by_NID(shown, NID_subject_alt_name, -1);

	return place < 0 || X509_add_ext(leaf, X509_get_ext(shown, place), -1);
}

static bool fill(const struct mirror *mirror, X509 *leaf, const X509 *shown, bool self_signed)
{
	const X509 *issuer = self_signed ? leaf : mirror->authority;

	return X509_set_version(leaf, X509_VERSION_3) && set_serial(leaf) &&
	       X509_set_subject_name(leaf, X509_get_subject_name(shown)) &&
	       X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) &&
	       X509_set1_notBefore(leaf, X509_get0_notBefore(shown)) &&
	       X509_set1_notAfter(leaf, X509_get0_notAfter(shown)) &&
	       X509_set_pubkey(leaf, mirror->key) && copy_names(leaf, shown) &&
	       add_text(leaf, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_text(leaf, NID_key_usage, "critical,digitalSignature") &&
	       add_text(leaf, NID_ext_key_usage, "serverAuth") &&
	       X509_sign(leaf, self_signed ? mirror->key : mirror->authority_key, EVP_sha256()) > 0;
}

struct leaf *mirror_leaf(struct mirror *mirror, const SSL *origin)
{
	X509 *shown = SSL_get0_peer_certificate(origin);
	bool self_signed = shown && X509_self_signed(shown, 0) == 1;
	struct leaf *leaf = shown ? calloc(1, sizeof(*leaf)) : NULL;

	if (!leaf)
		return NULL;
	leaf->holders = 1;
	leaf->key = mirror->key;
	leaf->authority = self_signed ? NULL : mirror->authority;
	leaf->mirrors = true;
	leaf->certificate = X509_new();
	if (leaf->certificate && fill(mirror, leaf->certificate, shown, self_signed))
		return leaf;
	ERR_clear_error();
	X509_free(leaf->certificate);
	free(leaf);
	return NULL;
}
