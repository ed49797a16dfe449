// link: daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c tests/unit/hellos.c -lssl -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/limits.h"
#include "daemon/tls/hello.h"
#include "tests/unit/hellos.h"

enum { SPLITTINGS = 1000 };

static struct bytes stream;
static struct bytes body;
static uint8_t message[HELLO_MAX];

static enum hello_answer unwrap(const struct bytes *from, size_t *length)
{
	return hello_unwrap(from->at, from->length, message, sizeof message, length);
}

/* Unwraps and reads a stream that must be a good hello. */
static struct hello read_stream(const struct bytes *from)
{
	struct hello hello;
	size_t length;

	assert_int_equal(unwrap(from, &length), HELLO_COMPLETE);
	assert_int_equal(hello_parse(message, length, &hello), HELLO_COMPLETE);
	return hello;
}

static struct hello read_extensions(const struct bytes *extensions)
{
	struct hello hello;

	bytes_put_hello(&body, extensions);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
	return hello;
}

/* Lets OpenSSL's client speak first and takes down what it says. */
static void capture(const char *name, const char *alpn, int version, struct bytes *out)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);

	assert_non_null(ssl);
	if (name)
		SSL_set_tlsext_host_name(ssl, name);
	if (alpn)
		SSL_set_alpn_protos(ssl, (const uint8_t *)alpn, (unsigned)strlen(alpn));
	SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
	SSL_set_max_proto_version(ssl, version);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	assert_int_equal(SSL_connect(ssl), -1);
	out->length = (size_t)BIO_read(SSL_get_wbio(ssl), out->at, BYTES_MAX);
	SSL_free(ssl);
	SSL_CTX_free(context);
}

/* E05 */
static void a_real_hello_is_read(void **state)
{
	struct hello hello;
	size_t position = 0;
	struct span first;

	(void)state;
	capture("www.example.com", "\x02h2\x08http/1.1", TLS1_3_VERSION, &stream);
	hello = read_stream(&stream);
	assert_int_equal(hello.name_kind, HELLO_NAME_GIVEN);
	assert_string_equal(hello.name, "www.example.com");
	assert_int_equal(hello.version, 0x0304);
	assert_int_equal(hello.legacy_version, 0x0303);
	assert_true(hello_offers(&hello, "h2"));
	assert_true(hello_offers(&hello, "http/1.1"));
	assert_false(hello_offers(&hello, "http/1"));
	assert_false(hello_offers(&hello, "h3"));
	first = hello_alpn_next(&hello, &position);
	assert_memory_equal(first.bytes, "h2", first.length);
	assert_true(hello_has_group(&hello, 29));
	assert_false(hello_has_group(&hello, 0x11ec));
	assert_true(hello.signatures.length > 0);
	assert_false(hello.ech);
	assert_false(hello.early_data);
}

static void a_real_hello_may_leave_things_out(void **state)
{
	struct hello hello;
	size_t position = 0;

	(void)state;
	capture(NULL, NULL, TLS1_2_VERSION, &stream);
	hello = read_stream(&stream);
	assert_int_equal(hello.name_kind, HELLO_NAME_ABSENT);
	assert_string_equal(hello.name, "");
	assert_int_equal(hello.version, 0x0303);
	assert_int_equal(hello.versions.length, 0);
	assert_int_equal(hello_alpn_next(&hello, &position).length, 0);
	assert_false(hello_offers(&hello, "h2"));
	assert_false(hello_offers(&hello, ""));
}

static void every_beginning_asks_for_more(void **state)
{
	size_t length;

	(void)state;
	capture("www.example.com", "\x02h2", TLS1_3_VERSION, &stream);
	for (size_t i = 0; i < stream.length; i++) {
		assert_int_equal(hello_unwrap(stream.at, i, message, sizeof message, &length),
				 HELLO_MORE);
		assert_int_equal(length, 0);
	}
	assert_int_equal(unwrap(&stream, &length), HELLO_COMPLETE);
}

/* E02 */
static void the_record_split_does_not_matter(void **state)
{
	static uint8_t original[HELLO_MAX];
	size_t original_length;
	size_t length;

	(void)state;
	srand(1);
	capture("split.example.com", "\x02h2", TLS1_3_VERSION, &stream);
	assert_int_equal(unwrap(&stream, &original_length), HELLO_COMPLETE);
	memcpy(original, message, original_length);
	for (size_t i = 0; i < SPLITTINGS; i++) {
		bytes_put_records(&stream, original, original_length, i == 0 ? 1 : 0);
		memset(message, 0, sizeof message);
		assert_int_equal(unwrap(&stream, &length), HELLO_COMPLETE);
		assert_int_equal(length, original_length);
		assert_memory_equal(message, original, length);
		assert_string_equal(read_stream(&stream).name, "split.example.com");
	}
}

