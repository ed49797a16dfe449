// link: daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c -lssl -lcrypto
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

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { BIG = 1 << 20, SPLITTINGS = 1000, MUTATIONS = 3000 };

/* Bytes under construction. */
struct bytes {
	size_t length;
	uint8_t at[BIG];
};

static struct bytes stream;
static struct bytes body;
static uint8_t message[HELLO_MAX];

static void put(struct bytes *bytes, const void *more, size_t length)
{
	assert_true(bytes->length + length <= BIG);
	if (length)
		memcpy(bytes->at + bytes->length, more, length);
	bytes->length += length;
}

static void put_number(struct bytes *bytes, size_t number, unsigned width)
{
	uint8_t digits[4] = { (uint8_t)(number >> 24), (uint8_t)(number >> 16),
			      (uint8_t)(number >> 8), (uint8_t)number };

	put(bytes, digits + 4 - width, width);
}

static void put_extension(struct bytes *bytes, unsigned type, const void *content, size_t length)
{
	put_number(bytes, type, 2);
	put_number(bytes, length, 2);
	put(bytes, content, length);
}

static void put_server_name(struct bytes *bytes, const void *name, size_t length)
{
	put_number(bytes, 0, 2);
	put_number(bytes, length + 5, 2);
	put_number(bytes, length + 3, 2);
	put_number(bytes, 0, 1);
	put_number(bytes, length, 2);
	put(bytes, name, length);
}

/* A plain TLS 1.2 hello around an extension block: what OpenSSL as a server goes on with. */
static void put_hello(struct bytes *bytes, const struct bytes *extensions)
{
	static const uint8_t start[35] = { 3, 3, 1, 2, 3 };

	bytes->length = 0;
	put(bytes, start, sizeof start);
	put(bytes, "\x00\x06\xc0\x2f\xc0\x30\x00\xff", 8);
	put(bytes, "\x01\x00", 2);
	put_number(bytes, extensions->length, 2);
	put(bytes, extensions->at, extensions->length);
}

/* Wraps a message into records of at most size bytes; 0: of random sizes. */
static void put_records(struct bytes *out, const uint8_t *from, size_t length, size_t size)
{
	static struct bytes whole;

	whole.length = 0;
	put_number(&whole, 1, 1);
	put_number(&whole, length, 3);
	put(&whole, from, length);
	out->length = 0;
	for (size_t done = 0; done < whole.length;) {
		size_t part = size ? size : 1 + (size_t)rand() % (rand() % 2 ? 3 : 600);

		part = part < whole.length - done ? part : whole.length - done;
		put(out, "\x16\x03\x01", 3);
		put_number(out, part, 2);
		put(out, whole.at + done, part);
		done += part;
	}
}

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

	put_hello(&body, extensions);
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
	out->length = (size_t)BIO_read(SSL_get_wbio(ssl), out->at, BIG);
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
		put_records(&stream, original, original_length, i == 0 ? 1 : 0);
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
	put_server_name(&extensions, "big.example", 11);
	put_hello(&body, &extensions);
	room = total - 4 - body.length - 4;
	put_extension(&extensions, 21, zeros, room);
	put_hello(&body, &extensions);
	assert_int_equal(body.length + 4, total);
}

static void a_hello_of_64_kilobytes_is_read(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 1400, 16384, 0, 0, 0 };

	(void)state;
	srand(2);
	put_padded(65536);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put_records(&stream, body.at, body.length, sizes[i]);
		assert_string_equal(read_stream(&stream).name, "big.example");
	}
}

static void too_long_a_hello_is_told_at_once(void **state)
{
	size_t length;

	(void)state;
	put_padded(8192);
	put_records(&stream, body.at, body.length, 16384);
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
		put_hello(&body, &none);
		memcpy(body.at + changes[i].at, changes[i].bytes, changes[i].length);
		assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_INVALID);
	}
	put_hello(&body, &none);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
}

