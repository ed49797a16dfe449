// link: daemon/allowance.c daemon/spare.c daemon/http/h1_reader.c daemon/http/h1_printer.c daemon/http/guard.c daemon/http/message.c daemon/text.c daemon/name.c daemon/address.c llhttp
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/guard.h"
#include "daemon/http/h1_printer.h"
#include "daemon/http/h1_reader.h"

enum { STORY = 1 << 18 };

/* What a stream of bytes means, told in one line a message: printed head, body, trailers, or the
 * failure. */
struct telling {
	struct text story;
	const char *method; /* of responses; NULL: requests */
	struct h1_reader reader;
	struct head head;
	struct text body;
	bool over;
	char story_storage[STORY];
	char body_storage[STORY];
};

static void begin_message(struct telling *telling)
{
	head_begin(&telling->head, NULL);
	text_begin(&telling->body, telling->body_storage, sizeof(telling->body_storage));
	if (telling->method)
		h1_reader_begin_response(&telling->reader, &telling->head, telling->method);
	else
		h1_reader_begin_request(&telling->reader, &telling->head);
}

static struct telling *begin(const char *method)
{
	struct telling *telling = calloc(1, sizeof(*telling));

	assert_non_null(telling);
	telling->method = method;
	text_begin(&telling->story, telling->story_storage, sizeof(telling->story_storage));
	begin_message(telling);
	return telling;
}

static void end(struct telling *telling)
{
	h1_reader_end(&telling->reader);
	head_end(&telling->head);
	free(telling);
}

static enum reason guard(struct telling *telling)
{
	const char *detail;

	return telling->method ? guard_response(&telling->head, telling->method, &detail)
			       : guard_request(&telling->head, &detail);
}

static void tell_end(struct telling *telling)
{
	text_add(&telling->story, "body<");
	text_add_bytes(&telling->story, telling->body.bytes, telling->body.length);
	text_add(&telling->story, "> ");
	if (telling->reader.trailers)
		h1_print_last_chunk(&telling->story, telling->reader.trailers);
	text_add(&telling->story, "end\n");
}

static void give_up(struct telling *telling, const char *how)
{
	text_add(&telling->story, how);
	telling->over = true;
}

static void take_event(struct telling *telling, enum h1_event event, const struct span *body)
{
	switch (event) {
	case H1_HEAD:
		if (guard(telling) != REASON_NONE)
			give_up(telling, "guarded");
		else if (telling->method)
			h1_print_response(&telling->story, &telling->head);
		else
			h1_print_request(&telling->story, &telling->head);
		break;
	case H1_BODY:
		text_add_bytes(&telling->body, body->bytes, body->length);
		break;
	case H1_END:
		tell_end(telling);
		h1_reader_end(&telling->reader);
		head_end(&telling->head);
		begin_message(telling);
		break;
	case H1_FAILED:
		give_up(telling, telling->reader.failure == H1_MALFORMED ? "malformed" : "limit");
		break;
	case H1_MORE:
		break;
	}
}

static void take(struct telling *telling, const char *bytes, size_t length)
{
	struct span input = { (const uint8_t *)bytes, length }, body;
	enum h1_event event;

	do {
		if (telling->over)
			return;
		event = h1_read(&telling->reader, &input, &body);
		take_event(telling, event, &body);
		/* The next message begins with its own first byte. */
		if (event == H1_END && !input.length)
			return;
	} while (event != H1_MORE);
}

static char *tell(const char *method, const char *bytes, size_t length, size_t step)
{
	struct telling *telling = begin(method);
	char *story;

	for (size_t i = 0; i < length; i += step) {
		size_t part = length - i < step ? length - i : step;
		/* A copy of the very size, for sanitizers. */
		char *copy = malloc(part);

		assert_non_null(copy);
		memcpy(copy, bytes + i, part);
		take(telling, copy, part);
		free(copy);
	}
	if (method && !telling->over && telling->reader.part != H1_IN_HEAD &&
	    h1_read_eof(&telling->reader) == H1_END)
		text_addf(&telling->story, "body<%s> eof", telling->body.bytes);
	story = strdup(telling->story.bytes);
	end(telling);
	return story;
}

