#include "tests/unit/gallery.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/chains.h"

enum { DEPTH = 4, DAY = 86400 };

static const char *const root_names[ROOT_COUNT] = {
	[ROOT_GOOD] = "Good root",	  [ROOT_UNTRUSTED] = "Stranger root",
	[ROOT_IMPOSTOR] = "Good root",	  [ROOT_OURS] = "Gateway's own",
	[ROOT_EXPIRED] = "Expired root",  [ROOT_CONSTRAINED] = "Constrained root",
	[ROOT_CASUAL] = "Home-made root",
};

static EVP_PKEY *keys[KEY_COUNT][DEPTH]; /* made when first wanted */
static EVP_PKEY *root_keys[ROOT_COUNT];
static X509 *roots[ROOT_COUNT];
static EVP_PKEY *responder_key;

static EVP_PKEY *make_explicit(void)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	assert_true(EVP_PKEY_keygen_init(context) > 0);
	EVP_PKEY_CTX_set_group_name(context, "P-256");
	EVP_PKEY_CTX_set_ec_param_enc(context, OPENSSL_EC_EXPLICIT_CURVE);
	assert_true(EVP_PKEY_generate(context, &key) > 0);
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *make_key(enum gallery_key kind)
{
	static const unsigned bits[KEY_COUNT] = {
		[KEY_RSA2048] = 2048, [KEY_RSA4096] = 4096, [KEY_RSA512] = 512,
		[KEY_RSA768] = 768,   [KEY_RSA1016] = 1016, [KEY_RSA1024] = 1024,
	};

	switch (kind) {
	case KEY_P256:
		return EVP_EC_gen("P-256");
	case KEY_P384:
		return EVP_EC_gen("P-384");
	case KEY_P192:
		return EVP_EC_gen("P-192");
	case KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case KEY_EXPLICIT:
		return make_explicit();
	default:
		return EVP_RSA_gen(bits[kind]);
	}
}

static EVP_PKEY *find_key(enum gallery_key kind, size_t depth)
{
	if (!keys[kind][depth])
		keys[kind][depth] = make_key(kind);
	assert_non_null(keys[kind][depth]);
	return keys[kind][depth];
}

static void add_extension(X509 *certificate, X509 *issuer, const char *name, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	if (!value || strcmp(value, "-") == 0)
		return;
	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf(NULL, &context, name, value);
	if (!extension)
		ERR_print_errors_fp(stderr);
	assert_non_null(extension);
	assert_true(X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

static const char *choose(const char *given, const char *usual)
{
	return given ? given : usual;
}

static void set_serial(X509 *certificate, const char *serial)
{
	static long next = 1000;
	BIGNUM *number = NULL;

	if (!serial) {
		ASN1_INTEGER_set(X509_get_serialNumber(certificate), next++);
		return;
	}
	assert_true(BN_hex2bn(&number, serial));
	assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)));
	BN_free(number);
}

/* Many names are as long as names are, so that their number is what makes a certificate large. */
static char *print_names(const struct plate *plate, const char *names)
{
	enum { ROOM = 32 };
	char *text = malloc(strlen(names) + plate->name_count * ROOM + 1);
	char *end = stpcpy(text, names);

	for (size_t i = 0; i < plate->name_count; i++)
		end += sprintf(end, ",DNS:name-%zu.example.com", i);
	return text;
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct plate *plate, bool leaf)
{
	char *names = print_names(plate, choose(plate->names, leaf ? "DNS:www.example.com" : "-"));
	char *other = plate->other ? strdup(plate->other) : NULL;
	/* "2.5.29.17:VALUE" and "tlsfeature:VALUE" alike */
	char *value = other ? strchr(other, ':') : NULL;

	add_extension(certificate, issuer, "basicConstraints",
		      choose(plate->basic, leaf ? "critical,CA:FALSE" : "critical,CA:TRUE"));
	add_extension(certificate, issuer, "keyUsage",
		      choose(plate->usage, leaf ? "critical,digitalSignature"
						: "critical,keyCertSign,cRLSign"));
	add_extension(certificate, issuer, "extendedKeyUsage",
		      choose(plate->extended, leaf ? "serverAuth" : "-"));
	add_extension(certificate, issuer, "nameConstraints", plate->constraints);
	add_extension(certificate, issuer, "subjectAltName", names);
	if (leaf || !plate->no_identifier)
		add_extension(certificate, issuer, "subjectKeyIdentifier", "hash");
	if (!plate->no_identifier && !plate->self_signed && X509_get0_subject_key_id(issuer))
		add_extension(certificate, issuer, "authorityKeyIdentifier", "keyid");
	if (value) {
		*value = '\0';
		add_extension(certificate, issuer, other, value + 1);
	}
	free(other);
	free(names);
}