/* E04 */
static void grease_is_passed_over(void **state)
{
	static struct bytes extensions;
	struct hello hello;

	(void)state;
	extensions.length = 0;
	put_extension(&extensions, 0x1a1a, "", 0);
	put_extension(&extensions, 43, "\x08\x7a\x7a\x03\x04\x03\x03\xfa\xfa", 9);
	put_extension(&extensions, 10, "\x00\x06\xba\xba\x11\xec\x00\x1d", 8);
	put_extension(&extensions, 0xfe0d, "\x00\x01", 2);
	put_extension(&extensions, 42, "", 0);
	put_server_name(&extensions, "grease.example", 14);
	put_extension(&extensions, 0xeaea, "\x00", 1);
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
		put_extension(&extensions, 1000 + i, "x", i % 2);
	put_server_name(&extensions, "many.example", 12);
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
		put_extension(&extensions, cases[i].type, cases[i].content, cases[i].length);
		put_hello(&body, &extensions);
		assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_INVALID);
	}
	extensions.length = 0;
	put_extension(&extensions, 5, "", 0);
	put_extension(&extensions, 5, "", 0);
	put_hello(&body, &extensions);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_INVALID);
}

/* What OpenSSL makes of the server name, as a server. */
struct opinion {
	bool asked; /* the hello was read to its end */
	bool named;
	char name[TLSEXT_MAXLEN_host_name + 1];
};