/* Every step size must tell the same. */
static void expect_bytes(const char *method, const char *bytes, size_t length, const char *story)
{
	static const size_t steps[] = { 1, 2, 3, 7, 64, STORY };

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		char *told = tell(method, bytes, length, steps[i]);

		if (strcmp(told, story) != 0)
			print_message("# step %zu of %.200s\n", steps[i], bytes);
		assert_string_equal(told, story);
		free(told);
	}
}

static void expect(const char *bytes, const char *story)
{
	expect_bytes(NULL, bytes, strlen(bytes), story);
}

static void expect_response(const char *method, const char *bytes, const char *story)
{
	expect_bytes(method, bytes, strlen(bytes), story);
}

#define HOST	     "Host: a.example\r\n"
#define PRINTED_HOST "Host: a.example\r\n"

/* The head of a test is printed as it is read here, its Host twice: once regenerated, once as a
 * field. */
#define HEAD(line) line " HTTP/1.1\r\n" PRINTED_HOST "Host: a.example\r\n"

static void requests_are_read(void **state)
{
	(void)state;
	expect("GET / HTTP/1.1\r\n" HOST "\r\n", HEAD("GET /") "\r\nbody<> end\n");
	expect("GET /x?y HTTP/1.1\r\n" HOST "A:  b \t\r\nC:\r\n\r\n",
	       HEAD("GET /x?y") "A: b\r\nC: \r\n\r\nbody<> end\n");
	expect("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello",
	       HEAD("POST /") "Content-Length: 5\r\nContent-Length: 5\r\n\r\nbody<hello> end\n");
	expect("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", HEAD("GET /") "\r\nbody<> end\n");
}

static void pipelined_requests_are_told_apart(void **state)
{
	(void)state;
	expect("POST /1 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nGETGET /2 HTTP/1.1\r\n" HOST
	       "\r\nGET /3 HTTP/1.1\r\n" HOST "\r\n",
	       HEAD("POST /1") "Content-Length: 3\r\nContent-Length: 3\r\n\r\nbody<GET> end\n" HEAD(
		       "GET /2") "\r\nbody<> end\n" HEAD("GET /3") "\r\nbody<> end\n");
}

static void requests_after_close_or_upgrade_are_still_messages(void **state)
{
	(void)state;
	expect("GET /1 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\nGET /2 HTTP/1.1\r\n" HOST
	       "\r\n",
	       HEAD("GET /1") "Connection: close\r\nConnection: close\r\n\r\nbody<> end\n" HEAD(
		       "GET /2") "\r\nbody<> end\n");
	expect("GET /1 HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: x\r\n\r\n"
	       "GET /2 HTTP/1.1\r\n" HOST "\r\n",
	       HEAD("GET /1") "Connection: upgrade\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
			      "body<> end\n" HEAD("GET /2") "\r\nbody<> end\n");
}

#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_HEAD                                                                               \
	HEAD("POST /") "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"

static void chunks_are_joined_and_trailers_kept(void **state)
{
	(void)state;
	expect(CHUNKED "5\r\nhello\r\n0\r\n\r\n", CHUNKED_HEAD "body<hello> end\n");
	expect(CHUNKED
	       "1;a=b\r\nh\r\n0004;x=\"y;z\"\r\nello\r\n0;q\r\nDigest: d\r\nHost: evil\r\n\r\n",
	       CHUNKED_HEAD "body<hello> 0\r\nDigest: d\r\n\r\nend\n");
	expect(CHUNKED "a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n",
	       CHUNKED_HEAD "body<01234567890123456789> end\n");
}

