// link: daemon/tls/origin.c daemon/tls/verification.c daemon/tls/context.c daemon/tls/mirror.c daemon/tls/algorithms.c daemon/tls/trust.c daemon/tls/notorious.c daemon/tls/objections.c daemon/tls/revocation.c daemon/tls/public_suffix.c daemon/tls/sessions.c daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/x509.c daemon/tls/agreed.c daemon/tls/hello.c daemon/reader.c daemon/certificate.c daemon/text.c daemon/reason.c daemon/log.c daemon/name.c daemon/address.c tests/unit/chains.c -lpsl -lssl -lcrypto
/* B07, B08, B09, B12, B16: our own ClientHello to origins, as a judge of middleboxes would grade it: A
 * is what a browser of today says. */
#include <openssl/err.h>
#include <openssl/opensslv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/hello.h"
#include "daemon/tls/origin.h"
#include "tests/unit/chains.h"

static uint8_t stream[65536], message[65536];
static size_t message_length;
static struct hello hello;
static struct tls_context *context;
static struct trust *trust;

static void say(const char *name)
{
	static const uint8_t alpn[] = "\x02h2\x08http/1.1";
	struct address address;
	struct origin origin = { .name = name, .address = &address, .alpn = alpn,
				 .alpn_length = sizeof(alpn) - 1, .trust = trust };
	ssize_t length;
	int fds[2];
	SSL *ssl;

	chain_sockets(fds);
	address_parse_with_port(&address, "192.0.2.7:443");
	ssl = origin_open(context, &origin);
	SSL_set_fd(ssl, fds[0]);
	assert_int_equal(SSL_do_handshake(ssl), -1);
	length = read(fds[1], stream, sizeof(stream));
	assert_true(length > 0);
	assert_int_equal(hello_unwrap(stream, (size_t)length, message, sizeof(message),
				      &message_length),
			 HELLO_COMPLETE);
	assert_int_equal(hello_parse(message, message_length, &hello), HELLO_COMPLETE);
	SSL_free(ssl);
	close(fds[0]);
	close(fds[1]);
	ERR_clear_error();
}

static unsigned value_at(struct span values, size_t at)
{
	return (unsigned)values.bytes[at] << 8 | values.bytes[at + 1];
}

/* AEAD with ephemeral elliptic curves, or TLS 1.3; and the value that promises safe renegotiation. */
static bool is_modern(unsigned cipher)
{
	static const unsigned modern[] = { 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f,
					   0xc030, 0xcca8, 0xcca9, 0x00ff };

	for (size_t i = 0; i < sizeof(modern) / sizeof(modern[0]); i++)
		if (modern[i] == cipher)
			return true;
	return false;
}

static bool has_extension(unsigned wanted)
{
	struct span extensions = hello.extensions;

	for (size_t at = 0; at + 4 <= extensions.length; at += 4 + value_at(extensions, at + 2))
		if (value_at(extensions, at) == wanted)
			return true;
	return false;
}

static void every_cipher_is_of_today(void **state)
{
	(void)state;
	say("www.example.com");
	assert_true(hello.ciphers.length >= 2);
	for (size_t at = 0; at < hello.ciphers.length; at += 2)
		if (!is_modern(value_at(hello.ciphers, at)))
			fail_msg("0x%04x is offered", value_at(hello.ciphers, at));
	assert_int_equal(value_at(hello.ciphers, 0), 0x1301);
}

static void versions_and_groups_are_of_today(void **state)
{
	(void)state;
	say("www.example.com");
	assert_int_equal(hello.versions.length, 4);
	assert_int_equal(value_at(hello.versions, 0), 0x0304);
	assert_int_equal(value_at(hello.versions, 2), 0x0303);
	for (size_t at = 0; at < hello.groups.length; at += 2) {
		unsigned group = value_at(hello.groups, at);

		assert_true(group == 0x11ec || group == 29 || group == 23 || group == 24);
	}
	assert_int_equal(hello_has_group(&hello, 0x11ec), OPENSSL_VERSION_PREREQ(3, 5));
}

static void no_signature_is_weak(void **state)
{
	(void)state;
	say("www.example.com");
	for (size_t at = 0; at < hello.signatures.length; at += 2) {
		unsigned scheme = value_at(hello.signatures, at);

		/* 0x02..: SHA-1, 0x01..: MD5, 0x03..: SHA-224, 0x..02: DSA */
		assert_true(scheme >> 8 >= 4 && ((scheme & 0xff) != 2 || scheme >> 8 == 8));
	}
}

static void extensions_are_those_we_mean(void **state)
{
	static const unsigned absent[] = { 15 /* heartbeat */, 27 /* compress_certificate */,
					   42 /* early_data */, 49 /* post_handshake_auth */,
					   13172 /* NPN */, 30032 /* channel ID */ };
	static const unsigned present[] = { 0 /* server_name */, 5 /* status_request */,
					    10, 13, 16, 23 /* extended_master_secret */,
					    43, 45, 51 };

	(void)state;
	say("www.example.com");
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_false(has_extension(absent[i]));
	for (size_t i = 0; i < sizeof(present) / sizeof(present[0]); i++)
		if (!has_extension(present[i]))
			fail_msg("extension %u is missing", present[i]);
	assert_true(hello_offers(&hello, "h2") && hello_offers(&hello, "http/1.1"));
	assert_string_equal(hello.name, "www.example.com");
	say(NULL);
	assert_false(has_extension(0));
}

/* One byte after the session id and the ciphers: the list of compressions, "none" alone. */
static void nothing_is_compressed(void **state)
{
	const uint8_t *end;

	(void)state;
	say("www.example.com");
	end = hello.ciphers.bytes + hello.ciphers.length;
	assert_int_equal(end[0], 1);
	assert_int_equal(end[1], 0);
}

static int set_up(void **state)
{
	static const uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1 };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *root = chain_root("Root", key);
	char *pem = chain_pem(root);

	(void)state;
	context = tls_context_new(ticket_keys);
	trust = trust_new(pem, strlen(pem));
	free(pem);
	X509_free(root);
	EVP_PKEY_free(key);
	return !context || !trust;
}

static int tear_down(void **state)
{
	(void)state;
	tls_context_free(context);
	trust_release(trust);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cipher_is_of_today),
		cmocka_unit_test(versions_and_groups_are_of_today),
		cmocka_unit_test(no_signature_is_weak),
		cmocka_unit_test(extensions_are_those_we_mean),
		cmocka_unit_test(nothing_is_compressed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