static int note_name(SSL *ssl, int *alert, void *argument)
{
	struct opinion *opinion = argument;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	opinion->asked = true;
	opinion->named = name != NULL;
	if (name)
		snprintf(opinion->name, sizeof opinion->name, "%s", name);
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static struct opinion ask_openssl(SSL_CTX *context, const struct bytes *hello)
{
	struct opinion opinion = { 0 };
	SSL *ssl = SSL_new(context);
	BIO *input = BIO_new(BIO_s_mem());

	put_records(&stream, hello->at, hello->length, 16384);
	BIO_write(input, stream.at, (int)stream.length);
	SSL_set_bio(ssl, input, BIO_new(BIO_s_mem()));
	SSL_CTX_set_tlsext_servername_arg(context, &opinion);
	assert_true(SSL_accept(ssl) <= 0);
	SSL_free(ssl);
	return opinion;
}

static SSL_CTX *make_server(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	assert_non_null(context);
	SSL_CTX_set_tlsext_servername_callback(context, note_name);
	return context;
}

/* True when OpenSSL has no reason to refuse it but the name: it looks into all extensions it knows.
 */
static bool only_names(const struct hello *hello)
{
	struct reader reader;

	reader_begin(&reader, hello->extensions.bytes, hello->extensions.length);
	while (reader_left(&reader)) {
		uint16_t type = reader_u16(&reader);

		reader_vector16(&reader);
		if (type != 0 && type != 0x1a1a)
			return false;
	}
	return true;
}

/* Both must see the same name; what OpenSSL refuses may be no usable name for us, and what it takes
 * but is no host name must not be one either. */
static void compare_opinions(const struct opinion *opinion, enum hello_answer answer,
			     const struct hello *hello)
{
	char name[NAME_SIZE];

	if (answer == HELLO_INVALID) {
		assert_false(opinion->asked && opinion->named &&
			     name_canonical(opinion->name, strlen(opinion->name), name));
		return;
	}
	if (!opinion->asked && !only_names(hello))
		return;
	if (hello->name_kind == HELLO_NAME_GIVEN) {
		assert_true(opinion->named);
		assert_true(name_canonical(opinion->name, strlen(opinion->name), name));
		assert_string_equal(hello->name, name);
	} else {
		assert_string_equal(hello->name, "");
		assert_true(!opinion->named ||
			    !name_canonical(opinion->name, strlen(opinion->name), name));
		assert_true(!opinion->asked ||
			    opinion->named == (hello->name_kind == HELLO_NAME_UNUSABLE));
	}
}

enum verdict { ABSENT, GIVEN, UNUSABLE, INVALID };

struct name_case {
	const char *what;
	const char *extensions; /* the block, or a bare name where length is 0 */
	size_t length;
	enum verdict verdict;
	const char *name;
};

#define A50	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
#define BLOCK(text) text, sizeof(text) - 1

static const struct name_case name_cases[] = {
	{ "plain", "www.example.com", 0, GIVEN, "www.example.com" },
	{ "trailing dot", "www.example.com.", 0, GIVEN, "www.example.com" },
	{ "upper case", "WWW.Example.COM", 0, GIVEN, "www.example.com" },
	{ "underscore", "_a.example", 0, GIVEN, "_a.example" },
	{ "IPv4 literal", "192.0.2.1", 0, UNUSABLE, "" },
	{ "IPv6 literal", "2001:db8::1", 0, UNUSABLE, "" },
	{ "bracketed literal", "[2001:db8::1]", 0, UNUSABLE, "" },
	{ "number", "3221225985", 0, UNUSABLE, "" },
	{ "port", "example.com:443", 0, UNUSABLE, "" },
	{ "two dots", "a..example", 0, UNUSABLE, "" },
	{ "dot", ".", 0, UNUSABLE, "" },
	{ "space", "a b.example", 0, UNUSABLE, "" },
	{ "254 characters", A50 A50 A50 A50 A50 "aaaa", 0, UNUSABLE, "" },
	{ "over 255", A50 A50 A50 A50 A50 "aaaaaaaaaa", 0, UNUSABLE, "" },
	{ "UTF-8",
	  "b\xc3\xbc"
	  "cher.example",
	  0, UNUSABLE, "" },
	{ "invalid UTF-8", "a\xff.example", 0, UNUSABLE, "" },
	{ "absent", BLOCK("\x00\x17\x00\x00"), ABSENT, "" },
	{ "empty extension", BLOCK("\x00\x00\x00\x00"), INVALID, "" },
	{ "empty list", BLOCK("\x00\x00\x00\x02\x00\x00"), INVALID, "" },
	{ "empty name", BLOCK("\x00\x00\x00\x05\x00\x03\x00\x00\x00"), UNUSABLE, "" },
	{ "NUL inside",
	  BLOCK("\x00\x00\x00\x08\x00\x06\x00\x00\x03"
		"a\x00"
		"b"),
	  UNUSABLE, "" },
	{ "NUL at the end",
	  BLOCK("\x00\x00\x00\x07\x00\x05\x00\x00\x02"
		"a\x00"),
	  UNUSABLE, "" },
	{ "other type",
	  BLOCK("\x00\x00\x00\x06\x00\x04\x01\x00\x01"
		"a"),
	  UNUSABLE, "" },
	{ "two names",
	  BLOCK("\x00\x00\x00\x0a\x00\x08\x00\x00\x01"
		"a\x00\x00\x01"
		"b"),
	  UNUSABLE, "" },
	{ "twice the same name",
	  BLOCK("\x00\x00\x00\x0a\x00\x08\x00\x00\x01"
		"a\x00\x00\x01"
		"a"),
	  UNUSABLE, "" },
	{ "two extensions",
	  BLOCK("\x00\x00\x00\x06\x00\x04\x00\x00\x01"
		"a\x00\x00\x00\x06\x00\x04\x00\x00\x01"
		"b"),
	  INVALID, "" },
	{ "list too short",
	  BLOCK("\x00\x00\x00\x06\x00\x03\x00\x00\x01"
		"a"),
	  INVALID, "" },
	{ "list too long",
	  BLOCK("\x00\x00\x00\x06\x00\x05\x00\x00\x01"
		"a"),
	  INVALID, "" },
	{ "name too long",
	  BLOCK("\x00\x00\x00\x06\x00\x04\x00\x00\x02"
		"a"),
	  INVALID, "" },
	{ "name too short",
	  BLOCK("\x00\x00\x00\x06\x00\x04\x00\x00\x00"
		"a"),
	  INVALID, "" },
	{ "bytes behind the list",
	  BLOCK("\x00\x00\x00\x07\x00\x04\x00\x00\x01"
		"ab"),
	  INVALID, "" },
	{ "extension too long",
	  BLOCK("\x00\x00\x00\x07\x00\x04\x00\x00\x01"
		"a"),
	  INVALID, "" },
};

static enum verdict judge(enum hello_answer answer, const struct hello *hello)
{
	if (answer != HELLO_COMPLETE)
		return INVALID;
	return hello->name_kind == HELLO_NAME_ABSENT  ? ABSENT
	       : hello->name_kind == HELLO_NAME_GIVEN ? GIVEN
						      : UNUSABLE;
}

/* E06 */
static void names_are_judged_as_openssl_does(void **state)
{
	static struct bytes extensions;
	SSL_CTX *context = make_server();
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < COUNT(name_cases); i++) {
		const struct name_case *given = &name_cases[i];
		struct opinion opinion;
		enum hello_answer answer;

		extensions.length = 0;
		if (given->length)
			put(&extensions, given->extensions, given->length);
		else
			put_server_name(&extensions, given->extensions, strlen(given->extensions));
		put_hello(&body, &extensions);
		answer = hello_parse(body.at, body.length, &hello);
		if (judge(answer, &hello) != given->verdict)
			fail_msg("%s: judged %d", given->what, judge(answer, &hello));
		assert_string_equal(hello.name_kind == HELLO_NAME_GIVEN ? hello.name : "",
				    given->name);
		opinion = ask_openssl(context, &body);
		assert_int_equal(given->verdict == GIVEN || given->verdict == ABSENT,
				 opinion.asked && (!opinion.named || given->verdict == GIVEN));
		compare_opinions(&opinion, answer, &hello);
	}
	SSL_CTX_free(context);
}

