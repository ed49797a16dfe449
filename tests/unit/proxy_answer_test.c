// link: daemon/through/socks5.c daemon/through/connect.c daemon/reader.c daemon/address.c daemon/text.c
/* What is said to upstream proxies and what their answers mean: SOCKS5 (RFC 1928, 1929) and CONNECT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/text.h"
#include "daemon/through/connect.h"
#include "daemon/through/socks5.h"

static char storage[4096];
static struct text said;

static void begin(void)
{
	text_begin(&said, storage, sizeof(storage));
}

static void assert_said(const void *bytes, size_t length)
{
	assert_int_equal(said.length, length);
	assert_memory_equal(said.bytes, bytes, length);
}

static void socks5_says_what_the_rfc_says(void **state)
{
	struct address address;

	(void)state;
	begin();
	socks5_add_greeting(&said, false);
	assert_said("\5\1\0", 3);
	begin();
	socks5_add_greeting(&said, true);
	assert_said("\5\2\0\2", 4);
	begin();
	socks5_add_credentials(&said, "me", "secret");
	assert_said("\1\2me\6secret", 11);
	begin();
	socks5_add_request(&said, "good.example", NULL, 443);
	assert_said("\5\1\0\3\14good.example\1\273", 19);
	assert_int_equal(address_parse(&address, "192.0.2.1"), 0);
	begin();
	socks5_add_request(&said, NULL, &address, 80);
	assert_said("\5\1\0\1\300\0\2\1\0\120", 10);
	assert_int_equal(address_parse(&address, "2001:db8::1"), 0);
	begin();
	socks5_add_request(&said, NULL, &address, 80);
	assert_int_equal(said.length, 22);
	assert_int_equal(said.bytes[3], 4);
}

static void socks5_methods(void **state)
{
	enum socks5_method method;

	(void)state;
	assert_int_equal(socks5_read_method("\5", 1, true, &method).said, PROXY_MORE);
	assert_int_equal(socks5_read_method("\5\0", 2, true, &method).said, PROXY_YES);
	assert_int_equal(method, SOCKS5_FREE);
	assert_int_equal(socks5_read_method("\5\2", 2, true, &method).said, PROXY_YES);
	assert_int_equal(method, SOCKS5_PASSWORD);
	assert_int_equal(socks5_read_method("\5\2", 2, false, &method).said, PROXY_BROKEN);
	assert_int_equal(socks5_read_method("\5\377", 2, true, &method).reason,
			 REASON_PROXY_CREDENTIALS);
	assert_int_equal(socks5_read_method("HTTP", 4, true, &method).said, PROXY_BROKEN);
	assert_int_equal(socks5_read_credentials("\1\0", 2).said, PROXY_YES);
	assert_int_equal(socks5_read_credentials("\1\1", 2).reason, REASON_PROXY_CREDENTIALS);
}

static struct address bound;

static struct proxy_answer read_reply(const char *bytes, size_t length)
{
	return socks5_read_reply(bytes, length, &bound);
}

static void socks5_replies(void **state)
{
	struct proxy_answer answer;

	(void)state;
	answer = read_reply("\5\0\0\1\0\0\0\0\0\0more", 14);
	assert_int_equal(answer.said, PROXY_YES);
	assert_int_equal(answer.length, 10);
	assert_int_equal(bound.family, AF_INET);
	answer = read_reply("\5\0\0\3\3abc\0\0", 10);
	assert_int_equal(answer.said, PROXY_YES);
	assert_int_equal(answer.length, 10);
	assert_int_equal(read_reply("\5\0\0\3\3abc\0", 9).said, PROXY_MORE);
	assert_int_equal(read_reply("\5\5", 2).reason, REASON_CONNECT_REFUSED);
	assert_int_equal(read_reply("\5\4", 2).reason, REASON_CONNECT_UNREACHABLE);
	assert_int_equal(read_reply("\5\2", 2).reason, REASON_PROXY_REFUSED);
	assert_int_equal(read_reply("\5\0\0\2\0\0", 6).said, PROXY_BROKEN);
	assert_int_equal(read_reply("\4\132", 2).said, PROXY_BROKEN);
}

static void socks5_datagrams(void **state)
{
	static const uint8_t reply[] = "\0\0\0\1\300\0\2\1\0\065payload";
	struct span datagram = { reply, sizeof(reply) - 1 }, payload;
	struct address from;

	(void)state;
	begin();
	socks5_add_associate(&said, AF_INET);
	assert_said("\5\3\0\1\0\0\0\0\0\0", 10);
	assert_true(socks5_read_datagram(datagram, &from, &payload));
	assert_int_equal(from.port, 53);
	assert_int_equal(payload.length, 7);
	begin();
	socks5_add_datagram_head(&said, NULL, &from, from.port);
	assert_said(reply, 10);
	begin();
	socks5_add_datagram_head(&said, "a.example", &from, 443);
	assert_said("\0\0\0\3\11a.example\1\273", 16);
	assert_true(socks5_read_datagram((struct span){ (const uint8_t *)said.bytes, said.length }, &from, &payload));
	assert_int_equal(from.family, AF_UNSPEC);
	assert_int_equal(payload.length, 0);
	assert_false(socks5_read_datagram((struct span){ (const uint8_t *)"\0\0\1\1\1\2\3\4\0\1x", 11 }, &from, &payload));
	assert_false(socks5_read_datagram((struct span){ (const uint8_t *)"\0\0\0\2\1\2\3\4\0\1x", 11 }, &from, &payload));
	assert_false(socks5_read_datagram((struct span){ reply, 9 }, &from, &payload));
}

static void connect_says_what_the_rfc_says(void **state)
{
	struct address address;

	(void)state;
	assert_int_equal(address_parse_with_port(&address, "[2001:db8::1]:8443"), 0);
	begin();
	connect_add_request(&said, NULL, &address, NULL, NULL);
	assert_string_equal(said.bytes, "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n"
					"Host: [2001:db8::1]:8443\r\n\r\n");
	begin();
	connect_add_request(&said, "good.example", &address, "Aladdin", "open sesame");
	assert_string_equal(said.bytes,
			    "CONNECT good.example:8443 HTTP/1.1\r\nHost: good.example:8443\r\n"
			    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

static struct proxy_answer connect_answer(const char *bytes)
{
	return connect_read_answer(bytes, strlen(bytes));
}

static void connect_answers(void **state)
{
	static char endless[CONNECT_ANSWER_MAX + 1];

	(void)state;
	assert_int_equal(connect_answer("HTTP/1.1 200 OK\r\n\r\nSSH").length, 19);
	assert_int_equal(connect_answer("HTTP/1.0 200\n\nSSH").length, 14);
	assert_int_equal(connect_answer("HTTP/1.1 200 OK\r\n").said, PROXY_MORE);
	assert_int_equal(connect_answer("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 204 x\r\n\r\n").length, 36);
	assert_int_equal(connect_answer("HTTP/1.1 407 x\r\n\r\n").reason, REASON_PROXY_CREDENTIALS);
	assert_int_equal(connect_answer("HTTP/1.1 403 x\r\n\r\n").reason, REASON_PROXY_REFUSED);
	assert_int_equal(connect_answer("HTTP/1.1 504 x\r\n\r\n").reason, REASON_CONNECT_TIMEOUT);
	assert_int_equal(connect_answer("HTTP/1.1 2000 x\r\n\r\n").said, PROXY_BROKEN);
	assert_int_equal(connect_answer("HTTP/1.1 099 x\r\n\r\n").said, PROXY_BROKEN);
	assert_int_equal(connect_answer("\5\0").said, PROXY_BROKEN);
	memset(endless, 'a', sizeof(endless) - 1);
	memcpy(endless, "HTTP/1.1 200 ", 13);
	assert_int_equal(connect_answer(endless).said, PROXY_BROKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socks5_says_what_the_rfc_says),
		cmocka_unit_test(socks5_methods),
		cmocka_unit_test(socks5_replies),
		cmocka_unit_test(socks5_datagrams),
		cmocka_unit_test(connect_says_what_the_rfc_says),
		cmocka_unit_test(connect_answers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
