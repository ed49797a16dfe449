// link: policy lists marker netfilter/signatures.c tests/unit/compiling.c tests/unit/dice.c tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2
/* The kernel's look-up against the daemon's: random ranges of several lists, loaded into the BPF program of
 * the running kernel, asked by test runs of it. Skipped where it is not built in or not allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/marker.h"
#include "daemon/text.h"
#include "tests/unit/compiling.h"
#include "tests/unit/dice.h"
#include "tests/unit/policy_text.h"

enum { LISTS = 5, ROUNDS = 12, ENTRIES = 400, QUESTIONS = 1500, MASK = 0x00ff0000, SHIFT = 16 };
enum { MANY = 420000, ASKED = 3000 }; /* more than an index of the first 16 bits is good for */

/* Few enough different bytes that ranges and questions meet, also at their edges. */
static struct address make_address(void)
{
	struct address address = { .family = pick(2) ? AF_INET : AF_INET6 };
	unsigned width = address_width(&address);

	for (unsigned i = 0; i < width; i++)
		address.bytes[i] = (uint8_t)(pick(3) ? pick(3) * 127 : pick(2) ? 255 : pick(256));
	if (address.family == AF_INET6 && pick(2))
		memcpy(address.bytes, "\x20\x01\x0d\xb8\0\0\0\1", 8);
	return address;
}

static void add_entry(struct listing *listing)
{
	struct list_entry entry = { .kind = ENTRY_RANGE, .first = make_address() };
	unsigned width = address_width(&entry.first);
	unsigned keep = pick(width * 8);

	entry.last = entry.first;
	for (unsigned bit = keep; bit < width * 8; bit++)
		entry.last.bytes[bit / 8] |= (uint8_t)(128 >> bit % 8);
	if (memcmp(entry.first.bytes, entry.last.bytes, width) <= 0 && keep > 4)
		listing_add(listing, pick(LISTS), &entry);
}

static uint32_t ask(const struct marker *marker, const struct address *address,
		    enum marker_side side)
{
	uint8_t packet[128] = { 0 };
	bool ipv6 = address->family == AF_INET6;
	size_t place = ipv6 ? (side == MARKER_SOURCE ? 8 : 24) : (side == MARKER_SOURCE ? 12 : 16);
	uint32_t mark, nanoseconds;

	packet[12] = ipv6 ? 0x86 : 0x08;
	packet[13] = ipv6 ? 0xdd : 0;
	packet[14] = ipv6 ? 0x60 : 0x45;
	memcpy(packet + 14 + place, address->bytes, address_width(address));
	assert_int_equal(marker_try(marker, side, packet, sizeof(packet), 1, &mark, &nanoseconds), 0);
	assert_int_equal(mark & ~(uint32_t)MASK, 0);
	return mark >> SHIFT;
}

/* A policy that asks about some of the lists. */
static struct policy *make_policy(unsigned asked)
{
	char storage[2048];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_add(&text, "headgate: 1\nlan: a\nlists:\n");
	for (unsigned i = 0; i < LISTS; i++)
		text_addf(&text, "  list%u: { addresses: list%u }\n", i, i);
	text_add(&text, "rules:\n");
	for (unsigned i = 0; i < LISTS; i++)
		if (asked >> i & 1)
			text_addf(&text, "  - { when: { not: { address: list list%u } }, do: pass }\n", i);
	text_add(&text, "  - { when: { port: 1 }, do: block }\n");
	return policy_of_text(storage);
}

static void compare(struct marker *marker, struct signatures *signatures, unsigned entries)
{
	unsigned asked = pick(32), hits = 0;
	struct listing *listing = listing_new();
	struct compiled *compiled = calloc(1, sizeof(*compiled));
	struct policy *policy = make_policy(asked);

	for (unsigned i = 0; i < entries; i++)
		add_entry(listing);
	listing_open(listing, compiled);
	assert_int_equal(policy_take_lists(policy, compiled), 0);
	assert_int_equal(signatures_take(signatures, policy), 0);
	assert_int_equal(marker_load(marker, &compiled->ranges, signatures, MASK), 0);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct address address = make_address();
		unsigned number = ask(marker, &address, pick(2));

		assert_int_equal(number, signatures_find(signatures, &compiled->ranges, &address));
		for (size_t j = 0; j < policy->list_count; j++)
			if (asked >> j & 1)
				assert_int_equal(number && signature_has(signatures, number,
									 policy->lists[j]),
						 list_has_address(policy->lists[j], &address));
		hits += number != 0;
	}
	/* Otherwise the test proves little. */
	if (entries == ENTRIES && asked)
		assert_in_range(hits, QUESTIONS / 20, QUESTIONS - QUESTIONS / 20);
	policy_release(policy);
	listing_free(listing);
}