static void break_signature(X509 *certificate)
{
	const ASN1_BIT_STRING *signature;

	X509_get0_signature(&signature, NULL, certificate);
	((unsigned char *)(uintptr_t)ASN1_STRING_get0_data(signature))[12] ^= 1;
}

static X509 *make(const struct plate *plate, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
		  const char *subject)
{
	X509 *certificate = X509_new();
	const EVP_MD *digest = EVP_get_digestbyname(choose(plate->digest, "SHA256"));

	if (!issuer || plate->self_signed) {
		issuer = certificate;
		issuer_key = key;
	}
	X509_set_version(certificate, plate->version1 ? X509_VERSION_1 : X509_VERSION_3);
	set_serial(certificate, plate->serial);
	if (*subject)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
					   (const uint8_t *)subject, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_gmtime_adj(X509_getm_notBefore(certificate), plate->begin ? plate->begin : -DAY);
	X509_gmtime_adj(X509_getm_notAfter(certificate), plate->end ? plate->end : 10 * DAY);
	X509_set_pubkey(certificate, key);
	if (!plate->version1)
		add_extensions(certificate, issuer, plate, !plate->made);
	assert_true(X509_sign(certificate, issuer_key,
			      EVP_PKEY_is_a(issuer_key, "ED25519") ? NULL : digest) > 0);
	if (plate->broken)
		break_signature(certificate);
	return certificate;
}

void gallery_begin(void)
{
	static const struct plate plain = { .made = true };
	static const struct plate plates[ROOT_COUNT] = {
		[ROOT_EXPIRED] = { .made = true, .begin = -200000, .end = -1 },
		[ROOT_CONSTRAINED] = { .made = true,
				       .constraints = "critical,permitted;DNS:example.com" },
		[ROOT_CASUAL] = { .made = true, .basic = "CA:TRUE", .usage = "-", .no_identifier = true },
	};

	for (int i = 0; i < ROOT_COUNT; i++) {
		root_keys[i] = EVP_EC_gen("P-256");
		roots[i] = make(plates[i].made ? &plates[i] : &plain, root_keys[i], NULL, NULL,
				root_names[i]);
	}
	responder_key = EVP_EC_gen("P-256");
}

void gallery_end(void)
{
	for (int i = 0; i < ROOT_COUNT; i++) {
		EVP_PKEY_free(root_keys[i]);
		X509_free(roots[i]);
	}
	for (int kind = 0; kind < KEY_COUNT; kind++)
		for (int depth = 0; depth < DEPTH; depth++)
			EVP_PKEY_free(keys[kind][depth]);
	EVP_PKEY_free(responder_key);
}

/* The leaf's issuer and its key, for what is said about the leaf. */
struct issuer {
	X509 *certificate;
	EVP_PKEY *key;
};

static X509 *appoint(const struct issuer *issuer, bool rightly)
{
	const struct plate plate = { .extended = rightly ? "OCSPSigning" : "serverAuth",
				     .names = "DNS:responder.example.com" };

	return make(&plate, responder_key, issuer->certificate, issuer->key, "Responder");
}

