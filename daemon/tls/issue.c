#include "daemon/tls/issue.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#include "daemon/address.h"

enum { POINT_SIZE = 65 };

static const uint8_t p256_head[] = {
	/* SubjectPublicKeyInfo, RFC 5480 section 2 */
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
	0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
};

static bool is_name(const char name[static NAME_SIZE])
{
	char canonical[NAME_SIZE];
	char printed[ADDRESS_TEXT];
	struct address address;

	if (!memchr(name, '\0', NAME_SIZE))
		return false;
	if (address_parse(&address, name) == 0)
		return address.scope == 0 && strcmp(address_print(&address, printed), name) == 0;
	return name_canonical(name, strlen(name), canonical) && strcmp(canonical, name) == 0;
}

static bool is_on_curve(const uint8_t point_bytes[static POINT_SIZE])
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group ? EC_POINT_new(group) : NULL;
	bool on_curve = point && EC_POINT_oct2point(group, point, point_bytes, POINT_SIZE, NULL);

	EC_POINT_free(point);
	EC_GROUP_free(group);
	ERR_clear_error();
	return on_curve;
}

/* A worker has one key for all its leaves: the curve is computed once, not for every leaf. */
static bool is_known_point(const uint8_t point[static POINT_SIZE])
{
	static uint8_t known[POINT_SIZE];

	if (memcmp(point, known, POINT_SIZE) == 0)
		return true;
	if (!is_on_curve(point))
		return false;
	memcpy(known, point, POINT_SIZE);
	return true;
}

static bool is_p256(const uint8_t *key, size_t length)
{
	return length == sizeof(p256_head) + POINT_SIZE &&
	       memcmp(key, p256_head, sizeof(p256_head)) == 0 && key[sizeof(p256_head)] == 4 &&
	       is_known_point(key + sizeof(p256_head));
}

int issue_request_check(const void *message, size_t length)
{
	struct issue_request request;

	if (length != sizeof(request))
		return -1;
	memcpy(&request, message, sizeof(request));
	if (!is_name(request.name) || request.not_before >= request.not_after ||
	    !is_p256(request.key, request.key_length))
		return -1;
	return 0;
}

int issue_reply_check(const void *message, size_t length)
{
	struct issue_reply reply;

	if (length != sizeof(reply))
		return -1;
	memcpy(&reply, message, sizeof(reply));
	if (reply.answer > ISSUE_FAILED || reply.leaf_length > sizeof(reply.leaf))
		return -1;
	return (reply.answer == ISSUE_DONE) == (reply.leaf_length > 0) ? 0 : -1;
}
