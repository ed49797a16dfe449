// link: daemon/packet/openings.c daemon/lists/hash.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/packet/openings.h"

static const uint8_t seed[16] = "not for the wild";
static struct address client, server, other;

static int set_up(void **state)
{
	(void)state;
	address_parse_with_port(&client, "192.0.2.1:40000");
	address_parse_with_port(&server, "198.51.100.1:443");
	address_parse_with_port(&other, "198.51.100.2:443");
	return 0;
}

static enum opening find(const struct openings *openings, const struct address *to, uint32_t *first)
{
	return openings_find(openings, &client, to, first);
}

static void test_a_syn_tells_where_the_stream_begins(void **state)
{
	struct openings *openings = openings_new(seed);
	uint32_t first;

	(void)state;
	assert_int_equal(find(openings, &server, &first), OPENING_UNKNOWN);
	openings_note(openings, &client, &server, UINT32_MAX);
	openings_note(openings, &client, &server, UINT32_MAX);
	assert_int_equal(find(openings, &server, &first), OPENING_KNOWN);
	assert_int_equal(first, 0);
	assert_int_equal(find(openings, &other, &first), OPENING_UNKNOWN);
	openings_forget(openings, &client, &other);
	assert_int_equal(find(openings, &server, &first), OPENING_KNOWN);
	openings_forget(openings, &client, &server);
	assert_int_equal(find(openings, &server, &first), OPENING_UNKNOWN);
	openings_free(openings);
}

static void test_two_beginnings_are_none(void **state)
{
	struct openings *openings = openings_new(seed);
	uint32_t first;

	(void)state;
	openings_note(openings, &client, &server, 1);
	openings_note(openings, &client, &server, 2);
	assert_int_equal(find(openings, &server, &first), OPENING_CONTESTED);
	openings_forget(openings, &client, &server);
	openings_note(openings, &client, &server, 2);
	assert_int_equal(find(openings, &server, &first), OPENING_KNOWN);
	openings_free(openings);
}

static void test_doubt_covers_all_ports(void **state)
{
	struct openings *openings = openings_new(seed);
	struct address nameless = client, whole = server;
	uint32_t first;

	(void)state;
	nameless.port = whole.port = 0;
	openings_note(openings, &client, &server, 1);
	openings_note(openings, &client, &other, 1);
	openings_doubt(openings, &nameless, &whole);
	assert_int_equal(find(openings, &server, &first), OPENING_CONTESTED);
	assert_int_equal(find(openings, &other, &first), OPENING_KNOWN);
	openings_free(openings);
}

/* What is crowded out is unknown, never wrong. */
static void test_a_full_table_forgets(void **state)
{
	struct openings *openings = openings_new(seed);
	unsigned known = 0;
	uint32_t first;

	(void)state;
	for (unsigned i = 0; i < 60000; i++) {
		client.port = (uint16_t)i;
		openings_note(openings, &client, &server, i);
	}
	for (unsigned i = 0; i < 60000; i++) {
		client.port = (uint16_t)i;
		if (find(openings, &server, &first) == OPENING_UNKNOWN)
			continue;
		assert_int_equal(first, i + 1);
		known++;
	}
	assert_in_range(known, OPENINGS_MAX / 2, OPENINGS_MAX);
	openings_free(openings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_syn_tells_where_the_stream_begins, set_up),
		cmocka_unit_test_setup(test_two_beginnings_are_none, set_up),
		cmocka_unit_test_setup(test_doubt_covers_all_ports, set_up),
		cmocka_unit_test_setup(test_a_full_table_forgets, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("openings", tests, NULL, NULL);
}
