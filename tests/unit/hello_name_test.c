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

#include "daemon/tls/hello.h"
#include "tests/unit/hellos.h"

enum { MUTATIONS = 3000 };

static struct bytes stream;
static struct bytes body;

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

	bytes_put_records(&stream, hello->at, hello->length, 16384);
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
			bytes_put(&extensions, given->extensions, given->length);
		else
			bytes_put_server_name(&extensions, given->extensions, strlen(given->extensions));
		bytes_put_hello(&body, &extensions);
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
		bytes_put_extension(&extensions, 0x1a1a, "", 0);
		bytes_put_server_name(&extensions, "A1.example.", 11);
		bytes_put_server_name(&extensions, "b", rand() % 8 == 0);
		extensions.length -= rand() % 2 ? 0 : 9;
		for (int changes = rand() % 4; changes; changes--)
			extensions.at[(size_t)rand() % extensions.length] =
				(uint8_t)(rand() % 2 ? rand() : rand() % 12);
		bytes_put_hello(&body, &extensions);
		answer = hello_parse(body.at, body.length, &hello);
		opinion = ask_openssl(context, &body);
		compare_opinions(&opinion, answer, &hello);
		given += opinion.named && hello.name_kind == HELLO_NAME_GIVEN;
	}
	assert_true(given > MUTATIONS / 20);
	SSL_CTX_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_judged_as_openssl_does),
		cmocka_unit_test(mutated_names_are_judged_as_openssl_does),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