static void broken_chunks_fail(void **state)
{
	static const char *const wrong[] = {
		"0x0\r\n\r\n",
		"5\nhello\r\n0\r\n\r\n",
		"-5\r\nhello",
		"+5\r\nhello",
		" 5\r\nhello",
		"5 \r\nhello\r\n0\r\n\r\n",
		"5\r\r\nhello",
		"5\rhello",
		"\r\n",
		"g\r\n",
		"10000000000000000\r\n",
		"5\r\nhello0\r\n\r\n",
		"5\r\nhello\n0\r\n\r\n",
		"5\r\nhello\r\r\n",
		"5;\rx\r\nhello",
		"5;a\nb\r\nhello",
		"0\r\n\n",
		"0\r\nA: b\r\n\n",
		"0\r\nA: b\n\r\n",
		"0\r\nA : b\r\n\r\n",
		"0\r\n A: b\r\n\r\n",
		"0\r\nA: b\r\n c\r\n\r\n",
		"0\r\nA: b\rc\r\n\r\n",
		"0\r\nA\r\n\r\n",
		"0\r\n: b\r\n\r\n",
		"0\r\nA: \x01\r\n\r\n",
		"ffffffffffffffffff\r\n",
		"5;a=b c\r\nhello",
		"0\r\rX",
		"0\n\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char bytes[512];

		snprintf(bytes, sizeof(bytes), CHUNKED "%s", wrong[i]);
		expect(bytes, CHUNKED_HEAD "malformed");
	}
}

static void endless_chunk_extensions_fail(void **state)
{
	char *bytes = malloc(STORY);
	size_t length = strlen(CHUNKED);

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, CHUNKED, length);
	memset(bytes + length, '0', STORY - length);
	expect_bytes(NULL, bytes, STORY / 4, CHUNKED_HEAD "malformed");
	memcpy(bytes + length, "1;", 2);
	memset(bytes + length + 2, 'x', STORY - length - 2);
	expect_bytes(NULL, bytes, STORY / 4, CHUNKED_HEAD "malformed");
	free(bytes);
}