static void mutated_names_are_judged_as_openssl_does(void **state)
{
	static struct bytes extensions;
	SSL_CTX *context = make_server();
	struct hello hello;
	unsigned given = 0;

	(void)state;
	srand(3);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		struct opinion opinion;
		enum hello_answer answer;

		extensions.length = 0;
		put_extension(&extensions, 0x1a1a, "", 0);
		put_server_name(&extensions, "A1.example.", 11);
		put_server_name(&extensions, "b", rand() % 8 == 0);
		extensions.length -= rand() % 2 ? 0 : 9;
		for (int changes = rand() % 4; changes; changes--)
			extensions.at[(size_t)rand() % extensions.length] =
				(uint8_t)(rand() % 2 ? rand() : rand() % 12);
		put_hello(&body, &extensions);
		answer = hello_parse(body.at, body.length, &hello);
		opinion = ask_openssl(context, &body);
		compare_opinions(&opinion, answer, &hello);
		given += opinion.named && hello.name_kind == HELLO_NAME_GIVEN;
	}
	assert_true(given > MUTATIONS / 20);
	SSL_CTX_free(context);
}

/* Builds a message from comma separated hexadecimal lists, as fingerprints are published: only the
 * extensions that JA4 looks into get a content. */
static void put_published(const char *ciphers, const char *extensions, const char *signatures)
{
	static struct bytes block;
	static struct bytes list;
	char *next;

	block.length = 0;
	put_extension(&block, 0x2a2a, "", 0);
	for (next = (char *)extensions; *next; next += *next == ',') {
		unsigned type = (unsigned)strtoul(next, &next, 16);

		list.length = 0;
		if (type == 0) {
			put_server_name(&block, "a.example", 9);
		} else if (type == 16) {
			put_extension(&block, type, "\x00\x0c\x02h2\x08http/1.1", 14);
		} else if (type == 43) {
			put_extension(&block, type, "\x06\x0a\x0a\x03\x04\x03\x03", 7);
		} else if (type == 10) {
			put_extension(&block, type, "\x00\x04\x3a\x3a\x00\x1d", 6);
		} else if (type == 13) {
			put_number(&list, (strlen(signatures) + 1) / 5 * 2, 2);
			for (char *pair = (char *)signatures; *pair; pair += *pair == ',')
				put_number(&list, strtoul(pair, &pair, 16), 2);
			put_extension(&block, type, list.at, list.length);
		} else {
			put_extension(&block, type, "", 0);
		}
	}
	body.length = 0;
	put(&body, (const uint8_t[35]){ 3, 3 }, 35);
	put_number(&body, (strlen(ciphers) + 1) / 5 * 2 + 2, 2);
	put_number(&body, 0x8a8a, 2);
	for (next = (char *)ciphers; *next; next += *next == ',')
		put_number(&body, strtoul(next, &next, 16), 2);
	put(&body, "\x01\x00", 2);
	put_number(&body, block.length, 2);
	put(&body, block.at, block.length);
}

