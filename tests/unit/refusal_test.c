// link: tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* What a client is told where the gateway answers in place of a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/dialogue.h"

static void a_block_is_a_page_or_nothing(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	static const struct rule reset = { .verdict = VERDICT_BLOCK, .block = BLOCK_RESET };
	struct dialogue *dialogue = *state;

	dialogue->rule = &page;
	client_says(dialogue, "GET /<script>alert(1)</script> HTTP/1.1\r\n" HOST "\r\n");
	assert_null(strstr(dialogue->heard, "script"));
	client_hears_page(dialogue, 403);
	assert_int_equal(dialogue->error, REASON_BLOCKED);
	assert_int_equal(dialogue->server_count, 0);
	assert_string_equal(dialogue->notes, "request-headers error ");
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_BLOCKED);

	dialogue = dialogue_new();
	dialogue->rule = &reset;
	client_says(dialogue, GET);
	client_hears(dialogue, "");
	assert_int_equal(dialogue->finished, REASON_BLOCKED);
	dialogue_free(dialogue);
}

static void a_block_does_not_wait_for_the_body(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	struct dialogue *dialogue = *state;

	dialogue->rule = &page;
	client_says(dialogue,
		    "PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	client_hears_page(dialogue, 403);
}

static void the_page_for_head_has_no_body(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	struct dialogue *dialogue = *state;

	dialogue->rule = &page;
	client_says(dialogue, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(dialogue->heard, "\r\n\r\n"));
	assert_string_equal(strstr(dialogue->heard, "\r\n\r\n"), "\r\n\r\n");
}

static void a_rule_about_the_status_sees_the_response(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	static const struct rule pass = { .verdict = VERDICT_PASS };
	struct dialogue *dialogue = *state;

	dialogue->response_rule = &pass;
	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI);
	assert_int_equal(dialogue->judgements, 3);
	dialogue->response_rule = &page;
	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears_page(dialogue, 403);
	assert_int_equal(dialogue->error, REASON_BLOCKED);
}

static void a_server_out_of_reach_is_a_page(void **state)
{
	static const struct {
		enum reason reason;
		unsigned status;
	} cases[] = {
		{ REASON_CONNECT_REFUSED, 502 },    { REASON_CONNECT_TIMEOUT, 504 },
		{ REASON_TLS_SERVER_TIMEOUT, 504 }, { REASON_TOO_MANY, 503 },
		{ REASON_ORIGIN_EXPIRED, 502 },	    { REASON_NAME_UNRESOLVED, 502 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dialogue *dialogue = dialogue_new();

		dialogue->reach_failure = cases[i].reason;
		client_says(dialogue, GET);
		client_hears_page(dialogue, cases[i].status);
		assert_int_equal(dialogue->error, cases[i].reason);
		dialogue_free(dialogue);
	}
}

static void limits_have_their_own_pages(void **state)
{
	static char bytes[HEAD_MAX * 2];
	size_t length;
	struct dialogue *dialogue = *state;

	length = (size_t)sprintf(bytes, "GET /");
	memset(bytes + length, 'a', TARGET_MAX + 10);
	client_says_bytes(dialogue, bytes, length + TARGET_MAX + 10);
	client_hears_page(dialogue, 414);
	dialogue = dialogue_new();
	length = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\n" HOST "A: ");
	memset(bytes + length, 'a', HEAD_MAX);
	client_says_bytes(dialogue, bytes, length + HEAD_MAX);
	client_hears_page(dialogue, 431);
	assert_int_equal(dialogue->error, REASON_REQUEST_TOO_LARGE);
	dialogue_free(dialogue);
	dialogue = dialogue_new();
	client_says(dialogue, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
	client_hears_page(dialogue, 405);
	assert_int_equal(dialogue->error, REASON_METHOD_REFUSED);
	dialogue_free(dialogue);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogue_begin, dialogue_end)
	const struct CMUnitTest tests[] = {
		TEST(a_block_is_a_page_or_nothing),
		TEST(a_block_does_not_wait_for_the_body),
		TEST(the_page_for_head_has_no_body),
		TEST(a_rule_about_the_status_sees_the_response),
		cmocka_unit_test(a_server_out_of_reach_is_a_page),
		TEST(limits_have_their_own_pages),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
