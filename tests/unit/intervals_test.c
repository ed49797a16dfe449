// link: lists tests/unit/compiling.c tests/unit/dice.c netfilter/intervals.c daemon/address.c daemon/name.c daemon/reader.c daemon/text.c -lz -lzstd -llzma -lidn2
/* The intervals that a walk gives against the look-up of the same ranges, on random lists: every address is in
 * the interval that its class says, intervals are sorted, disjoint, and as long as they can be. */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/intervals.h"
#include "tests/unit/compiling.h"
#include "tests/unit/dice.h"

enum { ROUNDS = 40, ENTRIES = 200, QUESTIONS = 300, INTERVALS_MAX = 4096 };

static struct address make_address(void)
{
	struct address address = { .family = pick(2) ? AF_INET : AF_INET6 };

	for (unsigned i = 0; i < address_width(&address); i++)
		address.bytes[i] = (uint8_t)(pick(3) ? pick(2) * 255 : pick(256));
	if (address.family == AF_INET6 && pick(2))
		memcpy(address.bytes, "\x20\x01\x0d\xb8\0\0\0\1", 8);
	return address;
}

static void add_entry(struct listing *listing)
{
	struct list_entry entry = { .kind = ENTRY_RANGE, .first = make_address() };
	unsigned bits = address_width(&entry.first) * 8;
	unsigned keep = 3 + pick(bits - 2);

	entry.last = entry.first;
	for (unsigned bit = keep; bit < bits; bit++) {
		entry.first.bytes[bit / 8] &= (uint8_t) ~(128 >> bit % 8);
		entry.last.bytes[bit / 8] |= (uint8_t)(128 >> bit % 8);
	}
	listing_add(listing, pick(3), &entry);
}

static struct wide number_of(const struct address *address)
{
	uint64_t halves[2];

	if (address->family == AF_INET)
		return (struct wide){ 0, ntohl(address->v4.s_addr) };
	memcpy(halves, address->bytes, sizeof(halves));
	return (struct wide){ be64toh(halves[0]), be64toh(halves[1]) };
}

static size_t walk(const struct ranges *ranges, const uint8_t *of_class,
		   enum interval_sequence sequence, struct interval *intervals)
{
	struct interval_walk place;
	size_t count = 0;

	interval_walk_begin(&place, ranges, of_class, sequence);
	while (interval_walk_next(&place, &intervals[count])) {
		const struct interval *one = &intervals[count];

		assert_true(wide_compare(one->first, one->last) <= 0);
		if (count) {
			assert_true(wide_compare(one[-1].last, one->first) < 0);
			assert_false(one->signature == one[-1].signature &&
				     wide_compare(wide_next(one[-1].last), one->first) == 0);
		}
		assert_true(++count < INTERVALS_MAX);
	}
	return count;
}

static unsigned find(const struct interval *intervals, size_t count, struct wide number)
{
	for (size_t i = 0; i < count; i++)
		if (wide_compare(intervals[i].first, number) <= 0 &&
		    wide_compare(number, intervals[i].last) <= 0)
			return intervals[i].signature;
	return 0;
}

static void compare(void)
{
	static struct interval intervals[INTERVAL_SEQUENCES][INTERVALS_MAX];
	size_t counts[INTERVAL_SEQUENCES];
	struct listing *listing = listing_new();
	struct compiled compiled;
	uint8_t of_class[256];

	for (unsigned i = 0; i < ENTRIES; i++)
		add_entry(listing);
	listing_open(listing, &compiled);
	of_class[0] = 0;
	for (unsigned i = 1; i < 256; i++)
		of_class[i] = (uint8_t)pick(3);
	for (unsigned i = 0; i < INTERVAL_SEQUENCES; i++)
		counts[i] = walk(&compiled.ranges, of_class, (enum interval_sequence)i, intervals[i]);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct address address = make_address();
		const struct list_set *set = ranges_find(&compiled.ranges, &address);
		unsigned expected = set ? of_class[set - compiled.ranges.classes] : 0;
		struct wide number = number_of(&address);
		unsigned given =
			address.family == AF_INET
				? find(intervals[INTERVALS4], counts[INTERVALS4], number)
				: find(intervals[INTERVALS6], counts[INTERVALS6], number) +
					  find(intervals[INTERVALS_SPILL6], counts[INTERVALS_SPILL6],
					       number);

		assert_int_equal(given, expected);
	}
	compiled_close(&compiled);
	listing_free(listing);
}

static void walk_and_look_up_agree(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		dice_begin(i);
		compare();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_and_look_up_agree),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
