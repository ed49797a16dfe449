// link: daemon/allowance.c daemon/spare.c daemon/http/guard.c daemon/http/message.c daemon/name.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/guard.h"

/* A head as a reader would have made it: "METHOD target version" and fields in pairs. */
static void make(struct head *head, const char *method, const char *target,
		 enum http_version version, const char *const *fields)
{
	head_begin(head, NULL);
	head->version = version;
	if (method)
		head->method = head_add_text(head, method, strlen(method));
	if (target)
		head->path = head_add_text(head, target, strlen(target));
	for (; fields && fields[0]; fields += 2)
		assert_int_equal(head_add_field(head, fields[0], strlen(fields[0]), fields[1],
						strlen(fields[1])),
				 0);
}

#define FIELDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define HOST	    "Host", "a.example"

static enum reason judge(const char *method, const char *target, enum http_version version,
			 const char *const *fields)
{
	struct head head;
	const char *detail;
	enum reason reason;

	make(&head, method, target, version, fields);
	reason = guard_request(&head, &detail);
	assert_true((reason == REASON_NONE) == (detail == NULL));
	head_end(&head);
	return reason;
}

static enum reason judge_response(unsigned status, const char *method, enum http_version version,
				  const char *const *fields)
{
	struct head head;
	const char *detail;
	enum reason reason;

	make(&head, NULL, NULL, version, fields);
	head.status = status;
	reason = guard_response(&head, method, &detail);
	head_end(&head);
	return reason;
}

#define assert_passes(...)  assert_int_equal(judge(__VA_ARGS__), REASON_NONE)
#define assert_refused(...) assert_int_equal(judge(__VA_ARGS__), REASON_REQUEST_MALFORMED)

static void a_plain_request_passes_and_is_taken_apart(void **state)
{
	struct head head;
	const char *detail;

	(void)state;
	make(&head, "GET", "/a/b?c=d?e", HTTP_1_1, FIELDS("Host", "Shop.Example.:8080"));
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	assert_string_equal(head_text(&head, head.path), "/a/b");
	assert_string_equal(head_text(&head, head.query), "c=d?e");
	assert_string_equal(head_text(&head, head.authority), "Shop.Example.:8080");
	assert_string_equal(head.host, "shop.example");
	assert_int_equal(head.port, 8080);
	assert_int_equal(head.body, BODY_NONE);
	assert_true(head.keep_alive);
	head_end(&head);
}

static void the_absolute_form_becomes_origin_form(void **state)
{
	static const struct {
		const char *target, *path, *query;
	} cases[] = {
		{ "http://a.example/x?y", "/x", "y" }, { "HTTP://A.EXAMPLE:80/x", "/x", NULL },
		{ "http://a.example", "/", NULL },     { "http://a.example?q", "/", "q" },
		{ "https://a.example/", "/", NULL },   { "http://a.example/?", "/", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct head head;
		const char *detail;

		make(&head, "GET", cases[i].target, HTTP_1_1, FIELDS(HOST));
		assert_int_equal(guard_request(&head, &detail), REASON_NONE);
		assert_string_equal(head_text(&head, head.path), cases[i].path);
		assert_int_equal(head.query != 0, cases[i].query != NULL);
		if (cases[i].query)
			assert_string_equal(head_text(&head, head.query), cases[i].query);
		head_end(&head);
	}
}

static void the_absolute_form_names_http_1_0_requests(void **state)
{
	struct head head;
	const char *detail;

	(void)state;
	make(&head, "GET", "http://a.example:81/x", HTTP_1_0, NULL);
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	assert_string_equal(head.host, "a.example");
	assert_string_equal(head_text(&head, head.authority), "a.example:81");
	assert_string_equal(head_text(&head, head.path), "/x");
	head_end(&head);
}

static void host_is_exactly_one_name(void **state)
{
	(void)state;
	assert_refused("GET", "/", HTTP_1_1, NULL);
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, HOST));
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "host", "b.example"));
	assert_refused("GET", "/", HTTP_1_0, FIELDS(HOST, "host", "b.example"));
	assert_passes("GET", "/", HTTP_1_0, NULL);
	static const char *const wrong[] = {
		"",
		"a b",
		"a.example, b.example",
		"user@a.example",
		"a.example/x",
		"a.example:http",
		"a.example:65536",
		"a.example:80:80",
		"[::1",
		"a\x80.example",
		"http://a.example",
		"a..example",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_refused("GET", "/", HTTP_1_1, FIELDS("Host", wrong[i]));
	assert_passes("GET", "/", HTTP_1_1, FIELDS("Host", "[2001:db8::1]:443"));
	assert_passes("GET", "/", HTTP_1_1, FIELDS("Host", "192.0.2.1"));
}

