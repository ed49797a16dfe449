// link: tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Requests that two readers of one message would understand differently. A recording server must
 * see nothing, or exactly the one canonical message; whatever is refused also ends the connection,
 * so that nothing behind it can be taken for a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dialogue.h"

#define POST	    "POST / HTTP/1.1\r\n" HOST
#define GETTING	    "GET / HTTP/1.1\r\n" HOST
#define EVIL	    "GET /evil HTTP/1.1\r\n" HOST "\r\n"
#define CHUNKED	    POST "Transfer-Encoding: chunked\r\n\r\n"
#define BYTES(text) text, sizeof(text) - 1

struct vector {
	const char *bytes;
	size_t length;
};

/* Nothing of these may be seen by a server. */
static const struct vector refused[] = {
	/* both lengths */
	{ BYTES(POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" EVIL) },
	{ BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" EVIL) },
	{ BYTES(POST "Content-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n" EVIL) },
	{ BYTES(POST "content-length: 5\r\ntransfer-encoding: CHUNKED\r\n\r\n0\r\n\r\n") },
	/* Content-Length */
	{ BYTES(POST "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" EVIL) },
	{ BYTES(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 5, 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 5,0\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: +5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: -5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 0x5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 5.0\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 1e0\r\n\r\nh") },
	{ BYTES(POST "Content-Length: 1_0\r\n\r\n0123456789") },
	{ BYTES(POST "Content-Length: 5 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 5;\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: \"5\"\r\n\r\nhello") },
	{ BYTES(POST "Content-Length:\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: \r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 5\v\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: \x0c"
		     "5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: \xb2\r\n\r\nhe") },
	{ BYTES(POST "Content-Length: 5\0\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 18446744073709551621\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 9223372036854775813\r\n\r\nhello") },
	{ BYTES(POST "Content-Length: 100000000000000000000000000000005\r\n\r\nhello") },
	{ BYTES(POST "Content-Length : 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length\t: 5\r\n\r\nhello") },
	{ BYTES(POST " Content-Length: 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length:\r\n 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length\r\n: 5\r\n\r\nhello") },
	{ BYTES(POST "Content-Length\0: 5\r\n\r\nhello") },
	/* Transfer-Encoding */
	{ BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST
		"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: identity\r\n\r\n" EVIL) },
	{ BYTES(POST "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked;q=0\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: 'chunked'\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunk\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chu nked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked\v\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: \x0c"
		     "chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked\0\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: \xef\xbd\x83hunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding: chu\r\n nked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES(POST "X: y\r\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	{ BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: identity\r\n\r\n") },
	/* chunks */
	{ BYTES(CHUNKED "0x0\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "+0\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "-1\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED " 0\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0 \r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\t\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\n\n" EVIL) },
	{ BYTES(CHUNKED "0\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\n\n" EVIL) },
	{ BYTES(CHUNKED "0\r\r" EVIL) },
	{ BYTES(CHUNKED "0\r\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "\r\n0\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "5\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5\r\nhello\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5\r\nhello0\r\n\r\n") },
	{ BYTES(CHUNKED "5\r\nhelloXX0\r\n\r\n") },
	{ BYTES(CHUNKED "5\r\nhello\r\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5;a\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5;\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5;a\0b\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5;a\r0\r\n\r\n") },
	{ BYTES(CHUNKED "5\0\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "g\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "5,5\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "10000000000000000\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "ffffffffffffffff0\r\nhello\r\n0\r\n\r\n") },
	{ BYTES(CHUNKED "100000000000000005\r\nhello\r\n0\r\n\r\n") },
	/* trailers */
	{ BYTES(CHUNKED "0\r\nA: b\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nA: b\r\n\n" EVIL) },
	{ BYTES(CHUNKED "0\r\n A: b\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nA: b\r\n c\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nA : b\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nA: b\rc\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nA: \0\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\n: b\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" EVIL) },
	{ BYTES(CHUNKED "0\r\nTransfer-Encoding: x\r\n\n" EVIL) },
	/* Host and target */
	{ BYTES("GET / HTTP/1.1\r\n\r\n") },
	{ BYTES(GETTING "Host: b.example\r\n\r\n") },
	{ BYTES(GETTING "Host: a.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost:\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost : a.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example b.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example@b.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example/b.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example\0.b.example\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example:80:443\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example:8o\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example#\r\n\r\n") },
	{ BYTES("GET / HTTP/1.1\r\nHost: a.example\\b\r\n\r\n") },
	{ BYTES("GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET http://a.example:81/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET http://u:p@a.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET http://a.example@b.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET http:///x HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET http:/a.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET gopher://a.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET a.example/ HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET * HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /#fragment HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /\x7f HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /\0 HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("CONNECT a.example:443 HTTP/1.1\r\n" HOST "\r\n" EVIL) },
	{ BYTES("CONNECT / HTTP/1.1\r\n" HOST "\r\n" EVIL) },
	/* first line */
	{ BYTES("GET  / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET /  HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET\t/\tHTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/1.1 \r\n" HOST "\r\n") },
	{ BYTES(" GET / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET / x HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/1.1\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/1.1\r" HOST "\r\n") },
	{ BYTES("GET / HTTP/1.1\r\r\n" HOST "\r\n") },
	{ BYTES("GET /\r\n\r\n") },
	{ BYTES("GET / HTTP/0.9\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/1.2\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/1.01\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/1\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/2.0\r\n" HOST "\r\n") },
	{ BYTES("GET / HTTP/3.0\r\n" HOST "\r\n") },
	{ BYTES("GET / http/1.1\r\n" HOST "\r\n") },
	{ BYTES("GET / RTSP/1.0\r\n" HOST "\r\n") },
	{ BYTES("SOURCE / ICE/1.0\r\n" HOST "\r\n") },
	{ BYTES("get / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("GE\0T / HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
	{ BYTES("PRI * HTTP/1.1\r\n" HOST "\r\n") },
	{ BYTES("\n" GETTING "\r\n") },
	{ BYTES("\r" GETTING "\r\n") },
	{ BYTES("\0" GETTING "\r\n") },
	{ BYTES("\xef\xbb\xbf" GETTING "\r\n") },
	{ BYTES("HTTP/1.1 200 OK\r\n\r\n") },
	{ BYTES("\x16\x03\x01\x00\x05hello") },
	/* fields */
	{ BYTES(GETTING "\n") },
	{ BYTES(GETTING "A: b\n\r\n") },
	{ BYTES(GETTING "A: b\r\n\n" EVIL) },
	{ BYTES(GETTING "A: b\rEvil: c\r\n\r\n") },
	{ BYTES(GETTING "A: b\0c\r\n\r\n") },
	{ BYTES(GETTING "A: b\x01\r\n\r\n") },
	{ BYTES(GETTING "A: b\x7f\r\n\r\n") },
	{ BYTES(GETTING "A: b\r\n c\r\n\r\n") },
	{ BYTES(GETTING "A: b\r\n\tc\r\n\r\n") },
	{ BYTES(GETTING "A: b\r\n \r\n" EVIL) },
	{ BYTES("GET / HTTP/1.1\r\n " HOST "\r\n") },
	{ BYTES("GET / HTTP/1.1\r\n\t" HOST "\r\n") },
	{ BYTES(GETTING "A : b\r\n\r\n") },
	{ BYTES(GETTING "A b: c\r\n\r\n") },
	{ BYTES(GETTING "A\r\n\r\n") },
	{ BYTES(GETTING ": b\r\n\r\n") },
	{ BYTES(GETTING "A(b): c\r\n\r\n") },
	{ BYTES(GETTING "A\xe4: c\r\n\r\n") },
	{ BYTES(GETTING "A\0: c\r\n\r\n") },
	{ BYTES(GETTING "A\rB: c\r\n\r\n") },
	{ BYTES(GETTING "\"A\": c\r\n\r\n") },
	{ BYTES(GETTING "A: b\r\n\rX: y\r\n\r\n") },
};

static const struct {
	struct vector vector;
	const char *canonical;
} canonical[] = {
	{ { BYTES(POST "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n") },
	  CHUNKED "1\r\na\r\n0\r\n\r\n" },
	{ { BYTES(POST "transfer-encoding:chunked \r\n\r\n0001;x=y\r\na\r\n00\r\n\r\n") },
	  CHUNKED "1\r\na\r\n0\r\n\r\n" },
	{ { BYTES(CHUNKED "1\r\na\r\n0\r\nContent-Length: 99\r\nHost: evil\r\nX: y\r\n\r\n") },
	  CHUNKED "1\r\na\r\n0\r\nX: y\r\n\r\n" },
	{ { BYTES(POST "Content-Length:    00005  \r\n\r\nhello") },
	  POST "Content-Length: 5\r\n\r\nhello" },
	{ { BYTES("\r\n\r\n" GETTING "\r\n") }, GETTING "\r\n" },
	{ { BYTES("GET http://a.example/x?y HTTP/1.1\r\n" HOST "\r\n") },
	  "GET /x?y HTTP/1.1\r\n" HOST "\r\n" },
	{ { BYTES("GET HTTP://A.EXAMPLE:80 HTTP/1.1\r\n" HOST "\r\n") }, GETTING "\r\n" },
	{ { BYTES("GET / HTTP/1.1\r\nhOsT:\t a.example \t\r\n\r\n") }, GETTING "\r\n" },
	{ { BYTES("GET http://a.example/x HTTP/1.0\r\n\r\n") }, "GET /x HTTP/1.0\r\n" HOST "\r\n" },
	{ { BYTES(GETTING "Connection: Host, close\r\n\r\n") }, GETTING "Connection: close\r\n\r\n" },
	{ { BYTES(POST "Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello") },
	  POST "Content-Length: 5\r\n\r\nhello" },
	{ { BYTES(POST
		  "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
	  CHUNKED "0\r\n\r\n" },
	{ { BYTES(GETTING "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: "
		      "AA\r\n\r\n") },
	  GETTING "\r\n" },
	{ { BYTES(GETTING "Upgrade: H2C, HTTP/2.0, TLS/1.0\r\nConnection: Upgrade\r\n\r\n") },
	  GETTING "\r\n" },
	{ { BYTES(GETTING "Upgrade: websocket\r\n\r\n") }, GETTING "\r\n" },
	{ { BYTES(POST "Upgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 1\r\n\r\na") },
	  POST "Content-Length: 1\r\n\r\na" },
	{ { BYTES(GETTING "Expect: 100-continue\r\n\r\n") }, GETTING "\r\n" },
	{ { BYTES(GETTING "Content-Length: 3\r\n\r\nGET") }, GETTING "Content-Length: 3\r\n\r\nGET" },
	{ { BYTES("OPTIONS * HTTP/1.1\r\n" HOST "\r\n") }, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" },
	{ { BYTES(GETTING "A:\r\nB: \t \r\n\r\n") }, GETTING "A: \r\nB: \r\n\r\n" },
	{ { BYTES(GETTING "Content_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n") },
	  GETTING "Content_Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n" },
};

/* Said at once, and byte by byte: a split must not change the judgement. */
static struct dialogue *say(const struct vector *vector, size_t step)
{
	struct dialogue *dialogue = dialogue_new();

	for (size_t i = 0; i < vector->length; i += step)
		client_says_bytes(dialogue, vector->bytes + i,
				  vector->length - i < step ? vector->length - i : step);
	return dialogue;
}

static bool server_saw_a_message(struct dialogue *dialogue)
{
	struct dialogue_server *server = &dialogue->servers[0];

	if (!dialogue->server_count || !server->length)
		return false;
	server->received[server->length] = '\0';
	/* A head of a chunked request whose chunks break later has been seen, its end never. */
	return !strstr(server->received, "chunked\r\n\r\n") ||
	       strstr(server->received, "\r\n0\r\n") || strstr(server->received, "/evil");
}

static void refused_requests_reach_nobody(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct dialogue *dialogue = say(&refused[i], refused[i].length);
		bool seen = dialogue->server_count && dialogue->servers[0].length;

		if (seen || strncmp(dialogue->heard, "HTTP/1.1 4", 10) != 0)
			print_message("# vector %zu: %s\n", i, refused[i].bytes);
		assert_false(seen);
		assert_memory_equal(dialogue->heard, "HTTP/1.1 4", 10);
		assert_true(dialogue->heard_end);
		client_says(dialogue, EVIL);
		assert_false(dialogue->server_count && dialogue->servers[0].length);
		dialogue_free(dialogue);
	}
}

static void refused_requests_in_pieces_reach_nobody(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct dialogue *dialogue = say(&refused[i], 1);

		if (server_saw_a_message(dialogue) || !dialogue->heard_end)
			print_message("# vector %zu: %s\n", i, refused[i].bytes);
		assert_false(server_saw_a_message(dialogue));
		assert_true(dialogue->heard_end);
		dialogue_free(dialogue);
	}
}

static void odd_but_legal_requests_become_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(canonical) / sizeof(*canonical); i++) {
		struct dialogue *dialogue = say(&canonical[i].vector, canonical[i].vector.length);

		if (!dialogue->server_count)
			print_message("# vector %zu: %s\n", i, canonical[i].vector.bytes);
		server_hears(dialogue, 0, canonical[i].canonical);
		assert_int_equal(dialogue->finished, REASON_NONE);
		dialogue_free(dialogue);
	}
}

static void there_are_enough_of_them(void **state)
{
	(void)state;
	assert_true(sizeof(refused) / sizeof(*refused) + sizeof(canonical) / sizeof(*canonical) >=
		    180);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_requests_reach_nobody),
		cmocka_unit_test(refused_requests_in_pieces_reach_nobody),
		cmocka_unit_test(odd_but_legal_requests_become_canonical),
		cmocka_unit_test(there_are_enough_of_them),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