/* Fills the extension block up so that the message, header included, has this many bytes. */
static void put_padded(size_t total)
{
	static struct bytes extensions;
	static const uint8_t zeros[65536];
	size_t room;

	extensions.length = 0;
	bytes_put_server_name(&extensions, "big.example", 11);
	bytes_put_hello(&body, &extensions);
	room = total - 4 - body.length - 4;
	bytes_put_extension(&extensions, 21, zeros, room);
	bytes_put_hello(&body, &extensions);
	assert_int_equal(body.length + 4, total);
}

static void a_hello_of_64_kilobytes_is_read(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 1400, 16384, 0, 0, 0 };

	(void)state;
	srand(2);
	put_padded(65536);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		bytes_put_records(&stream, body.at, body.length, sizes[i]);
		assert_string_equal(read_stream(&stream).name, "big.example");
	}
}

static void too_long_a_hello_is_told_at_once(void **state)
{
	size_t length;

	(void)state;
	put_padded(8192);
	bytes_put_records(&stream, body.at, body.length, 16384);
	assert_int_equal(hello_unwrap(stream.at, stream.length, message, body.length, &length),
			 HELLO_COMPLETE);
	assert_int_equal(hello_unwrap(stream.at, 9, message, body.length - 1, &length),
			 HELLO_OVERSIZE);
	memcpy(stream.at, "\x16\x03\x01\x40\x00\x01\xff\xff\xff", 9);
	assert_int_equal(hello_unwrap(stream.at, 9, message, sizeof message, &length),
			 HELLO_OVERSIZE);
}

struct beginning {
	const char *bytes;
	size_t length;
	enum hello_answer answer;
};

/* E08 */
static void what_is_no_hello_is_told_apart(void **state)
{
	static const struct beginning cases[] = {
		{ "", 0, HELLO_MORE },
		{ "\x16", 1, HELLO_MORE },
		{ "\x16\x03", 2, HELLO_MORE },
		{ "GET / HTTP/1.1\r\n", 16, HELLO_NOT_TLS },
		{ "SSH-2.0", 7, HELLO_NOT_TLS },
		{ "\x80\x2e\x01\x03\x01", 5, HELLO_NOT_TLS }, /* SSLv2 */
		{ "\x16\x02", 2, HELLO_NOT_TLS },
		{ "\x15\x03\x01\x00\x02\x02\x28", 7, HELLO_NOT_TLS }, /* an alert first */
		{ "\x14\x03\x03\x00\x01\x01", 6, HELLO_NOT_TLS },     /* change_cipher_spec first */
		{ "\x17\x03\x03\x00\x01\x01", 6, HELLO_NOT_TLS },     /* data first */
		{ "\x16\x03\x01\x00\x00", 5, HELLO_INVALID },	      /* an empty record */
		{ "\x16\x03\x01\x40\x01\x01", 6, HELLO_INVALID },     /* a record above 2^14 */
		{ "\x16\x03\x01\x00\x05\x02", 6, HELLO_INVALID },     /* a ServerHello */
		{ "\x16\x03\x01\x00\x01\x01\x15", 7, HELLO_INVALID }, /* an alert in between */
		{ "\x16\x03\x01\x00\x01\x01\x16\x02", 8, HELLO_INVALID },
		/* one byte more than the message in its record */
		{ "\x16\x03\x01\x00\x07\x01\x00\x00\x02\xaa\xbb\xcc", 12, HELLO_INVALID },
		/* a second record is early data or the like and not ours to read */
		{ "\x16\x03\x01\x00\x06\x01\x00\x00\x02\xaa\xbb\x17\x03\x03", 14, HELLO_COMPLETE },
	};
	size_t length;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(hello_unwrap((const uint8_t *)cases[i].bytes, cases[i].length,
					      message, sizeof message, &length),
				 cases[i].answer);
}

static void every_cut_of_the_message_is_invalid(void **state)
{
	struct hello hello;
	size_t length;
	size_t without_extensions = 2 + 32 + 1 + 32;

	(void)state;
	capture("www.example.com", "\x02h2", TLS1_3_VERSION, &stream);
	assert_int_equal(unwrap(&stream, &length), HELLO_COMPLETE);
	without_extensions += 2 + (size_t)(message[67] << 8 | message[68]) + 2;
	for (size_t i = 0; i < length; i++)
		assert_int_equal(hello_parse(message, i, &hello),
				 i == without_extensions ? HELLO_COMPLETE : HELLO_INVALID);
	message[length] = 0;
	assert_int_equal(hello_parse(message, length + 1, &hello), HELLO_INVALID);
}

