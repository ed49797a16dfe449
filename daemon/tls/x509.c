#include "daemon/tls/x509.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "daemon/text.h"

enum { SERIAL_MAX = 64, SECONDS_PER_DAY = 86400 };

int x509_seconds(const ASN1_TIME *time, int64_t *seconds)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, rest = 0;
	int done = epoch && time && ASN1_TIME_diff(&days, &rest, epoch, time);

	ASN1_TIME_free(epoch);
	if (!done)
		return -1;
	*seconds = (int64_t)days * SECONDS_PER_DAY + rest;
	return 0;
}

int x509_validity(const X509 *certificate, int64_t *not_before, int64_t *not_after)
{
	if (x509_seconds(X509_get0_notBefore(certificate), not_before) < 0)
		return -1;
	return x509_seconds(X509_get0_notAfter(certificate), not_after);
}

static char *print_name(const X509_NAME *name)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *printed = NULL;
	char *bytes;
	long length;

	if (!memory)
		return NULL;
	if (X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253) >= 0) {
		length = BIO_get_mem_data(memory, &bytes);
		if (length > X509_SUBJECT_MAX)
			length = X509_SUBJECT_MAX;
		printed = strndup(length > 0 ? bytes : "", length > 0 ? (size_t)length : 0);
	}
	BIO_free(memory);
	return printed;
}

static char *print_serial(const X509 *certificate)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
	char storage[2 * SERIAL_MAX + 2];
	struct text text;
	int length = ASN1_STRING_length(serial);

	text_begin(&text, storage, sizeof(storage));
	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		text_add_char(&text, '-');
	text_add_hex(&text, ASN1_STRING_get0_data(serial), MIN(length, SERIAL_MAX));
	return strdup(storage);
}

static bool is_plain(unsigned char character)
{
	return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
	       (character >= '0' && character <= '9') ||
	       (character && strchr("-._*:@/?=&%+~", character));
}

static void add_escaped(struct text *text, const unsigned char *bytes, int length)
{
	for (int i = 0; i < length && !text->full; i++) {
		if (is_plain(bytes[i]))
			text_add_char(text, (char)bytes[i]);
		else
			text_addf(text, "\\x%02x", bytes[i]);
	}
}

static void add_address(struct text *text, const ASN1_OCTET_STRING *bytes)
{
	char printed[INET6_ADDRSTRLEN];
	int length = ASN1_STRING_length(bytes);

	if (length != 4 && length != 16)
		text_add(text, "invalid-address");
	else if (inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), printed,
			   sizeof(printed)))
		text_add(text, printed);
}

static void add_general_name(struct text *text, const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);

	switch (type) {
	case GEN_IPADD:
		add_address(text, value);
		break;
	case GEN_URI:
	case GEN_EMAIL:
	case GEN_DNS:
		add_escaped(text, ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
		break;
	default:
		text_add(text, "other");
	}
}

/* A name that does not fit is left out whole: half a name would be another name. */
static char *print_names(const X509 *certificate)
{
	char storage[X509_NAMES_MAX];
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	struct text text;

	text_begin(&text, storage, sizeof(storage) - sizeof(", ..."));
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		size_t before = text.length;

		if (i > 0)
			text_add(&text, ", ");
		add_general_name(&text, sk_GENERAL_NAME_value(names, i));
		if (text.full) {
			strcpy(storage + before, i > 0 ? ", ..." : "...");
			break;
		}
	}
	GENERAL_NAMES_free(names);
	return strdup(storage);
}

static const char *key_type(EVP_PKEY *key)
{
	const char *name = key ? EVP_PKEY_get0_type_name(key) : NULL;

	if (!name)
		return "unknown";
	return strcmp(name, "ED25519") == 0 ? "Ed25519"
	       : strcmp(name, "ED448") == 0 ? "Ed448"
					    : name;
}

static int fill(struct certificate *facts, X509 *certificate)
{
	EVP_PKEY *key = X509_get0_pubkey(certificate);
	unsigned length = sizeof(facts->sha256);

	facts->subject = print_name(X509_get_subject_name(certificate));
	facts->issuer = print_name(X509_get_issuer_name(certificate));
	facts->serial = print_serial(certificate);
	facts->names = print_names(certificate);
	facts->key_type = strdup(key_type(key));
	facts->key_bits = key ? (unsigned)EVP_PKEY_get_bits(key) : 0;
	x509_validity(certificate, &facts->not_before, &facts->not_after);
	facts->self_signed = X509_self_signed(certificate, 0) == 1;
	if (!X509_digest(certificate, EVP_sha256(), facts->sha256, &length))
		return -1;
	return facts->subject && facts->issuer && facts->serial && facts->names && facts->key_type
		       ? 0
		       : -1;
}

static struct certificate_list *new_list(size_t count)
{
	struct certificate_list *list =
		calloc(1, sizeof(*list) + count * sizeof(list->certificates[0]));

	if (!list)
		return NULL;
	list->holders = 1;
	list->count = count;
	return list;
}

struct certificate_list *x509_list(const STACK_OF(X509) * chain)
{
	int count = sk_X509_num(chain);
	struct certificate_list *list;

	if (count <= 0)
		return NULL;
	if (count > CERTIFICATES_MAX)
		count = CERTIFICATES_MAX;
	list = new_list((size_t)count);
	for (int i = 0; list && i < count; i++) {
		if (fill(&list->certificates[i], sk_X509_value(chain, i)) < 0) {
			certificate_list_release(list);
			return NULL;
		}
	}
	return list;
}

struct certificate_list *x509_list_one(X509 *certificate)
{
	struct certificate_list *list = certificate ? new_list(1) : NULL;

	if (list && fill(&list->certificates[0], certificate) < 0) {
		certificate_list_release(list);
		return NULL;
	}
	return list;
}
