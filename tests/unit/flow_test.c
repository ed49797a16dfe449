// link: daemon/packet/flow.c daemon/clock.c daemon/packet/quic.c daemon/packet/quic_packet.c daemon/packet/quic_keys.c daemon/packet/segments.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/packet/flow.h"

static struct address client, server;

static struct flow *begin(struct flows *flows, unsigned number)
{
	client.port = (uint16_t)number;
	client.bytes[3] = (uint8_t)(number >> 16);
	return flows_begin(flows, FLOW_STREAM, &client, &server);
}

static struct flow *find(struct flows *flows, unsigned number)
{
	client.port = (uint16_t)number;
	client.bytes[3] = (uint8_t)(number >> 16);
	return flows_find(flows, FLOW_STREAM, &client, &server);
}

static unsigned forgotten;

static void forget(void *context, struct flow *flow)
{
	assert_null(context);
	assert_non_null(flow->story);
	forgotten++;
}

static int set_up(void **state)
{
	(void)state;
	address_parse_with_port(&client, "192.0.2.1:1");
	address_parse_with_port(&server, "198.51.100.1:443");
	return 0;
}

static void test_find_and_begin_anew(void **state)
{
	struct flows *flows = flows_new(FLOWS_MAX, forget, NULL);
	struct flow *flow = begin(flows, 7);

	(void)state;
	assert_ptr_equal(find(flows, 7), flow);
	assert_null(find(flows, 8));
	assert_null(flows_find(flows, FLOW_DATAGRAMS, &client, &server));
	flow->packets = 5;
	flow->story = flow;
	assert_int_equal(begin(flows, 7)->packets, 0);
	assert_int_equal(flows_count(flows), 1);
	assert_int_equal(forgotten, 1);
	flows_forget(flows, find(flows, 7));
	assert_null(find(flows, 7));
	flows_free(flows);
}

static void test_the_oldest_gives_way(void **state)
{
	struct flows *flows = flows_new(FLOWS_MAX, forget, NULL);

	(void)state;
	for (unsigned i = 0; i < FLOWS_MAX; i++)
		assert_non_null(begin(flows, i));
	assert_non_null(find(flows, 0)); /* used: the oldest is 1 now */
	assert_non_null(begin(flows, FLOWS_MAX));
	assert_int_equal(flows_count(flows), FLOWS_MAX);
	assert_non_null(find(flows, 0));
	assert_null(find(flows, 1));
	flows_free(flows);
}

static void test_the_silent_are_forgotten(void **state)
{
	struct flows *flows = flows_new(FLOWS_MAX, forget, NULL);
	int64_t begun, later;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		begin(flows, i);
	begun = find(flows, 9)->used;
	find(flows, 4)->story = &forgotten;
	while ((later = clock_steady()) == begun)
		;
	assert_non_null(find(flows, 7));
	assert_int_equal(flows_expire(flows, begun - 1000000), 0);
	assert_int_equal(flows_expire(flows, later), 8);
	assert_non_null(find(flows, 7)); /* used since */
	assert_non_null(find(flows, 4)); /* its story goes on */
	assert_null(find(flows, 3));
	assert_int_equal(flows_count(flows), 2);
	flows_free(flows);
}

/* Who says a byte and no more takes little. */
static void test_little_takes_little(void **state)
{
	static const uint8_t bytes[2000];
	struct flows *flows = flows_new(FLOWS_MAX, forget, NULL);
	struct flow *flow = begin(flows, 1);

	(void)state;
	flow_take(flows, flow, 0, (struct span){ bytes, 4 });
	assert_true(flows_bytes(flows) <= 64);
	flow_take(flows, flow, 4, (struct span){ bytes, 1900 });
	assert_true(flows_bytes(flows) <= 2048);
	flows_free(flows);
}

static void test_bytes_are_bounded(void **state)
{
	static const uint8_t bytes[30000];
	struct flows *flows = flows_new(FLOWS_MAX, forget, NULL);
	struct flow *flow;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		flow = begin(flows, i);
		assert_int_equal(flow_take(flows, flow, 0, (struct span){ bytes, sizeof(bytes) }),
				 SEGMENTS_TAKEN);
		assert_true(flows_bytes(flows) <= FLOW_BYTES_MAX);
	}
	assert_null(find(flows, 0));
	flow = find(flows, 999);
	flow_settle(flows, flow, FATE_PASS);
	assert_int_equal(flow->fate, FATE_PASS);
	assert_true(flow->settled > 0);
	flows_free(flows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_find_and_begin_anew, set_up),
		cmocka_unit_test_setup(test_the_oldest_gives_way, set_up),
		cmocka_unit_test_setup(test_the_silent_are_forgotten, set_up),
		cmocka_unit_test_setup(test_little_takes_little, set_up),
		cmocka_unit_test_setup(test_bytes_are_bounded, set_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
