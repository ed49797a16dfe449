/* A new authority: its key and its certificate, made and written. */
#include "daemon/tls/authority.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/tls/keyfile.h"

enum {
	DAY = 86400,
	LIFE_DAYS = 5 * 365,
	IDENTIFIER_SIZE = 20,
	SERIAL_BITS = 126,
	EARLIEST_CLOCK = 1735689600, /* 2025-01-01: no gateway was made before */
};

/* A new P-256 key; NULL on failure. The caller owns it. */
static EVP_PKEY *make_key(void)
{
	return EVP_EC_gen("P-256");
}

/* Random, so that the certificates of two gateways never look alike in a client's list. */
static int set_names(X509 *certificate)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	uint8_t device[3];
	char text[64];

	if (RAND_bytes(device, sizeof(device)) != 1)
		return 0;
	snprintf(text, sizeof(text), "Headgate %02x%02x%02x authority", device[0], device[1],
		 device[2]);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)text, -1, -1,
					  0) &&
	       X509_set_issuer_name(certificate, name);
}

static int set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	int done = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
		   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;

	BN_free(number);
	return done;
}

static int add_basic_constraints(X509 *certificate)
{
	BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
	int done = 0;

	if (basic) {
		basic->ca = 0xff;
		basic->pathlen = ASN1_INTEGER_new();
		done = basic->pathlen && ASN1_INTEGER_set(basic->pathlen, 0) &&
		       X509_add1_ext_i2d(certificate, NID_basic_constraints, basic, 1, 0) == 1;
	}
	BASIC_CONSTRAINTS_free(basic);
	return done;
}

static int add_usages(X509 *certificate)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	EXTENDED_KEY_USAGE *extended = sk_ASN1_OBJECT_new_null();
	int done = usage && extended && ASN1_BIT_STRING_set_bit(usage, 5, 1) && /* keyCertSign */
		   ASN1_BIT_STRING_set_bit(usage, 6, 1) &&			/* cRLSign */
		   sk_ASN1_OBJECT_push(extended, OBJ_nid2obj(NID_server_auth)) > 0 &&
		   X509_add1_ext_i2d(certificate, NID_key_usage, usage, 1, 0) == 1 &&
		   X509_add1_ext_i2d(certificate, NID_ext_key_usage, extended, 0, 0) == 1;

	ASN1_BIT_STRING_free(usage);
	sk_ASN1_OBJECT_free(extended);
	return done;
}

/* RFC 7093 section 2 (1): SHA-256 of the key, cut to 160 bits. */
static int add_identifier(X509 *certificate)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	ASN1_OCTET_STRING *identifier = ASN1_OCTET_STRING_new();
	int done =
		identifier && X509_pubkey_digest(certificate, EVP_sha256(), digest, NULL) &&
		ASN1_OCTET_STRING_set(identifier, digest, IDENTIFIER_SIZE) &&
		X509_add1_ext_i2d(certificate, NID_subject_key_identifier, identifier, 0, 0) == 1;

	ASN1_OCTET_STRING_free(identifier);
	return done;
}

static GENERAL_SUBTREE *new_subtree(const char *name)
{
	GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (subtree && text && ASN1_STRING_set(text, name, -1)) {
		GENERAL_NAME_set0_value(subtree->base, GEN_DNS, text);
		return subtree;
	}
	GENERAL_SUBTREE_free(subtree);
	ASN1_IA5STRING_free(text);
	return NULL;
}

static int add_constraints(X509 *certificate, const struct authority_constraint *constraints,
			   size_t count)
{
	NAME_CONSTRAINTS *names = count > 0 ? NAME_CONSTRAINTS_new() : NULL;
	int done = names && (names->excludedSubtrees = sk_GENERAL_SUBTREE_new_null());

	if (count == 0)
		return 1;
	for (size_t i = 0; i < count && done; i++) {
		GENERAL_SUBTREE *subtree = new_subtree(constraints[i].name);

		done = subtree && sk_GENERAL_SUBTREE_push(names->excludedSubtrees, subtree) > 0;
		if (!done)
			GENERAL_SUBTREE_free(subtree);
	}
	done = done && X509_add1_ext_i2d(certificate, NID_name_constraints, names, 1, 0) == 1;
	NAME_CONSTRAINTS_free(names);
	return done;
}