/* E13 */
static void another_authority_than_host_is_refused(void **state)
{
	(void)state;
	assert_refused("GET", "http://b.example/", HTTP_1_1, FIELDS(HOST));
	assert_refused("GET", "http://a.example:8080/", HTTP_1_1, FIELDS(HOST));
	assert_refused("GET", "http://u@a.example/", HTTP_1_1, FIELDS(HOST));
	assert_refused("GET", "http:///", HTTP_1_1, FIELDS(HOST));
	assert_refused("GET", "ftp://a.example/", HTTP_1_1, FIELDS(HOST));
	assert_refused("GET", "https://a.example:80/", HTTP_1_1, FIELDS(HOST));
	assert_passes("GET", "https://a.example/", HTTP_1_1, FIELDS("Host", "a.example:443"));
}

static void other_targets_are_refused(void **state)
{
	static const char *const wrong[] = { "",      "x", "a.example:80", "/a b", "/a#b", "/\x7f",
					     "/\xff", "*", "/\x01",	   "**",   "?x" };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_refused("GET", wrong[i], HTTP_1_1, FIELDS(HOST));
	assert_passes("OPTIONS", "*", HTTP_1_1, FIELDS(HOST));
	assert_refused("OPTIONS", "*x", HTTP_1_1, FIELDS(HOST));
	assert_int_equal(judge("CONNECT", "a.example:443", HTTP_1_1, FIELDS(HOST)),
			 REASON_METHOD_REFUSED);
}

static void framing_that_two_readers_could_see_differently_is_refused(void **state)
{
	static const char *const encodings[] = {
		",chunked",
		"chunked,",
		"chunked, chunked",
		"gzip, chunked",
		"identity",
		"",
		"xchunked",
		"chunked;q=1",
		"\"chunked\"",
		"chunked chunked",
		"cHunked2",
		"chunked\v",
		"gzip",
	};
	static const char *const lengths[] = {
		"",
		"+1",
		"-1",
		"1 ",
		"1,1",
		"1, 1",
		"0x1",
		"1.0",
		"1e1",
		"१",
		"99999999999999999999",
		"9223372036854775808",
		"1 1",
		" 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(encodings) / sizeof(*encodings); i++)
		assert_refused("POST", "/", HTTP_1_1,
			       FIELDS(HOST, "Transfer-Encoding", encodings[i]));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		assert_refused("POST", "/", HTTP_1_1, FIELDS(HOST, "Content-Length", lengths[i]));
	assert_refused("POST", "/", HTTP_1_1,
		       FIELDS(HOST, "Content-Length", "1", "Transfer-Encoding", "chunked"));
	assert_refused("POST", "/", HTTP_1_1,
		       FIELDS(HOST, "Content-Length", "1", "content-length", "1"));
	assert_refused(
		"POST", "/", HTTP_1_1,
		FIELDS(HOST, "Transfer-Encoding", "chunked", "transfer-encoding", "chunked"));
	assert_refused("POST", "/", HTTP_1_0, FIELDS(HOST, "Transfer-Encoding", "chunked"));
	assert_passes("POST", "/", HTTP_1_1, FIELDS(HOST, "Transfer-Encoding", "CHUNKED"));
	assert_passes("POST", "/", HTTP_1_1, FIELDS(HOST, "Content-Length", "9223372036854775807"));
}

static void control_bytes_are_refused(void **state)
{
	(void)state;
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "A", "x\ry"));
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "A", "x\ny"));
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "A", "x\x7f"));
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "A ", "x"));
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "", "x"));
	assert_refused("GET", "/", HTTP_1_1, FIELDS(HOST, "A\xc3", "x"));
	assert_refused("G T", "/", HTTP_1_1, FIELDS(HOST));
	assert_refused("", "/", HTTP_1_1, FIELDS(HOST));
	assert_passes("GET", "/", HTTP_1_1, FIELDS(HOST, "A", "x\ty \xc3\xa4"));
}

