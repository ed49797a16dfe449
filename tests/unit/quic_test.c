// link: tests/unit/initials.c daemon/packet/quic.c daemon/packet/quic_packet.c daemon/packet/quic_keys.c daemon/packet/segments.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "initials.h"

/* The frames of RFC 9001 appendix A.2 and RFC 9369 appendix A.2; padding follows up to 1162 bytes. */
static const char sample_frames[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
	"04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
	"616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
	"04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
	"baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
	"0d0010000e0403050306030203080408050806002d00020101001c0002400100"
	"3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
	"75300901100f088394c8f03e51570806048000ffff";

/* How the packets of the appendices begin and end; the end holds the tag over everything. */
static const char v1_head[] = "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11";
static const char v1_tail[] = "e221af44860018ab0856972e194cd934";
static const char v2_head[] = "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485";
static const char v2_tail[] = "a18b2faa745b6fe189cf772a9f84cbfc";
static const char sample_id[] = "\x83\x94\xc8\xf0\x3e\x51\x57\x08";

enum { FRAMES = 1162 };

static uint8_t frames[8192];
static uint8_t packet[8192];

static size_t from_hex(const char *hex, uint8_t *out)
{
	size_t length = strlen(hex) / 2;

	for (size_t i = 0; i < length; i++) {
		char digits[3] = { hex[2 * i], hex[2 * i + 1] };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return length;
}

static void assert_bytes(const uint8_t *bytes, const char *hex)
{
	uint8_t wanted[64];

	assert_memory_equal(bytes, wanted, from_hex(hex, wanted));
}

static enum quic_answer read_bytes(struct quic_client *client, const uint8_t *bytes, size_t length,
				   struct hello *hello)
{
	return quic_client_read(client, (struct span){ bytes, length }, hello);
}

static void assert_name(struct quic_client *client, const uint8_t *bytes, size_t length,
			const char *name)
{
	struct hello hello;

	assert_int_equal(read_bytes(client, bytes, length, &hello), QUIC_HELLO);
	assert_string_equal(hello.name, name);
}

static size_t print_sample(const struct initial *initial)
{
	memset(frames, 0, FRAMES);
	from_hex(sample_frames, frames);
	return initial_print(initial, frames, FRAMES, packet);
}

static void check_sample(uint32_t version, const char *head, const char *tail)
{
	const struct initial initial = { .version = version, .id = sample_id, .number = 2 };
	struct quic_client client;
	size_t length = print_sample(&initial);

	assert_int_equal(length, 1200);
	assert_bytes(packet, head);
	assert_bytes(packet + length - strlen(tail) / 2, tail);
	quic_client_begin(&client);
	assert_name(&client, packet, length, "example.com");
	quic_client_end(&client);
}

static void test_samples_of_the_standards(void **state)
{
	(void)state;
	check_sample(QUIC_VERSION_1, v1_head, v1_tail);
	check_sample(QUIC_VERSION_2, v2_head, v2_tail);
}

/* A hello with a name and padding up to length, as a handshake message. */
static size_t print_hello(const char *name, size_t length, uint8_t *out)
{
	static const uint8_t start[] = { 3, 3, [34] = 0, 0, 2, 0x13, 1, 1, 0 };
	size_t named = strlen(name), end = 4 + sizeof(start) + 2, padding;
	uint8_t *place = out + end;

	memset(out, 0, length);
	memcpy(out + 4, start, sizeof(start));
	place[3] = (uint8_t)(named + 5);
	place[5] = (uint8_t)(named + 3);
	place[8] = (uint8_t)named;
	memcpy(place + 9, name, named);
	place += 9 + named;
	padding = length - (size_t)(place - out) - 4;
	place[1] = 21;
	place[2] = (uint8_t)(padding >> 8);
	place[3] = (uint8_t)padding;
	out[end - 2] = (uint8_t)((length - end) >> 8);
	out[end - 1] = (uint8_t)(length - end);
	out[0] = 1;
	out[2] = (uint8_t)((length - 4) >> 8);
	out[3] = (uint8_t)(length - 4);
	return length;
}

enum { PARTS = 3, PART = 700 };

struct flight {
	size_t length[PARTS];
	uint8_t datagram[PARTS][1400];
};

/* One hello over three Initials, as a browser with post-quantum keys sends it; with a PING before, and the
 * parts out of order even inside each packet. */
static void print_flight(struct flight *flight, const struct initial *like, const char *name)
{
	static uint8_t hello[PARTS * PART];

	print_hello(name, sizeof(hello), hello);
	for (size_t part = 0; part < PARTS; part++) {
		struct initial initial = *like;
		const uint8_t *half = hello + part * PART + PART / 2;
		size_t end = 0;

		initial.number = (uint32_t)part;
		memset(frames, 0, sizeof(frames));
		frames[end++] = 1;
		end += crypto_print(part * PART + PART / 2, half, PART / 2, frames + end);
		end += 20; /* padding between frames */
		end += crypto_print(part * PART, half - PART / 2, PART / 2, frames + end);
		flight->length[part] =
			initial_print(&initial, frames, 1100, flight->datagram[part]);
	}
}

static void test_hello_over_three_datagrams_in_every_order(void **state)
{
	static const unsigned orders[][PARTS] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
						  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static struct flight flight;
	struct initial initial = { .version = QUIC_VERSION_1, .id = "12345678" };
	struct hello hello;

	(void)state;
	print_flight(&flight, &initial, "three.example");
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		const unsigned *order = orders[i];
		struct quic_client client;

		quic_client_begin(&client);
		for (size_t part = 0; part < PARTS - 1; part++)
			assert_int_equal(read_bytes(&client, flight.datagram[order[part]],
						    flight.length[order[part]], &hello),
					 QUIC_MORE);
		/* One that came before comes again: nothing changes. */
		assert_int_equal(read_bytes(&client, flight.datagram[order[0]],
					    flight.length[order[0]], &hello),
				 QUIC_MORE);
		assert_name(&client, flight.datagram[order[2]], flight.length[order[2]],
			    "three.example");
		quic_client_end(&client);
	}
}

static void test_the_client_turns_to_the_id_that_the_server_chose(void **state)
{
	static struct flight first, second;
	const struct initial before = { .version = QUIC_VERSION_1, .id = "12345678" };
	const struct initial after = { .version = QUIC_VERSION_1, .id = "server", .keys = "12345678" };
	struct quic_client client;
	struct hello hello;

	(void)state;
	print_flight(&first, &before, "moved.example");
	print_flight(&second, &after, "moved.example");
	quic_client_begin(&client);
	assert_int_equal(read_bytes(&client, first.datagram[0], first.length[0], &hello), QUIC_MORE);
	assert_int_equal(read_bytes(&client, second.datagram[2], second.length[2], &hello),
			 QUIC_MORE);
	assert_name(&client, second.datagram[1], second.length[1], "moved.example");
	quic_client_end(&client);
}

static void check_new_beginning(uint32_t version, const char *id)
{
	static struct flight first, second;
	const struct initial before = { .version = QUIC_VERSION_1, .id = "12345678" };
	const struct initial after = { .version = version, .id = id };
	struct quic_client client;
	struct hello hello;

	print_flight(&first, &before, "one.example");
	print_flight(&second, &after, "two.example");
	quic_client_begin(&client);
	assert_int_equal(read_bytes(&client, first.datagram[0], first.length[0], &hello), QUIC_MORE);
	for (size_t part = 0; part < PARTS - 1; part++)
		assert_int_equal(read_bytes(&client, second.datagram[part], second.length[part],
					    &hello),
				 QUIC_MORE);
	assert_name(&client, second.datagram[2], second.length[2], "two.example");
	quic_client_end(&client);
}

static void test_retry_and_version_negotiation_begin_anew(void **state)
{
	(void)state;
	check_new_beginning(QUIC_VERSION_1, "retried");
	check_new_beginning(QUIC_VERSION_2, "negotiated");
	check_new_beginning(QUIC_VERSION_2, "12345678");
}

static void test_other_packets_around_the_initial(void **state)
{
	const struct initial initial = { .version = QUIC_VERSION_1, .id = sample_id, .number = 2 };
	uint8_t zero_rtt[64] = { 0xd3, 0, 0, 0, 1, 1, 'x', 0, 40 };
	uint8_t datagram[2000];
	struct quic_client client;
	struct hello hello;
	size_t length;

	(void)state;
	quic_client_begin(&client);
	assert_int_equal(read_bytes(&client, zero_rtt, 49, &hello), QUIC_MORE);
	length = print_sample(&initial);
	memcpy(datagram, zero_rtt, 49);
	memcpy(datagram + 49, packet, length);
	memset(datagram + 49 + length, 0, 100); /* padding behind the last packet */
	assert_name(&client, datagram, 49 + length + 100, "example.com");
	quic_client_end(&client);
}

static void test_what_is_no_beginning_of_quic(void **state)
{
	static const char *const others[] = {
		"16fefd0000000000000000", /* DTLS */
		"0100000044332211",       /* WireGuard */
		"000100002112a442",       /* STUN */
		"4012345678",             /* a short header */
		"80600001deadbeefcafebabe", /* RTP */
		"c000000001",             /* cut off */
		"",
	};
	struct quic_client client;
	struct hello hello;

	(void)state;
	quic_client_begin(&client);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(read_bytes(&client, packet, from_hex(others[i], packet), &hello),
				 QUIC_NOT);
	/* A version made to be refused: the client will come again with another. */
	memset(packet, 0, 1200);
	from_hex("c01a2a3a4a0412345678", packet);
	assert_int_equal(read_bytes(&client, packet, 1200, &hello), QUIC_MORE);
	/* One that some server may take. */
	from_hex("c0709a50c40412345678", packet);
	assert_int_equal(read_bytes(&client, packet, 1200, &hello), QUIC_UNREADABLE);
	quic_client_end(&client);
}

static enum quic_answer read_frames_of(size_t length)
{
	const struct initial initial = { .version = QUIC_VERSION_1, .id = "abcdefgh" };
	struct quic_client client;
	struct hello hello;
	enum quic_answer answer;

	quic_client_begin(&client);
	length = initial_print(&initial, frames, length, packet);
	answer = read_bytes(&client, packet, length, &hello);
	quic_client_end(&client);
	return answer;
}

static void test_unreadable(void **state)
{
	size_t end;

	(void)state;
	memset(frames, 0, 1200);
	frames[0] = 0x08; /* a STREAM frame has no place here */
	assert_int_equal(read_frames_of(1100), QUIC_UNREADABLE);
	/* Two frames that contradict each other. */
	end = crypto_print(0, (const uint8_t *)"\1\0\0\4abcd", 8, frames);
	crypto_print(4, (const uint8_t *)"abXd", 4, frames + end);
	assert_int_equal(read_frames_of(1100), QUIC_UNREADABLE);
	/* Not a ClientHello. */
	memset(frames, 0, 1200);
	crypto_print(0, (const uint8_t *)"\2\0\0\1\0", 5, frames);
	assert_int_equal(read_frames_of(1100), QUIC_UNREADABLE);
	/* A frame that ends behind the packet. */
	memset(frames, 0, 1200);
	frames[1099] = 6;
	assert_int_equal(read_frames_of(1100), QUIC_UNREADABLE);
}

static void test_a_changed_packet_says_nothing(void **state)
{
	const struct initial initial = { .version = QUIC_VERSION_1, .id = sample_id, .number = 2 };
	struct quic_client client;
	struct hello hello;
	size_t length = print_sample(&initial);

	(void)state;
	packet[length - 1] ^= 1;
	quic_client_begin(&client);
	assert_int_equal(read_bytes(&client, packet, length, &hello), QUIC_MORE);
	packet[length - 1] ^= 1;
	assert_name(&client, packet, length, "example.com");
	quic_client_end(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_of_the_standards),
		cmocka_unit_test(test_hello_over_three_datagrams_in_every_order),
		cmocka_unit_test(test_the_client_turns_to_the_id_that_the_server_chose),
		cmocka_unit_test(test_retry_and_version_negotiation_begin_anew),
		cmocka_unit_test(test_other_packets_around_the_initial),
		cmocka_unit_test(test_what_is_no_beginning_of_quic),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_a_changed_packet_says_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