static struct list_entry make_small(void)
{
	struct list_entry entry = { .kind = ENTRY_RANGE };
	uint32_t first = pick(1u << 31) * 2 + pick(2), length = 1u << pick(pick(40) ? 9 : 24);

	entry.first.family = entry.last.family = AF_INET;
	entry.first.v4.s_addr = htonl(first);
	entry.last.v4.s_addr = htonl(first > UINT32_MAX - length ? UINT32_MAX : first + length - 1);
	return entry;
}

/* Both ends of an entry, and their neighbours. */
static void ask_about_ends(const struct marker *marker, const struct signatures *signatures,
			   const struct ranges *ranges, const struct list_entry *entry)
{
	const uint32_t ends[] = { ntohl(entry->first.v4.s_addr), ntohl(entry->last.v4.s_addr) };

	for (unsigned i = 0; i < 6; i++) {
		struct address address = { .family = AF_INET };

		address.v4.s_addr = htonl(ends[i % 2] + i / 2 - 1);
		assert_int_equal(ask(marker, &address, MARKER_DESTINATION),
				 signatures_find(signatures, ranges, &address));
	}
}

static void many_ranges_are_found_by_a_finer_index(void **state)
{
	char message[MARKER_MESSAGE];
	struct marker *marker = marker_open(message);
	struct signatures signatures = { 0 };
	struct listing *listing = listing_new();
	struct compiled *compiled = calloc(1, sizeof(*compiled));
	struct policy *policy = make_policy(7);

	(void)state;
	if (!marker) {
		fprintf(stderr, "# %s\n", message);
		skip();
	}
	dice_begin(99);
	for (unsigned i = 0; i < MANY; i++) {
		struct list_entry entry = make_small();

		listing_add(listing, pick(LISTS), &entry);
	}
	listing_open(listing, compiled);
	assert_in_range(compiled->ranges.count4, 5 * 65536, UINT32_MAX);
	assert_int_equal(policy_take_lists(policy, compiled), 0);
	assert_int_equal(signatures_take(&signatures, policy), 0);
	assert_int_equal(marker_load(marker, &compiled->ranges, &signatures, MASK), 0);
	dice_begin(99);
	for (unsigned i = 0; i < ASKED; i++) {
		struct list_entry entry = make_small();

		pick(LISTS);
		ask_about_ends(marker, &signatures, &compiled->ranges, &entry);
	}
	signatures_end(&signatures);
	policy_release(policy);
	listing_free(listing);
	marker_close(marker);
}

static void kernel_finds_what_the_daemon_finds(void **state)
{
	char message[MARKER_MESSAGE];
	struct marker *marker = marker_open(message);
	struct signatures signatures = { 0 };

	(void)state;
	if (!marker) {
		fprintf(stderr, "# %s\n", message);
		skip();
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		dice_begin(i);
		compare(marker, &signatures, i % 4 ? ENTRIES : pick(3));
	}
	signatures_end(&signatures);
	marker_close(marker);
}

/* Frames as they are on the wire, and what is looked up in them. In a network, tags and PPP are gone when a
 * packet enters IP: tests/proofs/marks.py sends these. */
