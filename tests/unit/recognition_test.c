// link: daemon/recognition.c daemon/protocol.c daemon/fit.c daemon/http/beginning.c daemon/name.c daemon/address.c daemon/reader.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/limits.h"
#include "daemon/recognition.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BYTES(text)  text, sizeof(text) - 1

struct sample {
	const char *bytes;
	size_t length;
	enum protocol protocol;
};

static const struct sample clients[] = {
	{ BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), PROTOCOL_TLS },
	{ BYTES("\x16\x03\x04"), PROTOCOL_TLS },
	{ BYTES("\x15\x03\x01\x00\x02\x02\x28"), PROTOCOL_TLS },
	{ BYTES("\x14\x03\x03\x00\x01\x01"), PROTOCOL_TLS },
	{ BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), PROTOCOL_HTTP },
	{ BYTES("\r\n\r\nPOST /x HTTP/1.0\r\n"), PROTOCOL_HTTP },
	{ BYTES("PROPFIND /dav HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("M-SEARCH * HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("FROBNICATE /x HTTP/1.1\r\n"), PROTOCOL_HTTP },
	/* No server should take these, and some might. */
	{ BYTES("get / http/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("GET\r\n"), PROTOCOL_HTTP },
	{ BYTES("GET\t/ HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES(" POST / HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("PO ST / HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("(POST) / HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("P\0ST / HTTP/1.1\r\n"), PROTOCOL_HTTP },
	{ BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), PROTOCOL_HTTP2 },
	{ BYTES("SSH-2.0-OpenSSH_9.2p1\r\n"), PROTOCOL_SSH },
	{ BYTES("EHLO mail.example\r\n"), PROTOCOL_SMTP },
	{ BYTES("helo mail.example\r\n"), PROTOCOL_SMTP },
	{ BYTES("\x13"
		"BitTorrent protocol\0\0\0\0"),
	  PROTOCOL_BITTORRENT },
	{ BYTES("\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\0\0\0"),
	  PROTOCOL_RDP },
	{ BYTES("\x10\x10\x00\x04MQTT\x05\x02\x00\x3c"), PROTOCOL_MQTT },
	{ BYTES("\x10\x90\x01\x00\x06MQIsdp\x03"), PROTOCOL_MQTT },
	{ BYTES("\x00\x00\x00\x08\x04\xd2\x16\x2f"), PROTOCOL_POSTGRESQL },
	{ BYTES("\x00\x00\x00\x29\x00\x03\x00\x00user\0a\0"), PROTOCOL_POSTGRESQL },
	{ BYTES("\x05\x01\x00"), PROTOCOL_SOCKS },
	{ BYTES("\x05\x02\x00\x02"), PROTOCOL_SOCKS },
	{ BYTES("\x04\x01\x01\xbb\xc0\x00\x02\x01\x00"), PROTOCOL_SOCKS },
	{ BYTES("\xc3\x00\x00\x00\x01\x08"), PROTOCOL_QUIC },
	{ BYTES("\xd3\x6b\x33\x43\xcf\x08"), PROTOCOL_QUIC },
	{ BYTES("\x00\x1d\xab\xcd\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x07"), PROTOCOL_DNS },
};

static const struct sample servers[] = {
	{ BYTES("SSH-2.0-OpenSSH_9.2p1\r\n"), PROTOCOL_SSH },
	{ BYTES("220 mail.example ESMTP Postfix\r\n"), PROTOCOL_SMTP },
	{ BYTES("220-mail.example smtp ready\r\n220 go on\r\n"), PROTOCOL_SMTP },
	{ BYTES("220 (vsFTPd 3.0.3)\r\n"), PROTOCOL_FTP },
	{ BYTES("220 ProFTPD Server\r\n"), PROTOCOL_FTP },
	{ BYTES("* OK [CAPABILITY IMAP4rev1] ready\r\n"), PROTOCOL_IMAP },
	{ BYTES("* PREAUTH hello\r\n"), PROTOCOL_IMAP },
	{ BYTES("+OK POP3 ready\r\n"), PROTOCOL_POP3 },
	{ BYTES("\x5b\x00\x00\x00\x0a"
		"8.0.36\0"),
	  PROTOCOL_MYSQL },
	{ BYTES("\x45\x00\x00\x00\xff\x10\x04Too many"), PROTOCOL_MYSQL },
};

static const char *const nobodys[] = { "hello\n",
				       "hello",
				       "login joe",
				       "NICK joe\r\n",
				       "OPEN rtsp://a/ RTSP/1.0\r\n",
				       "Jdwp/Handshake",
				       "<stream to='a' HTTP/1.1>",
				       "{\"a\":1}",
				       "\x80\x2e\x01\x03\x01",
				       "\x16\x03\x05",
				       "\x16\x02\x01",
				       "\x17\x03\x03\x01\x01" };

typedef enum recognition recogniser(const uint8_t *bytes, size_t length, bool final,
				    enum protocol *protocol);

static void check(recogniser *recognise, const struct sample *sample)
{
	const uint8_t *bytes = (const uint8_t *)sample->bytes;
	enum protocol protocol = PROTOCOL_COUNT;
	size_t length = 0;

	while (recognise(bytes, length, false, &protocol) == RECOGNITION_MORE) {
		assert_int_equal(protocol, PROTOCOL_UNKNOWN);
		assert_int_equal(recognise(bytes, length, true, &protocol), RECOGNITION_DONE);
		assert_int_equal(protocol, PROTOCOL_UNKNOWN);
		assert_true(++length <= sample->length);
	}
	assert_string_equal(protocol_word(protocol), protocol_word(sample->protocol));
	assert_int_equal(recognise(bytes, sample->length, true, &protocol), RECOGNITION_DONE);
	assert_int_equal(protocol, sample->protocol);
}

/* E07 */
static void clients_are_recognised_however_they_arrive(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(clients); i++)
		check(protocol_of_client, &clients[i]);
}

static void servers_are_recognised_however_they_arrive(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(servers); i++)
		check(protocol_of_server, &servers[i]);
}

static void strangers_are_unknown_at_once(void **state)
{
	enum protocol protocol;

	(void)state;
	for (size_t i = 0; i < COUNT(nobodys); i++) {
		protocol = PROTOCOL_COUNT;
		assert_int_equal(protocol_of_client((const uint8_t *)nobodys[i], strlen(nobodys[i]),
						    false, &protocol),
				 RECOGNITION_DONE);
		assert_int_equal(protocol, PROTOCOL_UNKNOWN);
	}
	assert_int_equal(
		protocol_of_server((const uint8_t *)"220 welcome\r\n", 13, false, &protocol),
		RECOGNITION_DONE);
	assert_int_equal(protocol, PROTOCOL_UNKNOWN);
}

static void an_endless_line_is_given_up(void **state)
{
	static uint8_t line[TARGET_MAX + 100] = "FROBNICATE /";
	enum protocol protocol;

	(void)state;
	memset(line + 12, 'x', sizeof line - 12);
	assert_int_equal(protocol_of_client(line, 1000, false, &protocol), RECOGNITION_MORE);
	assert_int_equal(protocol_of_client(line, sizeof line, false, &protocol), RECOGNITION_DONE);
	assert_int_equal(protocol, PROTOCOL_UNKNOWN);
}

static void a_beginning_tells_what_it_could_become(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(clients); i++) {
		const uint8_t *bytes = (const uint8_t *)clients[i].bytes;
		enum protocol protocol;

		for (size_t length = 1; protocol_of_client(bytes, length, false, &protocol) ==
					RECOGNITION_MORE;
		     length++)
			assert_true(protocol_candidates(bytes, length) &
				    1u << clients[i].protocol);
	}
	assert_int_equal(protocol_candidates((const uint8_t *)"\x05\xc0", 2),
			 1u << PROTOCOL_SOCKS);
	assert_int_equal(protocol_candidates((const uint8_t *)"", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_recognised_however_they_arrive),
		cmocka_unit_test(servers_are_recognised_however_they_arrive),
		cmocka_unit_test(strangers_are_unknown_at_once),
		cmocka_unit_test(an_endless_line_is_given_up),
		cmocka_unit_test(a_beginning_tells_what_it_could_become),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