static void staple(struct scenery *scenery, const struct exhibit *exhibit,
		   const struct issuer *issuer, X509 *leaf)
{
	enum gallery_staple kind = exhibit->staple;
	bool revoked = kind == STAPLE_REVOKED || kind >= STAPLE_APPOINTED;
	bool appointed = kind >= STAPLE_APPOINTED;
	X509 *responder = appointed ? appoint(issuer, kind == STAPLE_APPOINTED) : NULL;
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(NULL, leaf, issuer->certificate);
	ASN1_TIME *now = X509_gmtime_adj(NULL, kind == STAPLE_EXPIRED ? -9000 : -60);
	ASN1_TIME *later = X509_gmtime_adj(NULL, kind == STAPLE_EXPIRED ? -5000 : 3600);
	OCSP_RESPONSE *response;

	if (kind == STAPLE_OTHER) {
		OCSP_CERTID_free(id);
		id = OCSP_cert_to_id(NULL, roots[ROOT_UNTRUSTED], issuer->certificate);
	}
	OCSP_basic_add1_status(basic, id,
			       revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD, 0,
			       revoked ? now : NULL, now, later);
	if (responder)
		OCSP_basic_sign(basic, responder, responder_key, EVP_sha256(), NULL, 0);
	else if (kind == STAPLE_FOREIGN)
		OCSP_basic_sign(basic, roots[ROOT_UNTRUSTED], root_keys[ROOT_UNTRUSTED],
				EVP_sha256(), NULL, 0);
	else
		OCSP_basic_sign(basic, issuer->certificate, issuer->key, EVP_sha256(), NULL, 0);
	response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	scenery->staple_length = i2d_OCSP_RESPONSE(response, &scenery->staple);
	assert_true(scenery->staple_length > 0);
	if (kind == STAPLE_BROKEN)
		scenery->staple[scenery->staple_length - 5] ^= 1;
	OCSP_RESPONSE_free(response);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(now);
	ASN1_TIME_free(later);
	X509_free(responder);
}

/* The list of an issuer, with one certificate on it or none. */
static X509_CRL *make_list(const struct issuer *issuer, X509 *revoked, long begin, long end)
{
	X509_CRL *list = X509_CRL_new();
	ASN1_TIME *at = X509_gmtime_adj(NULL, begin);
	ASN1_TIME *until = X509_gmtime_adj(NULL, end);

	X509_CRL_set_version(list, X509_CRL_VERSION_2);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer->certificate));
	X509_CRL_set1_lastUpdate(list, at);
	X509_CRL_set1_nextUpdate(list, until);
	if (revoked) {
		X509_REVOKED *entry = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(entry, at);
		assert_true(X509_CRL_add0_revoked(list, entry));
	}
	X509_CRL_sort(list);
	assert_true(X509_CRL_sign(list, issuer->key, EVP_sha256()) > 0);
	ASN1_TIME_free(at);
	ASN1_TIME_free(until);
	return list;
}

static void write_lists(BIO *pem, const struct exhibit *exhibit, const struct issuer *issuer,
			X509 *leaf)
{
	bool of_root = exhibit->lists == LISTS_REVOKING_ISSUER;
	bool stale = exhibit->lists == LISTS_EXPIRED;
	struct issuer root = { roots[exhibit->root], root_keys[exhibit->root] };
	bool revokes = exhibit->lists == LISTS_REVOKING || of_root ||
		       (stale && !exhibit->wants_status);
	X509_CRL *list;

	if (exhibit->lists == LISTS_BROKEN)
		root.key = root_keys[ROOT_UNTRUSTED];
	if (exhibit->lists == LISTS_NONE)
		return;
	list = make_list(of_root || exhibit->lists == LISTS_BROKEN ? &root : issuer,
			 !revokes	      ? NULL
			 : of_root	      ? issuer->certificate
					      : leaf,
			 stale ? -9000 : -60, stale ? -5000 : 3600);
	PEM_write_bio_X509_CRL(pem, list);
	X509_CRL_free(list);
}

