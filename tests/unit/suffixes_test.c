// link: tests/unit/compiling.c daemon/lists/builder.c daemon/lists/publication.c daemon/lists/range_writer.c daemon/lists/suffix_writer.c daemon/lists/range_record.c daemon/lists/name_record.c daemon/lists/wide.c daemon/lists/class_table.c daemon/lists/draft.c daemon/lists/sorter.c daemon/lists/spool.c daemon/lists/compiled.c daemon/lists/layout.c daemon/lists/ranges.c daemon/lists/suffixes.c daemon/lists/members.c daemon/lists/hash.c daemon/lists/set.c daemon/address.c daemon/name.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lists/publication.h"
#include "tests/unit/compiling.h"

enum { ENTRIES = 300, QUESTIONS = 600, ROUNDS = 60, NAMES = 100000 };

static struct list_entry pattern(const char *text, unsigned line)
{
	struct list_entry entry = { .kind = ENTRY_NAME, .line = line };

	assert_true(name_pattern_parse(text, &entry.pattern, entry.name));
	return entry;
}

static bool holds(const struct compiled *compiled, const char *name, unsigned list)
{
	struct list_set set;

	return suffixes_find(&compiled->suffixes, name, &set) && list_set_has(&set, list);
}

/* The same answer by looking at every entry. */
static void twin_find(const struct listing *listing, const char *name, struct list_set *set)
{
	struct list_set allow = { { 0 } };

	memset(set, 0, sizeof *set);
	for (size_t i = 0; i < listing->count; i++) {
		const struct list_entry *entry = &listing->entries[i];

		if (name_matches(name, entry->pattern, entry->name))
			list_set_add(entry->allow ? &allow : set, listing->lists[i]);
	}
	list_set_subtract(set, &allow);
}

struct search {
	const struct listing *listing;
	const char *name;
	struct list_set found;
};

/* Lines are the entries' numbers. */
static void check_origin(void *context, unsigned list, const struct list_entry *entry)
{
	struct search *search = context;
	const struct list_entry *original = &search->listing->entries[entry->line];

	assert_true(name_matches(search->name, entry->pattern, entry->name));
	assert_string_equal(entry->name, original->name);
	assert_int_equal(entry->pattern, original->pattern);
	assert_int_equal(list, search->listing->lists[entry->line]);
	assert_int_equal(entry->allow, original->allow);
	if (!entry->allow)
		list_set_add(&search->found, list);
}

/* Every list of the answer can name the entry that is the reason. */
static bool compare(const struct compiled *compiled, const struct listing *listing,
		    const char *name)
{
	struct search search = { listing, name, { { 0 } } };
	struct list_set found, wanted;

	twin_find(listing, name, &wanted);
	assert_int_equal(suffixes_find(&compiled->suffixes, name, &found),
			 !list_set_is_empty(&wanted));
	assert_memory_equal(&found, &wanted, sizeof wanted);
	suffixes_search(&compiled->suffixes, name, check_origin, &search);
	list_set_subtract(&wanted, &search.found);
	assert_true(list_set_is_empty(&wanted));
	return !list_set_is_empty(&found);
}

/* Few letters and few labels, so that parents, twins and near misses are common. */
static void random_name(char name[static NAME_SIZE])
{
	static const char *const labels[] = {
		"a", "b", "ab", "ba", "a-b", "_", "abababababababab"
	};
	int count = 1 + rand() % 5;

	name[0] = '\0';
	for (int i = 0; i < count; i++) {
		strcat(name, i ? "." : "");
		strcat(name, labels[rand() % 7]);
	}
}

static void a_naive_twin_agrees(void **state)
{
	static const unsigned lists[] = { 1, 2, 5, LISTS_MAX };
	struct listing *listing = listing_new();
	struct compiled compiled;
	char name[NAME_SIZE];
	unsigned hits = 0;

	(void)state;
	for (unsigned seed = 0; seed < ROUNDS; seed++) {
		srand(seed);
		listing->count = 0;
		for (unsigned i = 0; i < (seed % 7 ? ENTRIES / (1 + seed % 5) : seed / 7); i++) {
			struct list_entry entry = { .kind = ENTRY_NAME, .line = i };

			random_name(entry.name);
			entry.pattern = (enum name_pattern_kind)(rand() % 3);
			entry.allow = rand() % 5 == 0;
			listing_add(listing, (unsigned)rand() % lists[seed % 4], &entry);
		}
		listing_open(listing, &compiled);
		for (unsigned i = 0; i < QUESTIONS; i++) {
			random_name(name);
			hits += compare(&compiled, listing, name);
		}
		compiled_close(&compiled);
	}
	assert_true(hits > ROUNDS * QUESTIONS / 10 && hits < ROUNDS * QUESTIONS * 9 / 10);
	listing_free(listing);
}

