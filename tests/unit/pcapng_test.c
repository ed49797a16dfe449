// link: daemon/journal/pcapng.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "daemon/journal/pcapng.h"

static uint32_t word(const uint8_t *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof(number));
	return number;
}

static unsigned network_16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] << 8 | bytes[1];
}

static uint32_t network_32(const uint8_t *bytes)
{
	return (uint32_t)network_16(bytes) << 16 | network_16(bytes + 2);
}

/* The sum over everything, the checksum among it, is 0xffff (RFC 1071). */
static unsigned sum(const uint8_t *bytes, size_t length, uint32_t start)
{
	for (size_t i = 0; i < length; i++)
		start += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

static struct pcapng_flow open_flow(const char *client, const char *server)
{
	struct pcapng_flow flow = { .said = { 1000, 2000 }, .interface = PCAPNG_SERVERS };

	assert_int_equal(address_parse_with_port(&flow.ends[0], client), 0);
	assert_int_equal(address_parse_with_port(&flow.ends[1], server), 0);
	return flow;
}

static void a_file_begins_with_its_interfaces(void **state)
{
	uint8_t bytes[PCAPNG_PRELUDE_MAX];
	size_t length = pcapng_prelude(bytes), at = 0;
	unsigned blocks = 0;

	(void)state;
	for (; at < length; at += word(bytes + at + 4), blocks++)
		assert_int_equal(word(bytes + at + word(bytes + at + 4) - 4),
				 word(bytes + at + 4));
	assert_int_equal(at, length);
	assert_int_equal(blocks, 3);
	assert_int_equal(word(bytes), 0x0a0d0d0a);
	assert_int_equal(word(bytes + 8), 0x1a2b3c4d);
}

static void segments_follow_one_another(void **state)
{
	struct pcapng_flow flow = open_flow("192.0.2.10:40000", "198.51.100.10:443");
	uint8_t bytes[PCAPNG_BLOCK_MAX];
	const uint8_t *ip = bytes + 28, *tcp = ip + 20;
	struct pcapng_segment segment = { .flags = TCP_SYN, .time = 0x123456789a };
	size_t length = pcapng_segment(&flow, &segment, bytes);

	(void)state;
	assert_int_equal(length, 32 + 40);
	assert_int_equal(word(bytes + 8), PCAPNG_SERVERS);
	assert_int_equal(word(bytes + 12), 0x12);
	assert_int_equal(word(bytes + 16), 0x3456789a);
	assert_int_equal(word(bytes + 20), 40);
	assert_int_equal(network_16(tcp), 40000);
	assert_int_equal(network_32(tcp + 4), 1000);
	assert_int_equal(flow.said[0], 1001);
	segment = (struct pcapng_segment){ 1, TCP_ACK, "hello", 5, 0 };
	pcapng_segment(&flow, &segment, bytes);
	assert_int_equal(network_32(tcp + 4), 2000);
	assert_int_equal(network_32(tcp + 8), 1001);
	assert_int_equal(flow.said[1], 2005);
	assert_memory_equal(ip + 12, "\xc6\x33\x64\x0a\xc0\x00\x02\x0a", 8);
	assert_memory_equal(tcp + 20, "hello", 5);
	assert_int_equal(sum(ip, 20, 0), 0xffff);
	assert_int_equal(sum(tcp, 25, sum(ip + 12, 8, 6 + 25)), 0xffff);
}

static void ipv6_has_its_own_header(void **state)
{
	struct pcapng_flow flow = open_flow("[2001:db8::10]:40000", "[2001:db8::20]:443");
	uint8_t bytes[PCAPNG_BLOCK_MAX];
	const uint8_t *ip = bytes + 28, *tcp = ip + 40;
	const struct pcapng_segment segment = { 0, TCP_ACK, "odd", 3, 0 };
	size_t length = pcapng_segment(&flow, &segment, bytes);

	(void)state;
	assert_int_equal(length, 32 + 64);
	assert_int_equal(ip[0] >> 4, 6);
	assert_int_equal(network_16(ip + 4), 23);
	assert_int_equal(sum(tcp, 23, sum(ip + 8, 32, 6 + 23)), 0xffff);
}

static void the_largest_fit(void **state)
{
	static uint8_t data[PCAPNG_SEGMENT_MAX], bytes[PCAPNG_BLOCK_MAX];
	struct pcapng_flow flow = open_flow("[2001:db8::10]:1", "[2001:db8::20]:2");
	const struct pcapng_segment segment = { 0, TCP_ACK, data, sizeof(data), 0 };
	char line[PCAPNG_SECRETS_MAX + 1];

	(void)state;
	assert_true(pcapng_segment(&flow, &segment, bytes) <= sizeof(bytes));
	memset(line, 'a', sizeof(line));
	line[PCAPNG_SECRETS_MAX] = '\0';
	assert_int_equal(pcapng_secrets(line, bytes), 0);
	line[PCAPNG_SECRETS_MAX - 32] = '\0';
	assert_true(pcapng_secrets(line, bytes) <= PCAPNG_SECRETS_MAX);
	assert_int_equal(word(bytes + 8), 0x544c534b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_begins_with_its_interfaces),
		cmocka_unit_test(segments_follow_one_another),
		cmocka_unit_test(ipv6_has_its_own_header),
		cmocka_unit_test(the_largest_fit),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
