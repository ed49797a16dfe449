// link: daemon/endpoint.c daemon/certificate.c daemon/clock.c daemon/tls/offers.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c daemon/text.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/endpoint.h"

static const struct address somewhere = { .family = AF_INET,
					  .port = 443,
					  .bytes = { 192, 0, 2, 1 } };

static void states_are_printed_as_names(void **state)
{
	static const char *const words[] = {
		"CLOSED",    "OPEN",	       "CAN_READ",	     "OPEN|CAN_READ",
		"CAN_WRITE", "OPEN|CAN_WRITE", "CAN_READ|CAN_WRITE", "ACTIVE",
	};
	char text[ENDPOINT_STATE_TEXT];

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_string_equal(endpoint_state_print(i, text), words[i]);
}

static void dummies_are_usable_and_different(void **state)
{
	struct endpoint client;
	struct endpoint server;

	(void)state;
	client_make_dummy(&client, &somewhere);
	server_make_dummy(&server, &somewhere);
	assert_int_not_equal(client.id, server.id);
	assert_int_equal(client.state, ENDPOINT_ACTIVE);
	assert_int_equal(client.peer.port, 443);
	assert_int_equal(server.address.port, 443);
	assert_true(instant_is_set(&client.start));
	assert_false(instant_is_set(&client.tcp_setup));
	assert_true(instant_is_set(&server.tcp_setup));
	assert_false(endpoint_tls_established(&client));
	client.tls_setup = clock_now();
	assert_true(endpoint_tls_established(&client));
	endpoint_end(&client);
	endpoint_end(&server);
}

static void the_first_failure_stays(void **state)
{
	struct endpoint server;
	char detail[4 * ENDPOINT_DETAIL];

	(void)state;
	server_make_dummy(&server, &somewhere);
	memset(detail, 'x', sizeof detail);
	detail[sizeof detail - 1] = '\0';
	endpoint_fail(&server, REASON_ORIGIN_EXPIRED, detail);
	endpoint_fail(&server, REASON_IDLE, "later");
	assert_int_equal(server.error, REASON_ORIGIN_EXPIRED);
	assert_int_equal(strlen(server.error_detail), ENDPOINT_DETAIL);
	endpoint_end(&server);
	assert_null(server.error_detail);
	endpoint_fail(&server, REASON_IDLE, NULL);
	assert_int_equal(server.error, REASON_IDLE);
	assert_null(server.error_detail);
	endpoint_end(&server);
}

static struct certificate_list *make_list(size_t count)
{
	struct certificate_list *list =
		calloc(1, sizeof *list + count * sizeof list->certificates[0]);

	assert_non_null(list);
	list->holders = 1;
	list->count = count;
	for (size_t i = 0; i < count; i++) {
		list->certificates[i].subject = strdup("CN=a.example");
		list->certificates[i].names = strdup("a.example");
	}
	return list;
}

/* What is forgotten here is found by the leak checker of a sanitized build. */
static void an_end_gives_everything_back(void **state)
{
	const struct hello hello = { .alpn = { (const uint8_t *)"\2h2", 3 } };
	struct endpoint server;
	struct endpoint nothing = { 0 };

	(void)state;
	server_make_dummy(&server, &somewhere);
	assert_ptr_equal(endpoint_tls(&server), endpoint_tls(&server));
	assert_int_equal(offers_keep(&server.tls_facts->offers, &hello), 0);
	server.tls_facts->certificates = make_list(3);
	endpoint_end(&server);
	assert_null(server.tls_facts);
	assert_int_equal(server.id, nothing.id);
	endpoint_end(&server);
	certificate_list_release(NULL);
}

static void validity_is_inclusive(void **state)
{
	struct certificate certificate = { .not_before = 100, .not_after = 200 };

	(void)state;
	assert_true(certificate_not_yet_valid(&certificate, 99));
	assert_false(certificate_not_yet_valid(&certificate, 100));
	assert_false(certificate_expired(&certificate, 200));
	assert_true(certificate_expired(&certificate, 201));
}

static void durations_are_by_the_steady_clock(void **state)
{
	struct instant never = { 0 };
	struct instant a = { .wall = 5000000, .steady = 100 };
	struct instant b = { .wall = 1, .steady = 350 };
	struct instant now = clock_now();
	struct instant later = clock_now();

	(void)state;
	assert_int_equal(instant_between(&a, &b), 250);
	assert_int_equal(instant_between(&never, &b), -1);
	assert_int_equal(instant_between(&a, &never), -1);
	assert_true(instant_between(&now, &later) >= 0);
	assert_true(clock_steady() >= later.steady);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_printed_as_names),
		cmocka_unit_test(dummies_are_usable_and_different),
		cmocka_unit_test(the_first_failure_stays),
		cmocka_unit_test(an_end_gives_everything_back),
		cmocka_unit_test(validity_is_inclusive),
		cmocka_unit_test(durations_are_by_the_steady_clock),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