static void published_fingerprints_are_met(void **state)
{
	static const struct {
		const char *ciphers;
		const char *extensions;
		const char *signatures;
		const char *ja4;
	} vectors[] = {
		/* the worked example of FoxIO's JA4.md */
		{ "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
		  "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015",
		  "0403,0804,0401,0503,0805,0501,0806,0601",
		  "t13d1516h2_8daaf6152771_e5627efa2ab1" },
		/* Chrome 143 as browserleaks.com tells it */
		{ "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035",
		  "002d,0033,0010,fe0d,0017,44cd,0000,000b,000a,002b,ff01,0023,0012,0005,000d,001b",
		  "0403,0804,0401,0503,0805,0501,0806,0601",
		  "t13d1516h2_8daaf6152771_d8a2da3f94cd" },
		/* a client with TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which counts */
		{ "00ff,1301,1302,1303,c02b,c02c,c02f,c030,cca8,cca9",
		  "0000,0010,0005,000a,000b,000d,0017,0023,002b,002d,0033",
		  "0503,0403,0807,0806,0805,0804,0601,0501,0401",
		  "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3" },
	};
	char ja4[HELLO_JA4_SIZE];
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		put_published(vectors[i].ciphers, vectors[i].extensions, vectors[i].signatures);
		assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
		assert_string_equal(hello_ja4(&hello, 't', ja4), vectors[i].ja4);
	}
	assert_int_equal(hello_ja4(&hello, 'q', ja4)[0], 'q');
}

static void the_alpn_part_follows_the_specification(void **state)
{
	static const char *const cases[][2] = {
		{ "h2", "h2" },		{ "http/1.1", "h1" },	      { "q", "qq" },
		{ "\xab", "ab" },	{ "\xab\xcd", "ad" },	      { "\x30\xab", "3b" },
		{ "01\xab\xcd", "3d" }, { "\x30\xab\xcd\x31", "01" }, { "\x0a\x0a", "00" },
	};
	static struct bytes extensions;
	char ja4[HELLO_JA4_SIZE];
	struct hello hello;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t length = strlen(cases[i][0]);

		extensions.length = 0;
		put_number(&extensions, 16, 2);
		put_number(&extensions, length + 3, 2);
		put_number(&extensions, length + 1, 2);
		put_number(&extensions, length, 1);
		put(&extensions, cases[i][0], length);
		hello = read_extensions(&extensions);
		hello_ja4(&hello, 't', ja4);
		assert_memory_equal(ja4, "t12i0301", 8);
		assert_memory_equal(ja4 + 8, cases[i][1], 2);
		assert_string_equal(ja4 + 23, "_000000000000");
	}
}

static void a_fingerprint_of_too_much_is_capped(void **state)
{
	char ja4[HELLO_JA4_SIZE];
	struct hello hello;

	(void)state;
	body.length = 0;
	put(&body, (const uint8_t[35]){ 3, 0 }, 35);
	put_number(&body, 65534, 2);
	for (unsigned i = 0; i < 32767; i++)
		put_number(&body, 32767 - i, 2);
	put(&body, "\x01\x00", 2);
	assert_int_equal(hello_parse(body.at, body.length, &hello), HELLO_COMPLETE);
	hello_ja4(&hello, 't', ja4);
	assert_memory_equal(ja4, "ts3i990000_", 11);
	assert_string_equal(ja4 + 23, "_000000000000");
	assert_int_equal(strlen(ja4), HELLO_JA4_SIZE - 1);
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
		cmocka_unit_test(names_are_judged_as_openssl_does),
		cmocka_unit_test(mutated_names_are_judged_as_openssl_does),
		cmocka_unit_test(published_fingerprints_are_met),
		cmocka_unit_test(the_alpn_part_follows_the_specification),
		cmocka_unit_test(a_fingerprint_of_too_much_is_capped),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
