#include "daemon/tls/leaf.h"

#include <openssl/rand.h>
#include <string.h>

#include "daemon/address.h"
#include "daemon/tls/der.h"

enum {
	BACKDATE_SECONDS = 600,
	LIFE_SECONDS = 86400,
	COMMON_NAME_MAX = 64, /* RFC 5280 appendix A.1, ub-common-name */
	SERIAL_SIZE = 16,
	TAG_DNS_NAME = 0x82,   /* GeneralName [2], RFC 5280 section 4.2.1.6 */
	TAG_IP_ADDRESS = 0x87, /* GeneralName [7] */
	TAG_KEY_IDENTIFIER = 0x80,
	TAG_EXTENSIONS = 0xa3,
};

static const uint8_t signature_algorithm[] = {
	/* ecdsa-with-SHA256, RFC 5758 section 3.2 */
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
};
static const uint8_t version_3[] = { 0xa0, 0x03, 0x02, 0x01, 0x02 };
static const uint8_t common_name[] = { 0x06, 0x03, 0x55, 0x04, 0x03 };
static const uint8_t key_identifier[] = { 0x06, 0x03, 0x55, 0x1d, 0x23 };
static const uint8_t alternative_name[] = { 0x06, 0x03, 0x55, 0x1d, 0x11 };
static const uint8_t critical[] = { 0x01, 0x01, 0xff };
static const uint8_t fixed_extensions[] = {
	/* basicConstraints, critical, CA:FALSE */
	0x30,
	0x0c,
	0x06,
	0x03,
	0x55,
	0x1d,
	0x13,
	0x01,
	0x01,
	0xff,
	0x04,
	0x02,
	0x30,
	0x00,
	/* keyUsage, critical, digitalSignature */
	0x30,
	0x0e,
	0x06,
	0x03,
	0x55,
	0x1d,
	0x0f,
	0x01,
	0x01,
	0xff,
	0x04,
	0x04,
	0x03,
	0x02,
	0x07,
	0x80,
	/* extKeyUsage, serverAuth */
	0x30,
	0x13,
	0x06,
	0x03,
	0x55,
	0x1d,
	0x25,
	0x04,
	0x0c,
	0x30,
	0x0a,
	0x06,
	0x08,
	0x2b,
	0x06,
	0x01,
	0x05,
	0x05,
	0x07,
	0x03,
	0x01,
};

static bool fits_common_name(const char *name)
{
	return strlen(name) <= COMMON_NAME_MAX;
}

/* RFC 5280 section 4.1.2.6: without a subject the alternative name must be critical. */
static void put_alternative_name(struct der *der, const char *name)
{
	struct address address;
	size_t since = der_length(der);

	if (address_parse(&address, name) == 0)
		der_element(der, TAG_IP_ADDRESS, address.bytes, address_width(&address));
	else
		der_element(der, TAG_DNS_NAME, name, strlen(name));
	der_wrap(der, DER_SEQUENCE, since);
	der_wrap(der, DER_OCTET_STRING, since);
	if (!fits_common_name(name))
		der_bytes(der, critical, sizeof(critical));
	der_bytes(der, alternative_name, sizeof(alternative_name));
	der_wrap(der, DER_SEQUENCE, since);
}

static void put_key_identifier(struct der *der, const struct authority *authority)
{
	size_t since = der_length(der);
	size_t length;
	const uint8_t *identifier = authority_identifier(authority, &length);

	der_element(der, TAG_KEY_IDENTIFIER, identifier, length);
	der_wrap(der, DER_SEQUENCE, since);
	der_wrap(der, DER_OCTET_STRING, since);
	der_bytes(der, key_identifier, sizeof(key_identifier));
	der_wrap(der, DER_SEQUENCE, since);
}

static void put_subject(struct der *der, const char *name)
{
	size_t since = der_length(der);

	if (fits_common_name(name)) {
		der_element(der, DER_UTF8_STRING, name, strlen(name));
		der_bytes(der, common_name, sizeof(common_name));
		der_wrap(der, DER_SEQUENCE, since);
		der_wrap(der, DER_SET, since);
	}
	der_wrap(der, DER_SEQUENCE, since);
}

