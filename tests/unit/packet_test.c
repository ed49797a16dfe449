// link: daemon/packet/packet.c daemon/reader.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/packet/packet.h"

static uint8_t bytes[256];
static struct packet packet;

static size_t put4(uint8_t protocol, unsigned options, const uint8_t *rest, size_t length)
{
	size_t header = 20 + options;

	memset(bytes, 0, sizeof(bytes));
	bytes[0] = (uint8_t)(0x40 | header / 4);
	bytes[3] = (uint8_t)(header + length);
	bytes[8] = 64;
	bytes[9] = protocol;
	memcpy(bytes + 12, "\xc0\x00\x02\x0a\xc6\x33\x64\x01", 8);
	memcpy(bytes + header, rest, length);
	return header + length;
}

static size_t put6(uint8_t next, const uint8_t *rest, size_t length)
{
	memset(bytes, 0, sizeof(bytes));
	bytes[0] = 0x60;
	bytes[5] = (uint8_t)length;
	bytes[6] = next;
	bytes[8] = 0x20;
	bytes[23] = 1;
	bytes[24] = 0x20;
	bytes[39] = 2;
	memcpy(bytes + 40, rest, length);
	return 40 + length;
}

static const uint8_t tcp[] = { 0x9c, 0x40, 1, 0xbb, 0, 0, 0, 7, 0, 0, 0, 9, 0x60, 0x18, 1, 0,
			       0,    0,	   0, 0,    1, 1, 1, 1, 'h', 'i' };
static const uint8_t udp[] = { 0x9c, 0x40, 0, 53, 0, 11, 0, 0, 'y', 'e', 's' };

static void assert_address(const struct address *address, const char *text)
{
	char printed[ADDRESS_TEXT];

	assert_string_equal(address_print_with_port(address, printed), text);
}

static void assert_payload(const char *text)
{
	assert_int_equal(packet.payload.length, strlen(text));
	assert_memory_equal(packet.payload.bytes, text, strlen(text));
}

static void test_ipv4_with_options(void **state)
{
	(void)state;
	for (unsigned options = 0; options <= 40; options += 4) {
		size_t length = put4(IPPROTO_TCP, options, tcp, sizeof(tcp));

		/* Padding of a short Ethernet frame is not ours. */
		assert_int_equal(packet_parse(bytes, length + 6, &packet), PACKET_TCP);
		assert_address(&packet.source, "192.0.2.10:40000");
		assert_address(&packet.destination, "198.51.100.1:443");
		assert_int_equal(packet.network.length, 20 + options);
		assert_int_equal(packet.transport.length, 24);
		assert_int_equal(packet.sequence, 7);
		assert_int_equal(packet.acknowledgement, 9);
		assert_int_equal(packet.flags, PACKET_PSH | PACKET_ACK);
		assert_payload("hi");
	}
	assert_int_equal(packet_parse(bytes, put4(IPPROTO_UDP, 0, udp, sizeof(udp)), &packet),
			 PACKET_UDP);
	assert_payload("yes");
	assert_int_equal(packet_parse(bytes, put4(IPPROTO_ICMP, 0, udp, sizeof(udp)), &packet),
			 PACKET_OTHER);
}

static void test_ipv6_extension_headers(void **state)
{
	uint8_t rest[128] = { 43, 1 };
	size_t end = 16;

	(void)state;
	rest[end] = 51; /* hop-by-hop, routing, authentication, destination options, TCP */
	rest[end + 1] = 0;
	end += 8;
	rest[end] = 60;
	rest[end + 1] = 4; /* 24 bytes */
	end += 24;
	rest[end] = IPPROTO_TCP;
	end += 8;
	memcpy(rest + end, tcp, sizeof(tcp));
	assert_int_equal(packet_parse(bytes, put6(0, rest, end + sizeof(tcp)), &packet),
			 PACKET_TCP);
	assert_address(&packet.source, "[2000::1]:40000");
	assert_address(&packet.destination, "[2000::2]:443");
	assert_int_equal(packet.network.length, 40 + end);
	assert_payload("hi");
	assert_int_equal(packet_parse(bytes, put6(IPPROTO_UDP, udp, sizeof(udp)), &packet),
			 PACKET_UDP);
	assert_int_equal(packet_parse(bytes, put6(59, udp, 0), &packet), PACKET_OTHER);
}

static void test_fragments(void **state)
{
	size_t length = put4(IPPROTO_TCP, 0, tcp, sizeof(tcp));

	(void)state;
	bytes[6] = 0x40; /* do not fragment: none */
	assert_int_equal(packet_parse(bytes, length, &packet), PACKET_TCP);
	bytes[6] = 0x20; /* the first, more to come */
	assert_int_equal(packet_parse(bytes, length, &packet), PACKET_FRAGMENT);
	bytes[6] = 0;
	bytes[7] = 1; /* a later one */
	assert_int_equal(packet_parse(bytes, length, &packet), PACKET_FRAGMENT);
	assert_int_equal(packet_parse(bytes, put6(44, udp, 8), &packet), PACKET_FRAGMENT);
}