static void write_trust(struct scenery *scenery, const struct exhibit *exhibit,
			const struct issuer *issuer, X509 *leaf)
{
	static const enum gallery_root trusted[] = { ROOT_GOOD, ROOT_OURS, ROOT_EXPIRED,
						     ROOT_CONSTRAINED, ROOT_CASUAL };
	BIO *pem = BIO_new(BIO_s_mem());
	char *bytes;
	long length;

	for (size_t i = 0; i < sizeof(trusted) / sizeof(trusted[0]); i++)
		PEM_write_bio_X509(pem, roots[trusted[i]]);
	write_lists(pem, exhibit, issuer, leaf);
	length = BIO_get_mem_data(pem, &bytes);
	scenery->trust_pem = strndup(bytes, (size_t)length);
	scenery->our_pem = chain_pem(roots[ROOT_OURS]);
	BIO_free(pem);
}

static void put_in_order(STACK_OF(X509) * chain, enum gallery_order order)
{
	int count = sk_X509_num(chain);

	switch (order) {
	case ORDER_LEAF_ALONE:
		while (sk_X509_num(chain) > 1)
			X509_free(sk_X509_pop(chain));
		break;
	case ORDER_REVERSED:
		for (int i = 1; i < count; i++)
			sk_X509_insert(chain, sk_X509_pop(chain), i);
		break;
	case ORDER_DOUBLED:
		for (int i = 0; i < count; i++) {
			X509_up_ref(sk_X509_value(chain, i));
			sk_X509_push(chain, sk_X509_value(chain, i));
		}
		break;
	case ORDER_JUNK:
		X509_up_ref(roots[ROOT_UNTRUSTED]);
		sk_X509_insert(chain, roots[ROOT_UNTRUSTED], 1);
		X509_up_ref(roots[ROOT_EXPIRED]);
		sk_X509_push(chain, roots[ROOT_EXPIRED]);
		break;
	default:
		break;
	}
}

/* From the root downwards; what stands above[0] is the leaf's issuer. */
static struct issuer raise(const struct exhibit *exhibit, STACK_OF(X509) * chain)
{
	struct issuer issuer = { roots[exhibit->root], root_keys[exhibit->root] };

	for (int i = 2; i >= 0; i--) {
		const struct plate *plate = &exhibit->above[i];
		/* A root that somebody else has signed as well. */
		bool crossed = plate->subject && strcmp(plate->subject, root_names[ROOT_GOOD]) == 0;
		EVP_PKEY *key = crossed ? root_keys[ROOT_GOOD] : find_key(plate->key, (size_t)i + 1);
		char name[32];

		if (!plate->made)
			continue;
		snprintf(name, sizeof(name), "Intermediate %d", i);
		issuer.certificate = make(plate, key, issuer.certificate, issuer.key,
					  crossed ? root_names[ROOT_GOOD] : name);
		issuer.key = key;
		sk_X509_insert(chain, issuer.certificate, 0);
	}
	return issuer;
}

struct scenery gallery_make(const struct exhibit *exhibit)
{
	struct scenery scenery = { .chain = sk_X509_new_null() };
	struct issuer issuer = raise(exhibit, scenery.chain);
	X509 *leaf;

	scenery.key = find_key(exhibit->leaf.key, 0);
	leaf = make(&exhibit->leaf, scenery.key, issuer.certificate, issuer.key,
		    choose(exhibit->leaf.subject, "A server"));
	sk_X509_insert(scenery.chain, leaf, 0);
	if (exhibit->staple)
		staple(&scenery, exhibit, &issuer, leaf);
	write_trust(&scenery, exhibit, &issuer, leaf);
	put_in_order(scenery.chain, exhibit->order);
	return scenery;
}

void scenery_end(struct scenery *scenery)
{
	sk_X509_pop_free(scenery->chain, X509_free);
	OPENSSL_free(scenery->staple);
	free(scenery->trust_pem);
	free(scenery->our_pem);
}
