// link: daemon/packet/segments.c daemon/greeting.c daemon/packet/dns.c daemon/packet/dns_name.c daemon/recognition.c daemon/fit.c daemon/http/beginning.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c -lssl -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/greeting.h"
#include "daemon/packet/segments.h"

enum { ORDERS = 1000, PIECES_MAX = 64, STREAM_MAX = 65536 };

struct piece {
	size_t offset;
	size_t length;
};

static uint8_t stream[STREAM_MAX];
static struct greeting_room room;

static enum segments_answer add(struct segments *segments, size_t offset, const char *text)
{
	return segments_add(segments, offset, (const uint8_t *)text, strlen(text));
}

static void assert_ready(const struct segments *segments, const char *text)
{
	assert_int_equal(segments_ready(segments), strlen(text));
	assert_memory_equal(segments->bytes, text, strlen(text));
}

static void test_any_order(void **state)
{
	struct segments segments;

	(void)state;
	segments_begin(&segments);
	assert_int_equal(segments_ready(&segments), 0);
	assert_int_equal(add(&segments, 6, "world"), SEGMENTS_TAKEN);
	assert_int_equal(segments_ready(&segments), 0);
	assert_int_equal(add(&segments, 0, "hello"), SEGMENTS_TAKEN);
	assert_ready(&segments, "hello");
	assert_int_equal(add(&segments, 2, "llo wor"), SEGMENTS_TAKEN);
	assert_ready(&segments, "hello world");
	assert_int_equal(segments.run_count, 1);
	segments_end(&segments);
}

static void test_conflict(void **state)
{
	struct segments segments;

	(void)state;
	segments_begin(&segments);
	assert_int_equal(add(&segments, 0, "good.example"), SEGMENTS_TAKEN);
	assert_int_equal(add(&segments, 0, "evil"), SEGMENTS_CONFLICT);
	assert_int_equal(add(&segments, 10, "lE."), SEGMENTS_CONFLICT);
	assert_int_equal(add(&segments, 20, "later"), SEGMENTS_TAKEN);
	assert_int_equal(add(&segments, 12, ".and.moreXater"), SEGMENTS_CONFLICT);
	assert_ready(&segments, "good.example");
	segments_end(&segments);
}

static void test_bounds(void **state)
{
	struct segments segments;

	(void)state;
	segments_begin(&segments);
	for (size_t i = 0; i < SEGMENT_RUNS_MAX; i++)
		assert_int_equal(add(&segments, 10 + 2 * i, "x"), SEGMENTS_TAKEN);
	assert_int_equal(add(&segments, 1000, "x"), SEGMENTS_TOO_MUCH);
	assert_int_equal(add(&segments, 11, "y"), SEGMENTS_TAKEN);
	assert_int_equal(add(&segments, 1000, "x"), SEGMENTS_TAKEN);
	segments_end(&segments);
	assert_int_equal(add(&segments, SEGMENT_BYTES_MAX, "x"), SEGMENTS_TOO_MUCH);
	assert_int_equal(add(&segments, SIZE_MAX, "x"), SEGMENTS_TOO_MUCH);
	assert_int_equal(add(&segments, SEGMENT_BYTES_MAX - 1, "x"), SEGMENTS_TAKEN);
	assert_true(segments.size <= SEGMENT_BYTES_MAX);
	segments_end(&segments);
}

/* A hello as OpenSSL says it. */
static size_t make_hello(const char *name, uint8_t *out)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	BIO *in = BIO_new(BIO_s_mem()), *said = BIO_new(BIO_s_mem());
	int length;

	SSL_set_bio(ssl, in, said);
	SSL_set_tlsext_host_name(ssl, name);
	SSL_connect(ssl);
	length = BIO_read(said, out, STREAM_MAX);
	SSL_free(ssl);
	SSL_CTX_free(context);
	assert_true(length > 0);
	return (size_t)length;
}

/* Cuts the stream into pieces that overlap now and then, some of them twice, in any order. */
static size_t cut(size_t length, struct piece *pieces)
{
	size_t count = 0, next = 0;

	while (next < length) {
		size_t back = next && rand() % 3 == 0 ? 1 + (size_t)rand() % next : 0;
		size_t most = length - next + back;
		size_t want = back + 1 + (size_t)rand() % (rand() % 2 ? 60 : 1500);

		if (count == PIECES_MAX / 2 - 1)
			want = most;
		pieces[count].offset = next - back;
		pieces[count].length = want < most ? want : most;
		next = pieces[count].offset + pieces[count].length;
		count++;
	}
	for (size_t again = (size_t)rand() % 4; again; again--) {
		pieces[count] = pieces[(size_t)rand() % count];
		count++;
	}
	for (size_t i = count - 1; i > 0; i--) {
		size_t other = (size_t)rand() % (i + 1);
		struct piece kept = pieces[i];

		pieces[i] = pieces[other];
		pieces[other] = kept;
	}
	return count;
}

/* The proxying door reads the stream's first bytes as the kernel has put them together. */
static void check_against_whole(size_t length)
{
	struct greeting whole, greeting;
	struct piece pieces[PIECES_MAX];
	struct segments segments;
	enum greeting_answer wanted = greeting_read(stream, length, &room, &whole);
	enum greeting_answer answer = GREETING_MORE;
	const char *host = greeting_host(&whole);
	char name[NAME_SIZE] = "";
	size_t count = cut(length, pieces);

	assert_int_equal(wanted, GREETING_READ);
	if (host)
		strcpy(name, host);
	segments_begin(&segments);
	for (size_t i = 0; i < count && answer == GREETING_MORE; i++) {
		assert_int_equal(segments_add(&segments, pieces[i].offset,
					      stream + pieces[i].offset, pieces[i].length),
				 SEGMENTS_TAKEN);
		answer = segments_ready(&segments) ? greeting_read(segments.bytes,
								   segments_ready(&segments),
								   &room, &greeting)
						   : GREETING_MORE;
	}
	assert_int_equal(answer, wanted);
	assert_int_equal(greeting.protocol, whole.protocol);
	host = greeting_host(&greeting);
	assert_string_equal(host ? host : "", name);
	segments_end(&segments);
}

static void test_random_orders_say_what_the_whole_stream_says(void **state)
{
	(void)state;
	srand(1);
	for (unsigned i = 0; i < ORDERS; i++) {
		size_t length;

		if (i % 3)
			length = make_hello(i % 2 ? "good.example" : "a.much-longer.name.example",
					    stream);
		else
			length = (size_t)snprintf((char *)stream, STREAM_MAX,
						  "GET /%0*u HTTP/1.1\r\nAccept: */*\r\n"
						  "Host: Web.Example\r\n\r\n",
						  1 + rand() % 3000, i);
		check_against_whole(length);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_conflict),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random_orders_say_what_the_whole_stream_says),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