static void put_serial(struct der *der)
{
	uint8_t serial[SERIAL_SIZE];

	if (RAND_bytes(serial, sizeof(serial)) != 1)
		der->failed = true;
	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of full length */
	der_element(der, DER_INTEGER, serial, sizeof(serial));
}

struct lifetime {
	int64_t not_before;
	int64_t not_after;
};

static struct lifetime find_lifetime(const struct authority *authority,
				     const struct issue_request *request, int64_t now)
{
	int64_t end = authority_not_after(authority);
	struct lifetime life = { request->not_before, request->not_after };

	if (life.not_before < now - BACKDATE_SECONDS)
		life.not_before = now - BACKDATE_SECONDS;
	if (life.not_after > now + LIFE_SECONDS)
		life.not_after = now + LIFE_SECONDS;
	if (life.not_after > end)
		life.not_after = end;
	return life;
}

/* TBSCertificate of RFC 5280 section 4.1, the last field first. */
static void put_tbs(struct der *der, const struct authority *authority,
		    const struct issue_request *request, const struct lifetime *life)
{
	size_t issuer_length, since;
	const uint8_t *issuer = authority_subject(authority, &issuer_length);

	put_alternative_name(der, request->name);
	put_key_identifier(der, authority);
	der_bytes(der, fixed_extensions, sizeof(fixed_extensions));
	der_wrap(der, DER_SEQUENCE, 0);
	der_wrap(der, TAG_EXTENSIONS, 0);
	der_bytes(der, request->key, request->key_length);
	put_subject(der, request->name);
	since = der_length(der);
	der_time(der, life->not_after);
	der_time(der, life->not_before);
	der_wrap(der, DER_SEQUENCE, since);
	der_bytes(der, issuer, issuer_length);
	der_bytes(der, signature_algorithm, sizeof(signature_algorithm));
	put_serial(der);
	der_bytes(der, version_3, sizeof(version_3));
	der_wrap(der, DER_SEQUENCE, 0);
}

/* Certificate ::= SEQUENCE { tbs, algorithm, BIT STRING signature }: here from the front, because
 * the signature is made over the finished tbs. */
static size_t put_certificate(uint8_t *leaf, const struct authority *authority,
			      const struct der *tbs)
{
	uint8_t signature[1 + AUTHORITY_SIGNATURE_MAX] = { 0 }; /* no unused bits */
	size_t length = authority_sign(authority, tbs->first, der_length(tbs), signature + 1);
	struct der der;

	der_begin(&der, leaf, ISSUE_LEAF_MAX);
	der_element(&der, DER_BIT_STRING, signature, length + 1);
	der_bytes(&der, signature_algorithm, sizeof(signature_algorithm));
	der_bytes(&der, tbs->first, der_length(tbs));
	der_wrap(&der, DER_SEQUENCE, 0);
	if (der.failed || length == 0)
		return 0;
	memmove(leaf, der.first, der_length(&der));
	return der_length(&der);
}

static enum issue_answer build(const struct authority *authority,
			       const struct issue_request *request, int64_t now,
			       struct issue_reply *reply)
{
	struct lifetime life = find_lifetime(authority, request, now);
	uint8_t storage[ISSUE_LEAF_MAX];
	struct der tbs;

	if (life.not_after <= life.not_before || life.not_after <= now)
		return ISSUE_BAD_REQUEST;
	der_begin(&tbs, storage, sizeof(storage));
	put_tbs(&tbs, authority, request, &life);
	if (!tbs.failed)
		reply->leaf_length = (uint32_t)put_certificate(reply->leaf, authority, &tbs);
	return reply->leaf_length > 0 ? ISSUE_DONE : ISSUE_FAILED;
}

void leaf_issue(const struct authority *authority, const struct issue_request *request, int64_t now,
		struct issue_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->id = request->id;
	if (issue_request_check(request, sizeof(*request)) < 0)
		reply->answer = ISSUE_BAD_REQUEST;
	else if (authority_excludes(authority, request->name))
		reply->answer = ISSUE_NEVER;
	else
		reply->answer = build(authority, request, now, reply);
}