/* A self-signed CA certificate for key as authority_create() describes it; now: seconds since 1970.
 * NULL on failure. The caller owns it. */
static X509 *make_certificate(EVP_PKEY *key, const struct authority_constraint *constraints,
			      size_t constraint_count, int64_t now)
{
	X509 *certificate = X509_new();
	time_t begin = (time_t)now - DAY; /* clients' clocks differ */

	if (certificate && X509_set_version(certificate, X509_VERSION_3) &&
	    X509_set_pubkey(certificate, key) && set_names(certificate) &&
	    set_serial(certificate) &&
	    X509_time_adj_ex(X509_getm_notBefore(certificate), 0, 0, &begin) &&
	    X509_time_adj_ex(X509_getm_notAfter(certificate), LIFE_DAYS, 0, &begin) &&
	    add_basic_constraints(certificate) && add_usages(certificate) &&
	    add_identifier(certificate) &&
	    add_constraints(certificate, constraints, constraint_count) &&
	    X509_sign(certificate, key, EVP_sha256()) > 0)
		return certificate;
	X509_free(certificate);
	return NULL;
}

static int write_files(const char *directory, EVP_PKEY *key, X509 *certificate)
{
	BIO *secret = BIO_new(BIO_s_secmem());
	BIO *public = BIO_new(BIO_s_mem());
	char *secret_text, *public_text;
	long secret_length, public_length;
	int result = -1;

	errno = ENOMEM;
	if (secret && public && PEM_write_bio_X509(public, certificate) &&
	    PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) &&
	    PEM_write_bio_X509(secret, certificate)) {
		secret_length = BIO_get_mem_data(secret, &secret_text);
		public_length = BIO_get_mem_data(public, &public_text);
		result = keyfile_write(directory, "authority.key", 0400, secret_text,
				       (size_t)secret_length);
		if (result == 0)
			result = keyfile_write(directory, "authority.pem", 0444, public_text,
					       (size_t)public_length);
		OPENSSL_cleanse(secret_text, (size_t)secret_length);
	}
	BIO_free(secret);
	BIO_free(public);
	return result;
}

static int refuse(const char *directory, int error, const char *cause)
{
	log_error("authority %s cannot be made: %s", directory, cause);
	ERR_clear_error();
	errno = error;
	return -1;
}

static int make_files(const char *directory, const struct authority_constraint *constraints,
		      size_t constraint_count, int64_t now)
{
	EVP_PKEY *key = make_key();
	X509 *certificate = key ? make_certificate(key, constraints, constraint_count, now) : NULL;
	int result = -1;

	if (!certificate)
		result = refuse(directory, ENOMEM, "OpenSSL makes no certificate");
	else if (write_files(directory, key, certificate) < 0)
		result = refuse(directory, errno, strerror(errno));
	else
		result = 0;
	X509_free(certificate);
	EVP_PKEY_free(key);
	return result;
}

int authority_create(const char *directory, const struct authority_constraint *constraints,
		     size_t constraint_count)
{
	int64_t now = time(NULL);

	if (constraint_count > AUTHORITY_CONSTRAINTS_MAX)
		return refuse(directory, E2BIG, "`never` names more than the certificate holds");
	if (now < EARLIEST_CLOCK)
		return refuse(directory, EAGAIN, "the clock is not set");
	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return refuse(directory, errno, strerror(errno));
	if (authority_exists(directory))
		return refuse(directory, EEXIST, "there is one already");
	if (keyfile_check_private(directory, "") < 0)
		return refuse(directory, errno, strerror(errno));
	return make_files(directory, constraints, constraint_count, now);
}
