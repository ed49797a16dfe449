// link: daemon/tls/offers.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c daemon/text.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/tls/offers.h"

static char storage[8192];

static const char *ciphers_of(const struct offers *offers)
{
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	offers_print_ciphers(offers, &text);
	assert_false(text.full);
	return storage;
}

static const char *protocols_of(const struct offers *offers)
{
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	offers_print_protocols(offers, &text);
	assert_false(text.full);
	return storage;
}

static struct offers kept(const void *ciphers, size_t cipher_length, const void *protocols, size_t protocol_length)
{
	const struct hello hello = { .ciphers = { ciphers, cipher_length }, .alpn = { protocols, protocol_length } };
	struct offers offers = { 0 };

	assert_int_equal(offers_keep(&offers, &hello), 0);
	return offers;
}

static void what_was_offered_is_printed_without_grease(void **state)
{
	static const uint8_t ciphers[] = { 0x1a, 0x1a, 0x13, 0x01, 0xc0, 0x2b };
	struct offers offers = kept(ciphers, sizeof(ciphers), "\2h2\010http/1.1", 12);

	(void)state;
	assert_string_equal(ciphers_of(&offers), "[\"0x1301\",\"0xc02b\"]");
	assert_string_equal(protocols_of(&offers), "[\"h2\",\"http/1.1\"]");
	offers_free(&offers);
}

static void nothing_is_null(void **state)
{
	struct offers offers = { 0 };

	(void)state;
	assert_string_equal(ciphers_of(&offers), "null");
	assert_string_equal(protocols_of(&offers), "null");
	offers = kept("\x13\x01", 2, "", 0);
	assert_string_equal(protocols_of(&offers), "null");
	offers_free(&offers);
	offers_free(&offers);
}

static void bytes_that_are_no_text_stay_inside_their_string(void **state)
{
	struct offers offers = kept("\x13\x01", 2, "\4\"\\\x01\xff", 5);

	(void)state;
	assert_string_equal(protocols_of(&offers), "[\"\\\"\\\\\\u0001\xef\xbf\xbd\"]");
	offers_free(&offers);
}

/* The longest hello fills no line of the journal. */
static void of_a_long_hello_the_beginning_is_kept(void **state)
{
	static uint8_t ciphers[65534], protocols[65535];
	struct offers offers;

	(void)state;
	for (size_t i = 0; i < sizeof(ciphers); i++)
		ciphers[i] = i % 2 ? 0x01 : 0x13;
	memset(protocols, 1, sizeof(protocols));
	for (size_t i = 0; i < sizeof(protocols); i += 256)
		protocols[i] = 255;
	offers = kept(ciphers, sizeof(ciphers), protocols, sizeof(protocols));
	assert_int_equal(strlen(ciphers_of(&offers)), 1 + OFFERS_CIPHERS_MAX / 2 * 9);
	assert_int_equal(strlen(protocols_of(&offers)), 2 * (1 + 6 * 255 + 2) + 1);
	offers_free(&offers);
}

static void the_last_hello_is_what_is_kept(void **state)
{
	const struct hello hello = { .ciphers = { (const uint8_t *)"\x13\x02", 2 } };
	struct offers offers = kept("\x13\x01", 2, "\2h2", 3);

	(void)state;
	assert_int_equal(offers_keep(&offers, &hello), 0);
	assert_string_equal(ciphers_of(&offers), "[\"0x1302\"]");
	assert_string_equal(protocols_of(&offers), "null");
	offers_free(&offers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_offered_is_printed_without_grease),
		cmocka_unit_test(nothing_is_null),
		cmocka_unit_test(bytes_that_are_no_text_stay_inside_their_string),
		cmocka_unit_test(of_a_long_hello_the_beginning_is_kept),
		cmocka_unit_test(the_last_hello_is_what_is_kept),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
