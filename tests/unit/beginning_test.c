// link: daemon/http/beginning.c daemon/fit.c daemon/name.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/http/beginning.h"
#include "daemon/limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool peek_at(const char *head, struct http_peek *peek)
{
	return http_peek((const uint8_t *)head, strlen(head), peek);
}

static void host_is_found_in_a_head(void **state)
{
	static const struct {
		const char *head;
		const char *host;
		unsigned port;
	} cases[] = {
		{ "GET / HTTP/1.1\r\nHost: A.Example.:8080\r\n\r\n", "a.example", 8080 },
		{ "\r\nGET / HTTP/1.1\r\nX: y\r\nhOST:a.example\t \r\n\r\n", "a.example", 0 },
		{ "GET / HTTP/1.1\nHost: a.example\n\n", "a.example", 0 },
		{ "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "2001:db8::1", 80 },
		{ "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", 0 },
		{ "GET http://A.example?x HTTP/1.0\r\n\r\n", "a.example", 0 },
		{ "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", 0 },
		{ " GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", 0 },
		{ "(GET) / HTTP/1.1\r\nHost: a.example\r\n\r\n", "a.example", 0 },
		/* none that counts */
		{ "GET / HTTP/1.0\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\nHost: a.example\r\nHost : b.example\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\nHost: a.example\r\n b.example\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\nHost: user@a.example\r\n\r\n", "", 0 },
		{ "GET / HTTP/1.1\r\nHost: @\r\nHost: a.example\r\n\r\n", "", 0 },
		{ "GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "", 0 },
		{ "GET http://u@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "", 0 },
		{ "GET http://b.example\\@a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "", 0 },
	};
	struct http_peek peek;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_true(peek_at(cases[i].head, &peek));
		assert_string_equal(peek.host, cases[i].host);
		assert_int_equal(peek.port, cases[i].port);
	}
}

static void host_is_found_before_the_head_is_complete(void **state)
{
	struct http_peek peek;

	(void)state;
	assert_false(peek_at("", &peek));
	assert_false(peek_at("GE", &peek));
	assert_string_equal(peek.method, "");
	assert_false(peek_at("GET / HTTP/1.1\r\nHost: a.exam", &peek));
	assert_string_equal(peek.method, "GET");
	assert_string_equal(peek.host, "");
	assert_false(peek_at("GET / HTTP/1.1\r\nHost: a.example\r\nCookie: ", &peek));
	assert_string_equal(peek.host, "a.example");
}

static void what_is_no_head_ends_the_wait(void **state)
{
	static char head[HEAD_MAX] = "GET / HTTP/1.1\r\nX: ";
	struct http_peek peek;

	(void)state;
	assert_true(peek_at("no head\r\n\r\n", &peek));
	assert_string_equal(peek.method, "");
	assert_string_equal(peek.host, "");
	memset(head + 19, 'x', sizeof head - 19);
	assert_false(http_peek((uint8_t *)head, sizeof head - 1, &peek));
	assert_true(http_peek((uint8_t *)head, sizeof head, &peek));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(host_is_found_in_a_head),
		cmocka_unit_test(host_is_found_before_the_head_is_complete),
		cmocka_unit_test(what_is_no_head_ends_the_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
