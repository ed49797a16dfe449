#include "daemon/tls/authority.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/tls/keyfile.h"
#include "daemon/tls/x509.h"

static const char key_file[] = "authority.key";
static const char certificate_file[] = "authority.pem";

enum { WARNING_SECONDS = 30 * 86400 };

struct authority {
	EVP_PKEY *key;
	EVP_PKEY_CTX *signing; /* prepared once: OpenSSL 3 is slow to prepare */
	EVP_MD *sha256;
	X509 *certificate;
	int64_t not_after;
	uint8_t *subject; /* DER */
	size_t subject_length;
	char **excluded; /* sorted */
	size_t excluded_count;
};

static bool file_exists(const char *directory, const char *name)
{
	char path[4096];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return lstat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool authority_exists(const char *directory)
{
	return file_exists(directory, key_file) || file_exists(directory, certificate_file);
}

static X509 *parse_certificate(const char *pem, size_t length)
{
	BIO *memory = BIO_new_mem_buf(pem, (int)length);
	X509 *certificate = memory ? PEM_read_bio_X509(memory, NULL, NULL, NULL) : NULL;

	BIO_free(memory);
	return certificate;
}

static EVP_PKEY *parse_key(const char *pem, size_t length)
{
	BIO *memory = BIO_new_mem_buf(pem, (int)length);
	EVP_PKEY *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, (void *)"") : NULL;

	BIO_free(memory);
	return key;
}

static int load_files(struct authority *authority, const char *directory)
{
	size_t length;
	char *pem;

	if (keyfile_check_private(directory, "") < 0 ||
	    keyfile_check_private(directory, key_file) < 0)
		return -1;
	pem = keyfile_read(directory, key_file, AUTHORITY_FILE_MAX, &length);
	if (!pem)
		return -1;
	authority->key = parse_key(pem, length);
	authority->certificate = parse_certificate(pem, length);
	keyfile_free(pem, length);
	if (authority->key && authority->certificate)
		return 0;
	errno = EBADMSG;
	return -1;
}

/* OpenSSL compares public halves only; a flipped bit in the private one is found by computing. */
static bool is_pair(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool matches = context && EVP_PKEY_pairwise_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	return matches;
}

static const char *find_fault(const struct authority *authority)
{
	X509 *certificate = authority->certificate;
	char group[32] = "";

	EVP_PKEY_get_group_name(authority->key, group, sizeof(group), NULL);
	if (strcmp(group, "prime256v1") != 0)
		return "the key is not a P-256 key";
	if (!is_pair(authority->key) || !X509_check_private_key(certificate, authority->key))
		return "the key does not match the certificate";
	if (X509_verify(certificate, authority->key) != 1)
		return "the certificate's signature is broken";
	if (X509_check_ca(certificate) != 1 ||
	    !(X509_get_key_usage(certificate) & X509v3_KU_KEY_CERT_SIGN))
		return "the certificate is not an authority's";
	if (!X509_get0_subject_key_id(certificate))
		return "the certificate has no subject key identifier";
	return NULL;
}

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static int add_excluded(struct authority *authority, const GENERAL_NAME *base)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(base, &type);
	char **name = &authority->excluded[authority->excluded_count];

	if (type != GEN_DNS)
		return 0;
	*name = strndup((const char *)ASN1_STRING_get0_data(value),
			(size_t)ASN1_STRING_length(value));
	if (!*name)
		return -1;
	authority->excluded_count++;
	return 0;
}

static int load_constraints(struct authority *authority)
{
	NAME_CONSTRAINTS *constraints =
		X509_get_ext_d2i(authority->certificate, NID_name_constraints, NULL, NULL);
	int count = constraints ? sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees) : 0;
	int result = 0;

	if (count > 0)
		authority->excluded = calloc((size_t)count, sizeof(authority->excluded[0]));
	for (int i = 0; i < count && result == 0; i++) {
		if (!authority->excluded)
			result = -1;
		else
			result = add_excluded(
				authority,
				sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i)->base);
	}
	NAME_CONSTRAINTS_free(constraints);
	if (authority->excluded_count > 0)
		qsort(authority->excluded, authority->excluded_count,
		      sizeof(authority->excluded[0]), compare_names);
	return result;
}

