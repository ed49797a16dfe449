// link: daemon/allowance.c daemon/spare.c daemon/http/h2_fields.c daemon/http/guard.c daemon/http/message.c daemon/name.c daemon/address.c daemon/text.c
/* HTTP/2 requests as lists of fields: what the gateway takes, what it refuses, and what it then means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/guard.h"
#include "daemon/http/h2_fields.h"

#define GET ":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0/\0"
#define POST ":method\0POST\0:scheme\0https\0:authority\0a.example\0:path\0/\0"

struct block {
	const char *fields; /* name NUL value NUL … */
	size_t length;
	bool ended;
};

#define OPEN(text)  { text, sizeof(text) - 1, false }
#define ENDED(text) { text, sizeof(text) - 1, true }

static struct span next(const char **at, const char *end)
{
	struct span span = { (const uint8_t *)*at, strnlen(*at, (size_t)(end - *at)) };

	*at += span.length + 1;
	return span;
}

static enum h2_fault take(const struct block *block, struct head *head, enum h2_section section)
{
	const char *at = block->fields, *end = at + block->length;
	struct h2_fields fields;

	head_begin(head, NULL);
	h2_fields_begin(&fields, head, section);
	while (at < end) {
		struct span name = next(&at, end);

		h2_fields_take(&fields, name, next(&at, end));
	}
	return h2_fields_end(&fields, block->ended);
}

/* Bytes with a NUL of their own, which the table cannot hold. */
static bool refuses_pair(const char *name, size_t name_length, const char *value, size_t value_length)
{
	struct block block = ENDED(GET);
	const char *at = block.fields, *end = at + block.length, *detail;
	struct h2_fields fields;
	struct head head;
	bool refused;

	head_begin(&head, NULL);
	h2_fields_begin(&fields, &head, H2_REQUEST);
	while (at < end) {
		struct span one = next(&at, end);

		h2_fields_take(&fields, one, next(&at, end));
	}
	h2_fields_take(&fields, (struct span){ (const uint8_t *)name, name_length },
		       (struct span){ (const uint8_t *)value, value_length });
	refused = h2_fields_end(&fields, true) != H2_FINE ||
		  guard_request(&head, &detail) != REASON_NONE;
	head_end(&head);
	return refused;
}

static bool refuses(const struct block *block)
{
	struct head head;
	const char *detail;
	bool refused = take(block, &head, H2_REQUEST) != H2_FINE ||
		       guard_request(&head, &detail) != REASON_NONE;

	head_end(&head);
	return refused;
}