/* RFC 9110 sections 5.6.2 and 5.5, byte by byte. */
static void every_byte_is_where_it_belongs(void **state)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		const char odd[] = { 'x', (char)byte, 'x', '\0' };
		bool in_name = strchr(token, byte) != NULL;
		bool in_value = byte == '\t' || (byte >= ' ' && byte != 0x7f);

		assert_true((judge("GET", "/", HTTP_1_1, FIELDS(HOST, odd, "v")) == REASON_NONE) ==
			    in_name);
		assert_true((judge("GET", "/", HTTP_1_1, FIELDS(HOST, "n", odd)) == REASON_NONE) ==
			    in_value);
		assert_true((judge_response(200, "GET", HTTP_1_1, FIELDS("n", odd)) ==
			     REASON_NONE) == in_value);
	}
}

static void a_nul_inside_a_value_is_seen(void **state)
{
	struct head head;
	const char *detail;

	(void)state;
	make(&head, "GET", "/", HTTP_1_1, FIELDS(HOST));
	assert_int_equal(head_add_field(&head, "A", 1, "x\0y", 3), 0);
	assert_int_equal(guard_request(&head, &detail), REASON_REQUEST_MALFORMED);
	head_end(&head);
}

static void a_long_target_is_too_large(void **state)
{
	static char target[TARGET_MAX + 2];

	(void)state;
	memset(target, 'a', TARGET_MAX + 1);
	target[0] = '/';
	assert_int_equal(judge("GET", target, HTTP_1_1, FIELDS(HOST)), REASON_REQUEST_TOO_LARGE);
	target[TARGET_MAX] = '\0';
	assert_passes("GET", target, HTTP_1_1, FIELDS(HOST));
}

static void wishes_are_understood(void **state)
{
	struct head head;
	const char *detail;

	(void)state;
	make(&head, "GET", "/", HTTP_1_1,
	     FIELDS(HOST, "Connection", "keep-alive, Upgrade", "Upgrade", "websocket"));
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	assert_true(head.upgrade);
	head_end(&head);
	make(&head, "POST", "/", HTTP_1_1,
	     FIELDS(HOST, "Connection", "Upgrade", "Upgrade", "x", "Content-Length", "1", "Expect",
		    "100-Continue"));
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	assert_false(head.upgrade);
	assert_true(head.expect_continue);
	assert_int_equal(head.content_length, 1);
	head_end(&head);
	make(&head, "GET", "/", HTTP_1_0, FIELDS("Connection", "Keep-Alive"));
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	assert_true(head.keep_alive);
	head_end(&head);
	make(&head, "GET", "/", HTTP_1_0, NULL);
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	assert_false(head.keep_alive);
	head_end(&head);
}