static void broken_fields_are_invalid(void **state)
{
	static const struct {
		size_t at;
		const char *bytes;
		size_t length;
	} changes[] = {
		{ 0, "\x02", 1 },      /* version 2.3 */
		{ 34, "\x21", 1 },     /* a session id of 33 bytes */
		{ 35, "\x00\x05", 2 }, /* half a cipher */
		{ 43, "\x01\x01", 2 }, /* no null compression */
		{ 43, "\x00", 1 },     /* no compression at all */
	};
	static struct bytes none;
	struct hello hello;

	(void)state;
	none.length = 0;
	for (size_t i = 0; i < COUNT(changes); i++) {
		bytes_put_hello(&body, &none);
		memcpy(body.at + changes[i].at, changes[i].bytes, changes[i].length);
		assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_INVALID);
	}
	bytes_put_hello(&body, &none);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
}

/* E04 */
static void grease_is_passed_over(void **state)
{
	static struct bytes extensions;
	struct hello hello;

	(void)state;
	extensions.length = 0;
	bytes_put_extension(&extensions, 0x1a1a, "", 0);
	bytes_put_extension(&extensions, 43, "\x08\x7a\x7a\x03\x04\x03\x03\xfa\xfa", 9);
	bytes_put_extension(&extensions, 10, "\x00\x06\xba\xba\x11\xec\x00\x1d", 8);
	bytes_put_extension(&extensions, 0xfe0d, "\x00\x01", 2);
	bytes_put_extension(&extensions, 42, "", 0);
	bytes_put_server_name(&extensions, "grease.example", 14);
	bytes_put_extension(&extensions, 0xeaea, "\x00", 1);
	hello = read_extensions(&extensions);
	assert_int_equal(hello.version, 0x0304);
	assert_true(hello_has_group(&hello, 0x11ec));
	assert_true(hello.ech);
	assert_true(hello.early_data);
	assert_string_equal(hello.name, "grease.example");
}

static void two_thousand_extensions_are_read(void **state)
{
	static struct bytes extensions;

	(void)state;
	extensions.length = 0;
	for (unsigned i = 0; i < 2000; i++)
		bytes_put_extension(&extensions, 1000 + i, "x", i % 2);
	bytes_put_server_name(&extensions, "many.example", 12);
	assert_string_equal(read_extensions(&extensions).name, "many.example");
}

static void broken_extensions_are_invalid(void **state)
{
	static const struct {
		unsigned type;
		const char *content;
		size_t length;
	} cases[] = {
		{ 10, "", 0 },
		{ 10, "\x00\x00", 2 },
		{ 10, "\x00\x01\x1d", 3 },
		{ 10, "\x00\x02\x00\x1d\x00", 5 },
		{ 13, "\x00\x04\x04\x03", 4 },
		{ 43, "\x00", 1 },
		{ 43, "\x03\x03\x04\x03", 4 },
		{ 16, "", 0 },
		{ 16, "\x00\x00", 2 },
		{ 16, "\x00\x01\x00", 3 },
		{ 16, "\x00\x03\x03h2", 5 },
		{ 16, "\x00\x04\x02h2\x00", 6 },
		{ 16, "\x00\x03\x02h2\x00", 6 },
	};
	static struct bytes extensions;
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		extensions.length = 0;
		bytes_put_extension(&extensions, cases[i].type, cases[i].content, cases[i].length);
		bytes_put_hello(&body, &extensions);
		assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_INVALID);
	}
	extensions.length = 0;
	bytes_put_extension(&extensions, 5, "", 0);
	bytes_put_extension(&extensions, 5, "", 0);
	bytes_put_hello(&body, &extensions);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_hello_is_read),
		cmocka_unit_test(a_real_hello_may_leave_things_out),
		cmocka_unit_test(every_beginning_asks_for_more),
		cmocka_unit_test(the_record_split_does_not_matter),
		cmocka_unit_test(a_hello_of_64_kilobytes_is_read),
		cmocka_unit_test(too_long_a_hello_is_told_at_once),
		cmocka_unit_test(what_is_no_hello_is_told_apart),
		cmocka_unit_test(every_cut_of_the_message_is_invalid),
		cmocka_unit_test(broken_fields_are_invalid),
		cmocka_unit_test(grease_is_passed_over),
		cmocka_unit_test(two_thousand_extensions_are_read),
		cmocka_unit_test(broken_extensions_are_invalid),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