static void assert_broken(size_t length)
{
	static const struct packet nothing = { .kind = PACKET_BROKEN };

	assert_int_equal(packet_parse(bytes, length, &packet), PACKET_BROKEN);
	assert_memory_equal(&packet, &nothing, sizeof(nothing));
}

static void test_broken(void **state)
{
	uint8_t endless[64];
	size_t length = put4(IPPROTO_TCP, 0, tcp, sizeof(tcp));

	(void)state;
	for (size_t i = 0; i < length; i++)
		assert_broken(i);
	bytes[0] = 0x44; /* a header of 16 bytes */
	assert_broken(length);
	bytes[0] = 0x55;
	assert_broken(length);
	bytes[0] = 0x45;
	bytes[20 + 12] = 0x40; /* a TCP header of 16 bytes */
	assert_broken(length);
	bytes[20 + 12] = 0xf0; /* one that is longer than the packet */
	assert_broken(length);
	length = put4(IPPROTO_UDP, 0, udp, sizeof(udp));
	bytes[25] = 7;
	assert_broken(length);
	bytes[25] = 12;
	assert_broken(length);
	memset(endless, 0, sizeof(endless));
	assert_broken(put6(0, endless, sizeof(endless)));
}

/* What the sender of a datagram is told quotes the datagram. */
static void check_unreachable(const struct packet *datagram)
{
	uint8_t out[PACKET_UNREACHABLE_MAX];
	size_t length = packet_print_unreachable(datagram, out);
	bool ipv4 = datagram->source.family == AF_INET;
	size_t network = ipv4 ? 20 : 40;
	struct packet told, quoted;

	assert_int_equal(packet_parse(out, length, &told), PACKET_OTHER);
	assert_int_equal(told.protocol, ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	assert_true(address_same_host(&told.source, &datagram->destination));
	assert_true(address_same_host(&told.destination, &datagram->source));
	assert_int_equal(out[network], ipv4 ? 3 : 1);
	assert_int_equal(out[network + 1], ipv4 ? 3 : 4);
	if (ipv4)
		assert_int_equal(packet_sum_fold(packet_sum(0, out + network, length - network)), 0);
	/* The lengths in the quote are those of the datagram, of which no payload is quoted. */
	assert_int_equal(length, network + 8 + network + 8);
	out[ipv4 ? network + 8 + 3 : network + 8 + 5] = ipv4 ? 28 : 8;
	out[network + 8 + network + 5] = 8;
	assert_int_equal(packet_parse(out + network + 8, network + 8, &quoted), PACKET_UDP);
	assert_true(address_equal(&quoted.source, &datagram->source));
	assert_true(address_equal(&quoted.destination, &datagram->destination));
}

static void check_printed(const char *from, const char *to)
{
	static const uint8_t answer[] = "answered";
	struct packet made = { .sequence = 0xfffffff0, .acknowledgement = 5,
			       .flags = PACKET_RST | PACKET_ACK };
	struct packet again;
	uint8_t before[PACKET_HEADERS_MAX], out[PACKET_HEADERS_MAX + sizeof(answer)];
	size_t length;

	assert_int_equal(address_parse_with_port(&made.source, from), 0);
	assert_int_equal(address_parse_with_port(&made.destination, to), 0);
	length = packet_print_tcp(&made, out);
	assert_int_equal(packet_parse(out, length, &again), PACKET_TCP);
	assert_true(address_equal(&made.source, &again.source));
	assert_true(address_equal(&made.destination, &again.destination));
	assert_int_equal(again.sequence, made.sequence);
	assert_int_equal(again.acknowledgement, made.acknowledgement);
	assert_int_equal(again.flags, made.flags);
	made.payload = (struct span){ answer, sizeof(answer) };
	length = packet_print_udp(&made, out);
	memcpy(out + length, answer, sizeof(answer));
	assert_int_equal(packet_parse(out, length + sizeof(answer), &again), PACKET_UDP);
	assert_string_equal((const char *)again.payload.bytes, "answered");
	check_unreachable(&again);
	memcpy(before, out, length);
	out[length - 2] = out[length - 1] = 0;
	packet_renew_udp(&again, out);
	assert_memory_equal(before, out, length);
}

static void test_print(void **state)
{
	/* The example of RFC 1071 section 3. */
	static const uint8_t sample[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };

	(void)state;
	assert_int_equal(packet_sum_fold(packet_sum(0, sample, 8)), (uint16_t)~0xddf2);
	assert_int_equal(packet_sum_fold(packet_sum(packet_sum(0, sample, 4), sample + 4, 4)),
			 (uint16_t)~0xddf2);
	check_printed("192.0.2.10:40000", "198.51.100.1:443");
	check_printed("[2001:db8::1]:40000", "[2001:db8::2]:53");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_with_options), cmocka_unit_test(test_ipv6_extension_headers),
		cmocka_unit_test(test_fragments),	  cmocka_unit_test(test_broken),
		cmocka_unit_test(test_print),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
