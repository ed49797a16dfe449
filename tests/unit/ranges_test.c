// link: tests/unit/compiling.c daemon/lists/builder.c daemon/lists/publication.c daemon/lists/range_writer.c daemon/lists/suffix_writer.c daemon/lists/range_record.c daemon/lists/name_record.c daemon/lists/wide.c daemon/lists/class_table.c daemon/lists/draft.c daemon/lists/sorter.c daemon/lists/spool.c daemon/lists/compiled.c daemon/lists/layout.c daemon/lists/ranges.c daemon/lists/suffixes.c daemon/lists/members.c daemon/lists/hash.c daemon/lists/set.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/compiling.h"

enum { ENTRIES = 120, QUESTIONS = 300, ROUNDS = 60 };

static struct address parse(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static struct list_entry range(const char *first, const char *last, unsigned line)
{
	return (struct list_entry){
		.kind = ENTRY_RANGE,
		.line = line,
		.first = parse(first),
		.last = parse(last),
	};
}

static bool holds(const struct compiled *compiled, const char *text, unsigned list)
{
	struct address address = parse(text);
	const struct list_set *set = ranges_find(&compiled->ranges, &address);

	return set && list_set_has(set, list);
}

static bool covers(const struct list_entry *entry, const struct address *address)
{
	return entry->first.family == address->family &&
	       address_compare(&entry->first, address) <= 0 &&
	       address_compare(address, &entry->last) <= 0;
}

/* The same answer by looking at every entry. */
static void twin_find(const struct listing *listing, const struct address *address,
		      struct list_set *set)
{
	struct list_set allow = { { 0 } };

	memset(set, 0, sizeof *set);
	for (size_t i = 0; i < listing->count; i++)
		if (covers(&listing->entries[i], address))
			list_set_add(listing->entries[i].allow ? &allow : set, listing->lists[i]);
	list_set_subtract(set, &allow);
}

struct search {
	const struct listing *listing;
	const struct address *address;
	struct list_set found;
};

/* Lines are the entries' numbers. */
static void check_origin(void *context, unsigned list, const struct list_entry *entry)
{
	struct search *search = context;
	const struct list_entry *original = &search->listing->entries[entry->line];

	assert_true(covers(entry, search->address));
	assert_true(address_equal(&entry->first, &original->first));
	assert_true(address_equal(&entry->last, &original->last));
	assert_int_equal(list, search->listing->lists[entry->line]);
	assert_int_equal(entry->allow, original->allow);
	if (!entry->allow)
		list_set_add(&search->found, list);
}

/* Every list of the answer can name the entry that is the reason. */
static void compare(const struct compiled *compiled, const struct listing *listing,
		    const struct address *address)
{
	const struct list_set *found = ranges_find(&compiled->ranges, address);
	struct search search = { listing, address, { { 0 } } };
	struct list_set wanted;

	twin_find(listing, address, &wanted);
	assert_int_equal(found != NULL, !list_set_is_empty(&wanted));
	if (!found)
		return;
	assert_memory_equal(found, &wanted, sizeof wanted);
	ranges_search(&compiled->ranges, address, check_origin, &search);
	list_set_subtract(&wanted, &search.found);
	assert_true(list_set_is_empty(&wanted));
}

static struct address number4(uint32_t number)
{
	return (struct address){ .family = AF_INET, .v4.s_addr = htonl(number) };
}

static struct address number6(uint64_t upper, uint64_t lower)
{
	uint64_t halves[2] = { htobe64(upper), htobe64(lower) };
	struct address address = { .family = AF_INET6 };

	memcpy(address.bytes, halves, sizeof halves);
	return address;
}

/* Crowded around the edges where the tables are cut: both ends, and the seams of /16s and /64s. */
static uint32_t random4(void)
{
	static const uint32_t seams[] = { 0,	      0xffff,	  0x10000,   0x20000,
					  0x7fffffff, 0xfffeffff, UINT32_MAX };

	return seams[rand() % 7] + (uint32_t)(rand() % 5 - 2) * (rand() % 4 ? 1 : 7000);
}

static uint64_t random_half(void)
{
	static const uint64_t seams[] = { 0, 1, 0xffffffffffff, UINT64_C(0x2001000000000000),
					  UINT64_MAX };

	return seams[rand() % 5] + (uint64_t)(rand() % 3) - 1;
}

static struct address random_address(bool ipv6)
{
	return ipv6 ? number6(random_half(), random_half()) : number4(random4());
}

static bool spans(const struct list_entry *entry, const char *first, const char *last)
{
	struct address from = parse(first);
	struct address to = parse(last);

	return address_equal(&entry->first, &from) && address_equal(&entry->last, &to);
}

static bool is_everything(const struct list_entry *entry)
{
	return spans(entry, "0.0.0.0", "255.255.255.255") ||
	       spans(entry, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void random_listing(struct listing *listing, unsigned lists)
{
	listing->count = 0;
	for (unsigned i = 0; i < ENTRIES; i++) {
		bool ipv6 = rand() % 2;
		struct list_entry entry = { .kind = ENTRY_RANGE, .line = i };

		entry.first = random_address(ipv6);
		entry.last = rand() % 3 ? random_address(ipv6) : entry.first;
		if (address_compare(&entry.first, &entry.last) > 0) {
			struct address swap = entry.first;

			entry.first = entry.last;
			entry.last = swap;
		}
		entry.allow = rand() % 4 == 0 || is_everything(&entry); /* else refused */
		listing_add(listing, (unsigned)rand() % lists, &entry);
	}
}

static void a_naive_twin_agrees(void **state)
{
	static const unsigned lists[] = { 1, 2, 7, LISTS_MAX };
	struct listing *listing = listing_new();
	struct compiled compiled;

	(void)state;
	for (unsigned seed = 0; seed < ROUNDS; seed++) {
		srand(seed);
		random_listing(listing, lists[seed % 4]);
		listing->count =
			seed % 8 ? ENTRIES / (1 + seed % 5) : seed / 8; /* small ones too */
		listing_open(listing, &compiled);
		for (unsigned i = 0; i < QUESTIONS; i++) {
			struct address address = random_address(i % 2);

			compare(&compiled, listing, &address);
		}
		for (size_t i = 0; i < listing->count; i++) {
			compare(&compiled, listing, &listing->entries[i].first);
			compare(&compiled, listing, &listing->entries[i].last);
		}
		compiled_close(&compiled);
	}
	listing_free(listing);
}

/* Thousands of neighbours in one /16 and over all of them: the longest searches. */
static void crowded_tables_agree_with_arithmetic(void **state)
{
	struct listing *listing = listing_new();
	struct compiled compiled;
	struct list_entry entry = { .kind = ENTRY_RANGE };

	(void)state;
	for (uint32_t i = 0; i < 32768; i++) {
		entry.first = entry.last = number4(0x0a0a0000 + 2 * i);
		listing_add(listing, 0, &entry);
		entry.first = entry.last = number4(i * 131072 + 77);
		listing_add(listing, 0, &entry);
		entry.first = number6(UINT64_C(0x20010db800000000) + 4 * i, 0);
		entry.last = number6(UINT64_C(0x20010db800000000) + 4 * i + 1, UINT64_MAX);
		listing_add(listing, 0, &entry);
	}
	listing_open(listing, &compiled);
	for (uint32_t i = 0; i < 65536; i++) {
		struct address in16 = number4(0x0a0a0000 + i);
		struct address over = number4(i * 65536 + 77);
		struct address wide = number6(UINT64_C(0x20010db800000000) + 2 * i, i);

		assert_int_equal(ranges_find(&compiled.ranges, &in16) != NULL,
				 i % 2 == 0 || (i == 77 && 0x0a0a % 2 == 0));
		assert_int_equal(ranges_find(&compiled.ranges, &over) != NULL, i % 2 == 0);
		assert_int_equal(ranges_find(&compiled.ranges, &wide) != NULL, i % 2 == 0);
	}
	compiled_close(&compiled);
	listing_free(listing);
}

static void neighbours_become_one_range(void **state)
{
	struct listing *listing = listing_new();
	struct compiled compiled;
	struct list_entry entries[] = {
		range("192.0.2.128", "192.0.2.255", 2),
		range("192.0.2.0", "192.0.2.127", 1),
		range("192.0.2.7", "192.0.2.7", 3),
		range("192.0.3.0", "192.0.3.255", 4),
		range("2001:db8::", "2001:db8:0:7:ffff:ffff:ffff:ffff", 5),
		range("2001:db8:0:8::", "2001:db8:0:9:ffff:ffff:ffff:ffff", 6),
	};

	(void)state;
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		listing_add(listing, 0, &entries[i]);
	listing_open(listing, &compiled);
	assert_int_equal(compiled.ranges.count4, 1);
	assert_int_equal(compiled.ranges.count6, 1);
	assert_int_equal(compiled.ranges.spill_count6, 0);
	assert_null(compiled.ranges.members4.classes);
	assert_int_equal(compiled.lists[0].addresses, 5); /* the single address is covered */
	compiled_close(&compiled);
	listing_free(listing);
}

static void lists_are_told_apart(void **state)
{
	struct listing *listing = listing_new();
	struct compiled compiled;
	struct list_entry wide = range("10.0.0.0", "10.255.255.255", 1);
	struct list_entry narrow = range("10.1.0.0", "10.1.255.255", 2);
	struct list_entry hole = range("10.1.2.3", "10.1.2.3", 3);

	(void)state;
	hole.allow = true;
	listing_add(listing, 0, &wide);
	listing_add(listing, 3, &narrow);
	listing_add(listing, 3, &hole);
	listing_open(listing, &compiled);
	assert_true(holds(&compiled, "10.1.2.2", 0) && holds(&compiled, "10.1.2.2", 3));
	assert_true(holds(&compiled, "10.1.2.3", 0) && !holds(&compiled, "10.1.2.3", 3));
	assert_true(holds(&compiled, "10.2.0.0", 0) && !holds(&compiled, "10.2.0.0", 3));
	assert_false(holds(&compiled, "11.0.0.0", 0) || holds(&compiled, "9.255.255.255", 0));
	assert_int_equal(compiled_list(&compiled, "list3"), 3);
	assert_int_equal(compiled_list(&compiled, "none"), compiled.list_count);
	compiled_close(&compiled);
	listing_free(listing);
}

static void guarded_addresses_are_never_taken(void **state)
{
	struct list_builder *builder = list_builder_new("/tmp");
	const struct list_tally *tally;
	struct list_entry refused[] = {
		range("0.0.0.0", "255.255.255.255", 11),
		range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 12),
		range("192.168.1.77", "192.168.1.77", 13),
		range("192.168.0.0", "192.168.255.255", 14),
		range("192.168.1.255", "192.168.2.0", 15),
		range("2001:db8::1", "2001:db8::1", 16),
		range("2001:db8::2", "2001:db8::1", 17),
		range("10.0.0.1", "2001:db8::1", 18),
	};
	struct list_entry taken[] = {
		range("192.168.0.0", "192.168.0.255", 1),
		range("192.168.2.0", "192.168.2.255", 2),
		range("2001:db8::2", "2001:db8::3", 3),
	};
	struct prefix guard;

	(void)state;
	assert_int_equal(prefix_parse(&guard, "192.168.1.0/24"), 0);
	assert_int_equal(list_builder_guard(builder, &guard), 0);
	assert_int_equal(prefix_parse(&guard, "2001:db8::1"), 0);
	assert_int_equal(list_builder_guard(builder, &guard), 0);
	assert_int_equal(list_builder_add(builder, &taken[0]), -1); /* no list yet */
	assert_int_equal(list_builder_begin(builder, "drop"), 0);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_int_equal(list_builder_add(builder, &refused[i]), 0);
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		assert_int_equal(list_builder_add(builder, &taken[i]), 0);
	tally = list_builder_tally(builder, 0);
	assert_int_equal(tally->entries, 3);
	assert_int_equal(tally->refused, 8);
	assert_int_equal(tally->refused_lines[0], 11);
	assert_int_equal(tally->refused_lines[3], 14);
	list_builder_free(builder);
	list_builder_free(NULL);
}

/* More than 255 combinations: classes of two bytes. */
static void many_combinations_take_wider_classes(void **state)
{
	struct listing *listing = listing_new();
	struct list_entry entry = { .kind = ENTRY_RANGE };
	struct compiled compiled;

	(void)state;
	for (uint32_t i = 0; i < 1024; i++)
		for (unsigned list = 0; list < 10; list++) {
			entry.first = entry.last = number4(0x0a000000 + i);
			if (i >> list & 1)
				listing_add(listing, list, &entry);
		}
	listing_open(listing, &compiled);
	assert_int_equal(compiled.ranges.members4.width, 2);
	for (uint32_t i = 0; i < 1024; i++) {
		struct address address = number4(0x0a000000 + i);
		const struct list_set *set = ranges_find(&compiled.ranges, &address);

		assert_int_equal(set ? set->words[0] : 0, i);
	}
	compiled_close(&compiled);
	listing_free(listing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_naive_twin_agrees),
		cmocka_unit_test(crowded_tables_agree_with_arithmetic),
		cmocka_unit_test(neighbours_become_one_range),
		cmocka_unit_test(lists_are_told_apart),
		cmocka_unit_test(guarded_addresses_are_never_taken),
		cmocka_unit_test(many_combinations_take_wider_classes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