static void malformed_requests_are_refused(void **state)
{
	static const struct block blocks[] = {
		/* pseudo fields: missing, empty, twice, unknown, late, a response's */
		ENDED(":scheme\0https\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0"),
		ENDED(":method\0GET\0:scheme\0https\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0\0"),
		ENDED(":method\0\0:scheme\0https\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0\0:path\0/\0"),
		ENDED(GET ":method\0GET\0"), ENDED(GET ":scheme\0https\0"),
		ENDED(GET ":authority\0a.example\0"), ENDED(GET ":path\0/\0"),
		ENDED(GET ":unknown\0x\0"), ENDED(GET ":status\0" "200\0"), ENDED(GET ":\0x\0"),
		ENDED("x\0y\0" GET), ENDED(GET "x\0y\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0x\0y\0:authority\0a.example\0:path\0/\0"),
		/* what a pseudo field may hold */
		ENDED(":method\0GET /evil HTTP/1.1\0:scheme\0https\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\r\nX: y\0:scheme\0https\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0G(T\0:scheme\0https\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0ftp\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https://evil/?\0:authority\0a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0/ HTTP/1.1\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0/\r\nX: y\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0/\tx\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0x\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0http://b.example/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0*\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0/#x\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example\0:path\0/\xc3\xa9\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example b\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0user@a.example\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example/x\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example:99999\0:path\0/\0"),
		ENDED(":method\0GET\0:scheme\0https\0:authority\0a.example,b.example\0:path\0/\0"),
		/* Host */
		ENDED(GET "host\0b.example\0"), ENDED(GET "host\0a.example\0host\0a.example\0"),
		ENDED(GET "host\0a.example:444\0"),
		ENDED(":method\0GET\0:scheme\0https\0:path\0/\0host\0a\0host\0a\0"),
		/* names */
		ENDED(GET "X\0y\0"), ENDED(GET "Content-Length\0" "5\0"), ENDED(GET "hosT\0a.example\0"),
		ENDED(GET "\0y\0"), ENDED(GET "a b\0y\0"), ENDED(GET "a:\0y\0"), ENDED(GET " a\0y\0"),
		ENDED(GET "a\r\nx\0y\0"), ENDED(GET "a\n\0y\0"), ENDED(GET "a\x7f\0y\0"),
		ENDED(GET "\xc3\xa9\0y\0"), ENDED(GET "a\t\0y\0"), ENDED(GET "transfer-encoding \0chunked\0"),
		ENDED(GET "content-length: 5\r\nx\0y\0"), ENDED(GET "a(b\0y\0"), ENDED(GET "a\"\0y\0"),
		/* values */
		ENDED(GET "a\0b\r\nx: y\0"), ENDED(GET "a\0b\n\0"), ENDED(GET "a\0b\r\0"),
		ENDED(GET "a\0\r\n\r\nGET /evil HTTP/1.1\r\n\0"), ENDED(GET "a\0 b\0"), ENDED(GET "a\0b \0"),
		ENDED(GET "a\0\tb\0"), ENDED(GET "a\0b\t\0"), ENDED(GET "a\0b\x01" "c\0"), ENDED(GET "a\0b\x7f\0"),
		/* one hop's business */
		ENDED(GET "connection\0close\0"), ENDED(GET "connection\0x\0x\0y\0"),
		ENDED(GET "proxy-connection\0keep-alive\0"), ENDED(GET "keep-alive\0timeout=5\0"),
		ENDED(GET "upgrade\0h2c\0"), ENDED(GET "upgrade\0websocket\0"),
		OPEN(POST "transfer-encoding\0chunked\0"), OPEN(POST "transfer-encoding\0identity\0"),
		ENDED(GET "transfer-encoding\0\0"), ENDED(GET "te\0gzip\0"), ENDED(GET "te\0trailers, gzip\0"),
		ENDED(GET "te\0\0"), OPEN(POST "transfer-encoding\0chunked\0content-length\0" "5\0"),
		/* Content-Length */
		OPEN(POST "content-length\0" "5\0content-length\0" "5\0"),
		OPEN(POST "content-length\0" "5\0content-length\0" "6\0"),
		OPEN(POST "content-length\0" "5, 5\0"), OPEN(POST "content-length\0+5\0"),
		OPEN(POST "content-length\0-5\0"), OPEN(POST "content-length\0" "0x5\0"),
		OPEN(POST "content-length\0\0"), OPEN(POST "content-length\0" "5a\0"),
		OPEN(POST "content-length\0" "18446744073709551621\0"),
		OPEN(POST "content-length\0" "9223372036854775808\0"),
		ENDED(POST "content-length\0" "5\0"),
		/* CONNECT */
		OPEN(":method\0CONNECT\0:authority\0a.example:443\0"),
		OPEN(":method\0CONNECT\0:scheme\0https\0:authority\0a.example\0:path\0/\0"),
		OPEN(":method\0CONNECT\0:protocol\0websocket\0:authority\0a.example\0"),
		OPEN(":method\0CONNECT\0:protocol\0websocket\0:scheme\0https\0:path\0/\0"),
		OPEN(":method\0CONNECT\0:protocol\0connect-udp\0:scheme\0https\0:authority\0a\0:path\0/\0"),
		OPEN(":method\0CONNECT\0:protocol\0\0:scheme\0https\0:authority\0a\0:path\0/\0"),
		OPEN(":method\0GET\0:protocol\0websocket\0:scheme\0https\0:authority\0a\0:path\0/\0"),
		OPEN(":method\0CONNECT\0:protocol\0websocket\0:protocol\0websocket\0:scheme\0https\0"
		     ":authority\0a\0:path\0/\0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		if (!refuses(&blocks[i]))
			print_message("# block %zu is taken\n", i);
		assert_true(refuses(&blocks[i]));
	}
	assert_true(refuses_pair("a\0b", 3, "c", 1));
	assert_true(refuses_pair("a", 1, "b\0c", 3));
	assert_true(refuses_pair(":path", 5, "/\0", 2));
}

static void good_requests_mean_what_they_say(void **state)
{
	static const struct {
		struct block block;
		enum body body;
		const char *host;
	} cases[] = {
		{ ENDED(GET), BODY_NONE, "a.example" },
		{ ENDED(GET "host\0A.example\0"), BODY_NONE, "a.example" },
		{ ENDED(GET "te\0trailers\0"), BODY_NONE, "a.example" },
		{ ENDED(GET "cookie\0a=1\0cookie\0b=2\0"), BODY_NONE, "a.example" },
		{ OPEN(POST), BODY_STREAM, "a.example" },
		{ OPEN(POST "content-length\0" "5\0"), BODY_LENGTH, "a.example" },
		{ ENDED(POST "content-length\0" "0\0"), BODY_LENGTH, "a.example" },
		{ ENDED(":method\0GET\0:scheme\0http\0:path\0/a?b\0host\0b.example:8080\0"), BODY_NONE,
		  "b.example" },
		{ ENDED(":method\0OPTIONS\0:scheme\0https\0:authority\0a.example\0:path\0*\0"), BODY_NONE,
		  "a.example" },
		{ OPEN(":method\0CONNECT\0:protocol\0websocket\0:scheme\0https\0:authority\0a.example\0"
		       ":path\0/chat\0"), BODY_STREAM, "a.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct head head;
		const char *detail;

		assert_int_equal(take(&cases[i].block, &head, H2_REQUEST), H2_FINE);
		assert_int_equal(guard_request(&head, &detail), REASON_NONE);
		assert_int_equal(head.body, cases[i].body);
		assert_string_equal(head.host, cases[i].host);
		head_end(&head);
	}
}

static void responses_and_trailers_have_rules_of_their_own(void **state)
{
	static const struct {
		struct block block;
		enum h2_section section;
		bool fine;
	} cases[] = {
		{ OPEN(":status\0" "200\0"), H2_RESPONSE, true },
		{ OPEN(":status\0" "200\0x\0y\0"), H2_RESPONSE, true },
		{ OPEN(":status\0" "20\0"), H2_RESPONSE, false },
		{ OPEN(":status\0" "2000\0"), H2_RESPONSE, false },
		{ OPEN(":status\0" "099\0"), H2_RESPONSE, false },
		{ OPEN(":status\0" "20x\0"), H2_RESPONSE, false },
		{ OPEN("x\0y\0"), H2_RESPONSE, false },
		{ OPEN(":status\0" "200\0:status\0" "200\0"), H2_RESPONSE, false },
		{ OPEN("x\0y\0:status\0" "200\0"), H2_RESPONSE, false },
		{ OPEN(":status\0" "200\0:path\0/\0"), H2_RESPONSE, false },
		{ OPEN(":status\0" "200\0connection\0close\0"), H2_RESPONSE, false },
		{ ENDED("x\0y\0"), H2_TRAILERS, true },
		{ OPEN("x\0y\0"), H2_TRAILERS, false },
		{ ENDED(":status\0" "200\0"), H2_TRAILERS, false },
		{ ENDED(":method\0GET\0"), H2_TRAILERS, false },
		{ ENDED("X\0y\0"), H2_TRAILERS, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct head head;

		assert_int_equal(take(&cases[i].block, &head, cases[i].section) == H2_FINE,
				 cases[i].fine);
		head_end(&head);
	}
}

static void too_much_is_told_from_too_odd(void **state)
{
	static char large[HEAD_MAX];
	struct h2_fields fields;
	struct head head;

	(void)state;
	memset(large, 'x', sizeof(large));
	head_begin(&head, NULL);
	h2_fields_begin(&fields, &head, H2_REQUEST);
	h2_fields_take(&fields, (struct span){ (const uint8_t *)"a", 1 },
		       (struct span){ (const uint8_t *)large, sizeof(large) });
	assert_int_equal(h2_fields_end(&fields, true), H2_TOO_LARGE);
	head_end(&head);
	head_begin(&head, NULL);
	h2_fields_begin(&fields, &head, H2_TRAILERS);
	for (int i = 0; i < FIELDS_MAX + 1; i++)
		h2_fields_take(&fields, (struct span){ (const uint8_t *)"a", 1 },
			       (struct span){ (const uint8_t *)"b", 1 });
	assert_int_equal(h2_fields_end(&fields, true), H2_TOO_LARGE);
	head_end(&head);
}

static void split_cookies_are_joined(void **state)
{
	static const struct block block = ENDED(GET "cookie\0a=1\0x\0y\0cookie\0b=2; c=3\0cookie\0d\0");
	struct head head;

	(void)state;
	assert_int_equal(take(&block, &head, H2_REQUEST), H2_FINE);
	assert_int_equal(head_join_cookies(&head), 0);
	assert_string_equal(head_find(&head, "cookie", 0), "a=1; b=2; c=3; d");
	assert_null(head_find(&head, "cookie", 1));
	assert_string_equal(head_find(&head, "x", 0), "y");
	head_end(&head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_requests_are_refused),
		cmocka_unit_test(good_requests_mean_what_they_say),
		cmocka_unit_test(responses_and_trailers_have_rules_of_their_own),
		cmocka_unit_test(too_much_is_told_from_too_odd),
		cmocka_unit_test(split_cookies_are_joined),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