static void what_a_parent_covers_is_dropped(void **state)
{
	struct listing *listing = listing_new();
	struct compiled compiled;
	struct list_entry entries[] = {
		pattern("a.example.com", 1),   pattern(".example.com", 2),
		pattern("*.b.example.com", 3), pattern("example.com", 4),
		pattern("ample.com", 5),       pattern("example.com", 6),
	};
	struct list_entry other = pattern("a.example.com", 7);

	(void)state;
	for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
		listing_add(listing, 0, &entries[i]);
	listing_add(listing, 1, &other);
	listing_open(listing, &compiled);
	assert_int_equal(compiled.suffixes.count,
			 3); /* example.com, ample.com, list 1's a.example.com */
	assert_true(holds(&compiled, "a.example.com", 0) && holds(&compiled, "a.example.com", 1));
	assert_true(holds(&compiled, "x.y.example.com", 0));
	assert_false(holds(&compiled, "x.ample.com", 0) || holds(&compiled, "com", 0));
	assert_int_equal(compiled.lists[1].names, 1);
	compiled_close(&compiled);
	listing_free(listing);
}

static void an_exception_wins(void **state)
{
	struct listing *listing = listing_new();
	struct compiled compiled;
	struct list_entry block = pattern(".example.com", 1);
	struct list_entry hole = pattern(".good.example.com", 2);
	struct list_entry inside = pattern("bad.good.example.com", 3);
	struct list_entry nowhere = pattern(".example.org", 4);

	(void)state;
	hole.allow = nowhere.allow = true;
	listing_add(listing, 0, &block);
	listing_add(listing, 0, &hole);
	listing_add(listing, 0, &inside);
	listing_add(listing, 0, &nowhere);
	listing_add(listing, 1, &block);
	listing_open(listing, &compiled);
	assert_int_equal(compiled.suffixes.count, 2);
	assert_true(holds(&compiled, "ads.example.com", 0));
	assert_false(holds(&compiled, "good.example.com", 0));
	assert_false(holds(&compiled, "bad.good.example.com", 0));
	assert_true(holds(&compiled, "good.example.com", 1));
	compiled_close(&compiled);
	listing_free(listing);
}

/* 127 labels, and more than there may be. */
static void deep_names_are_found(void **state)
{
	struct listing *listing = listing_new();
	struct list_entry entry = { .kind = ENTRY_NAME, .pattern = NAME_TREE };
	struct compiled compiled;
	char name[1024] = "";

	(void)state;
	for (unsigned i = 0; i < 126; i++)
		strcat(entry.name, "a.");
	strcat(entry.name, "b");
	listing_add(listing, 0, &entry);
	listing_open(listing, &compiled);
	assert_true(holds(&compiled, entry.name, 0));
	assert_false(holds(&compiled, entry.name + 2, 0));
	for (unsigned i = 0; i < 300; i++)
		strcat(name, "a.");
	assert_false(holds(&compiled, name, 0));
	assert_false(holds(&compiled, "", 0));
	assert_false(holds(&compiled, "..", 0));
	compiled_close(&compiled);
	listing_free(listing);
}

/* Twice the same lists, twice another seed: the hashes of one file say nothing of the next. */
static void each_file_has_its_own_seed(void **state)
{
	struct listing *listing = listing_new();
	struct list_entry entry = pattern("example.com", 1);
	struct compiled first, second;

	(void)state;
	listing_add(listing, 0, &entry);
	listing_open(listing, &first);
	listing_open(listing, &second);
	assert_memory_not_equal(first.suffixes.seed, second.suffixes.seed, HASH_SEED);
	/* Alike once in 16 million times. */
	assert_true(first.suffixes.tags[0] != second.suffixes.tags[0] ||
		    first.suffixes.remainders[0] != second.suffixes.remainders[0]);
	compiled_close(&first);
	compiled_close(&second);
	listing_free(listing);
}

static void a_hundred_thousand_names_are_found(void **state)
{
	struct list_builder *builder = list_builder_new("/tmp");
	struct list_entry entry = { .kind = ENTRY_NAME };
	struct compiled compiled;
	char name[NAME_SIZE + 8];
	char path[64];
	int descriptor;

	(void)state;
	snprintf(path, sizeof path, "/tmp/suffixes-test-%d.lists", (int)getpid());
	list_builder_begin(builder, "names");
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(entry.name, sizeof entry.name, "host%u.example", i);
		entry.pattern = (enum name_pattern_kind)(i % 3);
		entry.line = i;
		assert_int_equal(list_builder_add(builder, &entry), 0);
	}
	descriptor = publication_open(path);
	assert_int_equal(list_builder_write(builder, 0, descriptor), 0);
	assert_int_equal(publication_finish(path, descriptor), 0);
	close(descriptor);
	list_builder_free(builder);
	assert_int_equal(compiled_open(&compiled, path), 0);
	assert_int_equal(compiled.suffixes.count, NAMES);
	assert_true(compiled_resident(&compiled) < 8.5 * NAMES + 2048);
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "host%u.example", i);
		assert_int_equal(holds(&compiled, name, 0), i % 3 != NAME_SUBDOMAINS);
		snprintf(name, sizeof name, "www.host%u.example", i);
		assert_int_equal(holds(&compiled, name, 0), i % 3 != NAME_EXACT);
		snprintf(name, sizeof name, "host%u.exampl", i);
		assert_false(holds(&compiled, name, 0));
	}
	compiled_close(&compiled);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_naive_twin_agrees),
		cmocka_unit_test(what_a_parent_covers_is_dropped),
		cmocka_unit_test(an_exception_wins),
		cmocka_unit_test(deep_names_are_found),
		cmocka_unit_test(each_file_has_its_own_seed),
		cmocka_unit_test(a_hundred_thousand_names_are_found),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