static void responses_are_framed_by_status_and_method(void **state)
{
	static const struct {
		unsigned status;
		const char *method;
		const char *name, *value;
		enum body body;
	} cases[] = {
		{ 200, "GET", "X", "y", BODY_UNTIL_CLOSE },
		{ 200, "HEAD", "Content-Length", "5", BODY_NONE },
		{ 204, "GET", "Content-Length", "5", BODY_NONE },
		{ 304, "GET", "Transfer-Encoding", "chunked", BODY_NONE },
		{ 103, "GET", "X", "y", BODY_NONE },
		{ 200, "GET", "Content-Length", "0", BODY_LENGTH },
		{ 404, "POST", "Transfer-Encoding", "chunked", BODY_STREAM },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct head head;
		const char *detail;

		make(&head, NULL, NULL, HTTP_1_1, FIELDS(cases[i].name, cases[i].value));
		head.status = cases[i].status;
		assert_int_equal(guard_response(&head, cases[i].method, &detail), REASON_NONE);
		assert_int_equal(head.body, cases[i].body);
		assert_int_equal(head.keep_alive, cases[i].body != BODY_UNTIL_CLOSE);
		head_end(&head);
	}
}

static void broken_responses_are_refused(void **state)
{
	(void)state;
	assert_int_equal(judge_response(99, "GET", HTTP_1_1, NULL), REASON_RESPONSE_MALFORMED);
	assert_int_equal(judge_response(200, "GET", HTTP_1_1,
					FIELDS("Content-Length", "1", "Content-Length", "2")),
			 REASON_RESPONSE_MALFORMED);
	assert_int_equal(
		judge_response(200, "HEAD", HTTP_1_1,
			       FIELDS("Content-Length", "1", "Transfer-Encoding", "chunked")),
		REASON_RESPONSE_MALFORMED);
	assert_int_equal(
		judge_response(200, "GET", HTTP_1_0, FIELDS("Transfer-Encoding", "chunked")),
		REASON_RESPONSE_MALFORMED);
	assert_int_equal(judge_response(200, "GET", HTTP_1_1, FIELDS("A", "x\ry")),
			 REASON_RESPONSE_MALFORMED);
	assert_int_equal(judge_response(200, "GET", HTTP_1_1, FIELDS("A b", "x")),
			 REASON_RESPONSE_MALFORMED);
}

static void trailers_neither_frame_nor_route_nor_authenticate(void **state)
{
	struct head head;

	(void)state;
	make(&head, NULL, NULL, HTTP_1_1,
	     FIELDS("Content-Length", "5", "Digest", "x", "HOST", "b.example", "Proxy-Anything",
		    "y", "Authorization", "z", "Grpc-Status", "0", "If-Match", "q"));
	assert_true(guard_trailers(&head));
	assert_int_equal(head.field_count, 2);
	assert_string_equal(head_find(&head, "digest", 0), "x");
	assert_string_equal(head_find(&head, "grpc-status", 0), "0");
	head_end(&head);
	make(&head, NULL, NULL, HTTP_1_1, FIELDS("A", "x\r"));
	assert_false(guard_trailers(&head));
	head_end(&head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_request_passes_and_is_taken_apart),
		cmocka_unit_test(the_absolute_form_becomes_origin_form),
		cmocka_unit_test(the_absolute_form_names_http_1_0_requests),
		cmocka_unit_test(host_is_exactly_one_name),
		cmocka_unit_test(another_authority_than_host_is_refused),
		cmocka_unit_test(other_targets_are_refused),
		cmocka_unit_test(framing_that_two_readers_could_see_differently_is_refused),
		cmocka_unit_test(control_bytes_are_refused),
		cmocka_unit_test(every_byte_is_where_it_belongs),
		cmocka_unit_test(a_nul_inside_a_value_is_seen),
		cmocka_unit_test(a_long_target_is_too_large),
		cmocka_unit_test(wishes_are_understood),
		cmocka_unit_test(responses_are_framed_by_status_and_method),
		cmocka_unit_test(broken_responses_are_refused),
		cmocka_unit_test(trailers_neither_frame_nor_route_nor_authenticate),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