static void broken_heads_fail(void **state)
{
	static const char *const wrong[] = {
		"GET / HTTP/1.1\n" HOST "\r\n",
		"GET / HTTP/1.1\r\nHost: a.example\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "\n",
		"GET / HTTP/1.1\r" HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\r\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A:\r\n b\r\n\r\n",
		"GET / HTTP/1.1\r\n " HOST "\r\n",
		"GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A\t: b\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A b: c\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A\x80: c\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "A: b\x7f\r\n\r\n",
		" GET / HTTP/1.1\r\n" HOST "\r\n",
		"\nGET / HTTP/1.1\r\n" HOST "\r\n",
		"\r\rGET / HTTP/1.1\r\n" HOST "\r\n",
		"GET  / HTTP/1.1\r\n" HOST "\r\n",
		"GET /  HTTP/1.1\r\n" HOST "\r\n",
		"GET\t/ HTTP/1.1\r\n" HOST "\r\n",
		"GET / HTTP/1.1 \r\n" HOST "\r\n",
		"GET /\r\n" HOST "\r\n",
		"GET / HTTP/0.9\r\n" HOST "\r\n",
		"GET / HTTP/2.0\r\n" HOST "\r\n",
		"GET / HTTP/1.2\r\n" HOST "\r\n",
		"GET / HTTP/11\r\n" HOST "\r\n",
		"GET / HTTP/1.10\r\n" HOST "\r\n",
		"GET / http/1.1\r\n" HOST "\r\n",
		"GET / RTSP/1.0\r\n" HOST "\r\n",
		"GET / ICE/1.0\r\n" HOST "\r\n",
		"GET a b HTTP/1.1\r\n" HOST "\r\n",
		"get / HTTP/1.1\r\n" HOST "\r\n",
		"NONSENSE / HTTP/1.1\r\n" HOST "\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST
		"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n",
		"POST / HTTP/1.1\r\n" HOST
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
		"\x16\x03\x01\x02",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(wrong[i], "malformed");
}

static void what_only_the_guard_sees_is_guarded(void **state)
{
	static const char *const wrong[] = {
		"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: ,chunked\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST "Host: b.example\r\n\r\n",
		"GET http://b.example/ HTTP/1.1\r\n" HOST "\r\n",
		"POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(wrong[i], "guarded");
}

static void a_nul_fails(void **state)
{
	static const char inside[] = "GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n";
	static const char before[] = "\0GET / HTTP/1.1\r\n" HOST "\r\n";

	(void)state;
	expect_bytes(NULL, inside, sizeof(inside) - 1, "malformed");
	expect_bytes(NULL, before, sizeof(before) - 1, "malformed");
}

static void limits_hold(void **state)
{
	char *bytes = malloc(STORY);
	size_t length;

	(void)state;
	assert_non_null(bytes);
	length = (size_t)sprintf(bytes, "GET /");
	memset(bytes + length, 'a', TARGET_MAX);
	expect_bytes(NULL, bytes, length + TARGET_MAX, "limit");
	length = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\nA: ");
	memset(bytes + length, 'a', HEAD_MAX);
	expect_bytes(NULL, bytes, length + HEAD_MAX, "limit");
	length = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i <= FIELDS_MAX; i++)
		length += (size_t)sprintf(bytes + length, "A: b\r\n");
	expect_bytes(NULL, bytes, length, "limit");
	for (length = 0; length < HEAD_MAX + 2; length += 2)
		memcpy(bytes + length, "\r\n", 2);
	expect_bytes(NULL, bytes, length, "limit");
	length = (size_t)sprintf(bytes, CHUNKED "0\r\n");
	for (int i = 0; i <= FIELDS_MAX + 1; i++)
		length += (size_t)sprintf(bytes + length, "A: b\r\n");
	expect_bytes(NULL, bytes, length, CHUNKED_HEAD "limit");
	free(bytes);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void responses_are_read(void **state)
{
	(void)state;
	expect_response("GET", OK "Content-Length: 2\r\n\r\nhi",
			OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nbody<hi> end\n");
	expect_response("GET", OK "A: b\r\n\r\nuntil the end",
			OK "A: b\r\nConnection: close\r\n\r\nbody<until the end> eof");
	expect_response("GET", "HTTP/1.0 200 OK\r\n\r\nx",
			OK "Connection: close\r\n\r\nbody<x> eof");
	expect_response(
		"GET", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 404 \r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\nbody<> end\n");
	expect_response("GET", OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n",
			OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "body<hi> 0\r\nA: b\r\n\r\nend\n");
}

static void responses_without_a_body_end_with_their_head(void **state)
{
	(void)state;
	expect_response("HEAD",
			OK "Content-Length: 9\r\n\r\n" OK "Transfer-Encoding: chunked\r\n\r\n",
			OK "Content-Length: 9\r\n\r\nbody<> end\n" OK
			   "Transfer-Encoding: chunked\r\n\r\nbody<> end\n");
	expect_response("GET",
			"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 100 Continue\r\n\r\nbody<> end\n"
			"HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\nbody<> end\n");
	expect_response("GET", "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
			"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\nConnection: "
			"Upgrade\r\n\r\nbody<> end\n");
	expect_response("GET", "HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n",
			"HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\nbody<> end\n");
}

static void broken_responses_fail(void **state)
{
	static const char *const wrong[] = {
		"HTTP/1.1 200 OK\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\n\r\n",
		"HTTP/1.1 200 O\rK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 0200 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 200\tOK\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1\r\n\r\n",
		"ICY 200 OK\r\n\r\n",
		"\r\nHTTP/1.1 200 OK\r\n\r\n",
		" HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"hello",
	};
	static const char *const guarded[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 200 \x01\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect_response("GET", wrong[i], "malformed");
	for (size_t i = 0; i < sizeof(guarded) / sizeof(*guarded); i++)
		expect_response("GET", guarded[i], "guarded");
}

/* llhttp takes a tab behind "chunked" for another coding; the two must not disagree. */
static void a_body_that_two_would_frame_differently_fails(void **state)
{
	(void)state;
	expect_response("GET", OK "Transfer-Encoding: chunked\t\r\n\r\n",
			OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "malformed");
}

static void a_chunk_is_printed_with_the_shortest_size(void **state)
{
	static char storage[70000];
	struct text text;
	size_t mark;

	(void)state;
	text_begin(&text, storage, sizeof(storage));
	mark = h1_chunk_begin(&text);
	h1_chunk_end(&text, mark);
	assert_string_equal(text.bytes, "");
	mark = h1_chunk_begin(&text);
	text_add(&text, "hello world!");
	h1_chunk_end(&text, mark);
	mark = h1_chunk_begin(&text);
	text_add(&text, "0123456789abcdef0");
	h1_chunk_end(&text, mark);
	h1_print_last_chunk(&text, NULL);
	assert_string_equal(text.bytes,
			    "c\r\nhello world!\r\n11\r\n0123456789abcdef0\r\n0\r\n\r\n");
	text_begin(&text, storage, sizeof(storage));
	mark = h1_chunk_begin(&text);
	for (int i = 0; i < 0xffff; i++)
		text_add_char(&text, 'x');
	h1_chunk_end(&text, mark);
	assert_memory_equal(text.bytes, "ffff\r\nx", 7);
	assert_int_equal(text.length, 6 + 0xffff + 2);
}

static void connection_says_what_the_peer_must_know(void **state)
{
	static const struct {
		enum http_version version;
		bool keep_alive;
		const char *upgrade;
		const char *printed;
	} cases[] = {
		{ HTTP_1_1, true, NULL, "HTTP/1.1 200 \r\n\r\n" },
		{ HTTP_1_1, false, NULL, "HTTP/1.1 200 \r\nConnection: close\r\n\r\n" },
		{ HTTP_1_0, true, NULL, "HTTP/1.1 200 \r\nConnection: keep-alive\r\n\r\n" },
		{ HTTP_1_0, false, NULL, "HTTP/1.1 200 \r\nConnection: close\r\n\r\n" },
		{ HTTP_1_1, false, "x",
		  "HTTP/1.1 200 \r\nUpgrade: x\r\nConnection: close, Upgrade\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char storage[256];
		struct text text;
		struct head head;

		head_begin(&head, NULL);
		head.status = 200;
		head.version = cases[i].version;
		head.keep_alive = cases[i].keep_alive;
		if (cases[i].upgrade)
			assert_int_equal(head_add_field(&head, "Upgrade", 7, cases[i].upgrade, 1),
					 0);
		text_begin(&text, storage, sizeof(storage));
		h1_print_response(&text, &head);
		assert_string_equal(text.bytes, cases[i].printed);
		head_end(&head);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(pipelined_requests_are_told_apart),
		cmocka_unit_test(requests_after_close_or_upgrade_are_still_messages),
		cmocka_unit_test(chunks_are_joined_and_trailers_kept),
		cmocka_unit_test(broken_chunks_fail),
		cmocka_unit_test(endless_chunk_extensions_fail),
		cmocka_unit_test(broken_heads_fail),
		cmocka_unit_test(what_only_the_guard_sees_is_guarded),
		cmocka_unit_test(a_nul_fails),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(responses_are_read),
		cmocka_unit_test(responses_without_a_body_end_with_their_head),
		cmocka_unit_test(broken_responses_fail),
		cmocka_unit_test(a_body_that_two_would_frame_differently_fails),
		cmocka_unit_test(a_chunk_is_printed_with_the_shortest_size),
		cmocka_unit_test(connection_says_what_the_peer_must_know),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