static const struct frame {
	const char *what;
	const char *bytes; /* hexadecimal, behind the two Ethernet addresses; filled up with zeros */
	bool found;	   /* both ends of every packet are on the list: 192.0.2.1, 2001:db8::1 */
	unsigned length;   /* behind the Ethernet header, when the packet is cut short; 0: it is not */
} frames[] = {
	{ "IPv4", "0800 4500001c 00000000 40110000 c0000201 c0000201", true, 0 },
	{ "IPv4 with options", "0800 47000024 00000000 40110000 c0000201 c0000201 01010101 01010100", true, 0 },
	{ "a later fragment", "0800 4500001c 000020b9 40110000 c0000201 c0000201", true, 0 },
	{ "IPv4, all that is there", "0800 45000014 00000000 40110000 c0000201 c0000201", true, 20 },
	{ "IPv4, cut short", "0800 45000014 00000000 40110000 c0000201 c0000201", false, 14 },
	{ "IPv6",
	  "86dd 60000000 00081140 20010db8000000000000000000000001 20010db8000000000000000000000001", true, 0 },
	{ "IPv6 with a fragment header",
	  "86dd 60000000 00102c40 20010db8000000000000000000000001 20010db8000000000000000000000001 "
	  "11000009 00000001", true, 0 },
	{ "IPv6, cut short",
	  "86dd 60000000 00081140 20010db8000000000000000000000001 20010db8000000000000000000000001", false, 22 },
	{ "a tag of a VLAN", "8100 0007 0800 4500001c 00000000 40110000 c0000201 c0000201", false, 0 },
	{ "two tags", "88a8 0007 8100 0009 0800 4500001c 00000000 40110000 c0000201 c0000201", false, 0 },
	{ "PPPoE", "8864 1100 0001 001e 0021 4500001c 00000000 40110000 c0000201 c0000201", false, 0 },
	{ "ARP", "0806 0001 0800 0604 0001 020000000001 c0000201 000000000000 c0000201", false, 0 },
	{ "IPv4 by length", "001c 4500001c 00000000 40110000 c0000201 c0000201", false, 0 },
};

static size_t read_hexadecimal(const char *text, uint8_t *bytes)
{
	size_t count = 0;

	for (unsigned byte; *text; text += 2, count++) {
		text += *text == ' ';
		assert_int_equal(sscanf(text, "%2x", &byte), 1);
		bytes[count] = (uint8_t)byte;
	}
	return count;
}

static void load_one_address_of_each_family(struct marker *marker)
{
	struct listing *listing = listing_new();
	struct compiled *compiled = calloc(1, sizeof(*compiled));
	struct policy *policy = make_policy(1);
	struct signatures signatures = { 0 };
	struct list_entry entry = { .kind = ENTRY_RANGE };

	address_parse(&entry.first, "192.0.2.1");
	entry.last = entry.first;
	listing_add(listing, 0, &entry);
	address_parse(&entry.first, "2001:db8::1");
	entry.last = entry.first;
	listing_add(listing, 0, &entry);
	listing_open(listing, compiled);
	assert_int_equal(policy_take_lists(policy, compiled), 0);
	assert_int_equal(signatures_take(&signatures, policy), 0);
	assert_int_equal(marker_load(marker, &compiled->ranges, &signatures, MASK), 0);
	signatures_end(&signatures);
	policy_release(policy);
	listing_free(listing);
}

static void every_kind_of_frame_is_read(void **state)
{
	char message[MARKER_MESSAGE];
	struct marker *marker = marker_open(message);

	(void)state;
	if (!marker) {
		fprintf(stderr, "# %s\n", message);
		skip();
	}
	load_one_address_of_each_family(marker);
	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		uint8_t packet[128] = { 0 };
		size_t length = 12 + read_hexadecimal(frames[i].bytes, packet + 12);
		uint32_t mark, nanoseconds;

		length = frames[i].length ? 14 + frames[i].length : length + 24;
		for (enum marker_side side = MARKER_DESTINATION; side <= MARKER_SOURCE; side++) {
			if (marker_try(marker, side, packet, length, 1, &mark, &nanoseconds) < 0) {
				/* Newer kernels try nothing that has no whole header. */
				if (errno == EINVAL && frames[i].length && !frames[i].found)
					continue;
				fail_msg("%s: %s", frames[i].what, strerror(errno));
			}
			if ((mark != 0) != frames[i].found)
				fail_msg("%s: mark %x", frames[i].what, mark);
		}
	}
	marker_close(marker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_finds_what_the_daemon_finds),
		cmocka_unit_test(many_ranges_are_found_by_a_finer_index),
		cmocka_unit_test(every_kind_of_frame_is_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