static int prepare(struct authority *authority)
{
	int64_t not_before;
	int length =
		i2d_X509_NAME(X509_get_subject_name(authority->certificate), &authority->subject);

	if (length <= 0)
		return -1;
	authority->subject_length = (size_t)length;
	authority->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	authority->signing = EVP_PKEY_CTX_new_from_pkey(NULL, authority->key, NULL);
	if (!authority->sha256 || !authority->signing ||
	    EVP_PKEY_sign_init(authority->signing) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(authority->signing, authority->sha256) != 1)
		return -1;
	if (x509_validity(authority->certificate, &not_before, &authority->not_after) < 0)
		return -1;
	return load_constraints(authority);
}

/* The public copy may be missing after a power cut; one that differs is somebody's doing. */
static const char *mend_copy(const struct authority *authority, const char *directory)
{
	BIO *memory = BIO_new(BIO_s_mem());
	const char *fault = NULL;
	X509 *copy = NULL;
	char *pem = authority_read_pem(directory);

	if (pem) {
		copy = parse_certificate(pem, strlen(pem));
		if (!copy || X509_cmp(copy, authority->certificate) != 0)
			fault = "authority.pem is not the certificate of authority.key";
	} else if (errno != ENOENT || !memory ||
		   !PEM_write_bio_X509(memory, authority->certificate) ||
		   BIO_get_mem_data(memory, &pem) <= 0 ||
		   keyfile_write(directory, certificate_file, 0444, pem,
				 (size_t)BIO_get_mem_data(memory, NULL)) < 0) {
		fault = "authority.pem cannot be read or made";
		pem = NULL;
	} else {
		pem = NULL;
	}
	X509_free(copy);
	free(pem);
	BIO_free(memory);
	return fault;
}

static void warn_about_end(const struct authority *authority, const char *directory)
{
	int64_t left = authority->not_after - time(NULL);

	if (left <= 0)
		log_error("authority %s has expired: nothing can be inspected", directory);
	else if (left < WARNING_SECONDS)
		log_warning("authority %s expires in %d days", directory, (int)(left / 86400));
}

struct authority *authority_open(const char *directory)
{
	struct authority *authority = calloc(1, sizeof(*authority));
	const char *fault = "out of memory";

	if (!authority)
		goto refused;
	if (load_files(authority, directory) < 0) {
		fault = strerror(errno);
		goto refused;
	}
	fault = find_fault(authority);
	if (!fault && prepare(authority) < 0)
		fault = "OpenSSL refuses it";
	if (!fault)
		fault = mend_copy(authority, directory);
	if (fault)
		goto refused;
	warn_about_end(authority, directory);
	return authority;
refused:
	log_error("authority %s cannot be used: %s", directory, fault);
	ERR_clear_error();
	authority_close(authority);
	return NULL;
}

void authority_close(struct authority *authority)
{
	if (!authority)
		return;
	for (size_t i = 0; i < authority->excluded_count; i++)
		free(authority->excluded[i]);
	free(authority->excluded);
	OPENSSL_free(authority->subject);
	EVP_PKEY_CTX_free(authority->signing);
	EVP_MD_free(authority->sha256);
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
	free(authority);
}

X509 *authority_certificate(const struct authority *authority)
{
	return authority->certificate;
}

int64_t authority_not_after(const struct authority *authority)
{
	return authority->not_after;
}

const uint8_t *authority_subject(const struct authority *authority, size_t *length)
{
	*length = authority->subject_length;
	return authority->subject;
}

const uint8_t *authority_identifier(const struct authority *authority, size_t *length)
{
	const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(authority->certificate);

	*length = (size_t)ASN1_STRING_length(identifier);
	return ASN1_STRING_get0_data(identifier);
}

bool authority_excludes(const struct authority *authority, const char *name)
{
	for (const char *below = name; below; below = strchr(below, '.')) {
		below += *below == '.';
		if (authority->excluded_count > 0 &&
		    bsearch(&below, authority->excluded, authority->excluded_count,
			    sizeof(authority->excluded[0]), compare_names))
			return true;
	}
	return false;
}

size_t authority_sign(const struct authority *authority, const uint8_t *bytes, size_t length,
		      uint8_t signature[static AUTHORITY_SIGNATURE_MAX])
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_length;
	size_t signature_length = AUTHORITY_SIGNATURE_MAX;

	if (!EVP_Digest(bytes, length, digest, &digest_length, authority->sha256, NULL) ||
	    EVP_PKEY_sign(authority->signing, signature, &signature_length, digest,
			  digest_length) != 1)
		return 0;
	return signature_length;
}

char *authority_read_pem(const char *directory)
{
	size_t length;

	return keyfile_read(directory, certificate_file, AUTHORITY_FILE_MAX, &length);
}
