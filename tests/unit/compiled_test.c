// link: tests/unit/compiling.c daemon/lists/builder.c daemon/lists/publication.c daemon/lists/range_writer.c daemon/lists/suffix_writer.c daemon/lists/range_record.c daemon/lists/name_record.c daemon/lists/wide.c daemon/lists/class_table.c daemon/lists/draft.c daemon/lists/sorter.c daemon/lists/spool.c daemon/lists/compiled.c daemon/lists/layout.c daemon/lists/ranges.c daemon/lists/suffixes.c daemon/lists/members.c daemon/lists/hash.c daemon/lists/set.c daemon/address.c daemon/clock.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/lists/publication.h"
#include "tests/unit/compiling.h"

enum { KILLS = 200, NAMES = 400, INDEX_STRIDE = 61 };

static char path[64];

static struct address parse(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	return address;
}

static void add_range(struct listing *listing, unsigned list, const char *first, const char *last)
{
	struct list_entry entry = { .kind = ENTRY_RANGE,
				    .first = parse(first),
				    .last = parse(last) };

	listing_add(listing, list, &entry);
}

static void add_names(struct listing *listing, unsigned list, const char *domain)
{
	struct list_entry entry = { .kind = ENTRY_NAME };

	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(entry.name, sizeof entry.name, "host%u.%s", i, domain);
		entry.pattern = (enum name_pattern_kind)(i % 3);
		entry.line = i;
		listing_add(listing, list, &entry);
	}
}

/* Something in every section. */
static struct listing *every_kind(void)
{
	struct listing *listing = listing_new();

	add_range(listing, 0, "10.0.0.0", "10.0.0.255");
	add_range(listing, 1, "10.0.0.77", "10.2.3.4");
	add_range(listing, 0, "203.0.113.1", "203.0.113.1");
	add_range(listing, 0, "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff");
	add_range(listing, 1, "2001:db8::5", "2001:db8:0:9::5");
	add_names(listing, 0, "example");
	add_names(listing, 1, "www.host7.example");
	return listing;
}

static void ignore(void *context, unsigned list, const struct list_entry *entry)
{
	size_t *bytes = context;

	*bytes += strlen(entry->name) + entry->line + list;
}

/* Whatever the tables hold, each question comes to an end and stays inside. */
static size_t ask(const struct compiled *compiled)
{
	static const char *const addresses[] = { "10.0.0.77",	"203.0.113.1",
						 "0.0.0.0",	"255.255.255.255",
						 "2001:db8::5", "2001:db8:0:9::5",
						 "::" };
	static const char *const names[] = { "host1.example", "www.host7.example",
					     "a.host5.www.host7.example", "example" };
	struct list_set set;
	size_t sum = 0;

	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		struct address address = parse(addresses[i]);

		sum += ranges_find(&compiled->ranges, &address) != NULL;
		ranges_search(&compiled->ranges, &address, ignore, &sum);
	}
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		sum += suffixes_find(&compiled->suffixes, names[i], &set);
		suffixes_search(&compiled->suffixes, names[i], ignore, &sum);
	}
	return sum + compiled_list(compiled, "list1");
}

/* An allocation of the very size, so that a sanitizer sees the first byte read behind it. */
static uint8_t *load(struct compiled *compiled)
{
	struct listing *listing = every_kind();
	uint8_t *bytes;

	listing_open(listing, compiled);
	bytes = malloc(compiled->size);
	assert_non_null(bytes);
	memcpy(bytes, compiled->bytes, compiled->size);
	listing_free(listing);
	return bytes;
}

/* Flips one byte, asks, and flips it back; the header's checksum is mended when it is in the
 * header. */
static void damage(uint8_t *bytes, size_t size, size_t at, uint8_t flip)
{
	struct layout_header *header = (struct layout_header *)bytes;
	struct compiled compiled;

	bytes[at] ^= flip;
	if (at < offsetof(struct layout_header, checksum)) {
		assert_false(compiled_parse(&compiled, bytes, size));
		header->checksum = layout_header_checksum(header);
	}
	if (compiled_parse(&compiled, bytes, size))
		ask(&compiled);
	bytes[at] ^= flip;
	header->checksum = layout_header_checksum(header);
}

static void no_flipped_byte_leads_astray(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	struct compiled compiled;
	uint8_t *bytes = load(&compiled);
	size_t step;

	(void)state;
	assert_true(ask(&compiled) > 50);
	for (size_t at = 0; at < compiled.size; at += step) {
		const uint8_t *original = (const uint8_t *)compiled.bytes + at;

		for (size_t i = 0; i < sizeof flips; i++)
			damage(bytes, compiled.size, at, flips[i]);
		/* The indexes are long rows of equal numbers. */
		step = (original >= (const uint8_t *)compiled.ranges.index4 &&
			original < (const uint8_t *)compiled.ranges.ranges4) ||
				       (original >= (const uint8_t *)compiled.ranges.index6 &&
					original < (const uint8_t *)compiled.ranges.ranges6)
			       ? INDEX_STRIDE
			       : 1;
	}
	free(bytes);
	compiled_close(&compiled);
}

/* Whole sections of noise. */
static void random_sections_lead_nowhere(void **state)
{
	struct compiled compiled, damaged;
	uint8_t *bytes = load(&compiled);

	(void)state;
	srand(5);
	for (unsigned round = 0; round < 300; round++) {
		const struct layout_place *place = &((const struct layout_header *)compiled.bytes)
							    ->sections[round % SECTION_COUNT];

		for (size_t i = 0; i < place->size; i++)
			bytes[place->offset + i] = (uint8_t)(round / SECTION_COUNT % 2 ? rand()
							     : rand() % 40	       ? 0
										       : 1);
		if (compiled_parse(&damaged, bytes, compiled.size))
			ask(&damaged);
		else
			assert_int_equal(round % SECTION_COUNT,
					 SECTION_LISTS); /* a name without end */
		if (place->size)
			assert_false(layout_verify(bytes));
		memcpy(bytes, compiled.bytes, compiled.size);
	}
	free(bytes);
	compiled_close(&compiled);
}

static void every_changed_byte_is_seen_by_verify(void **state)
{
	struct compiled compiled;
	uint8_t *bytes = load(&compiled);
	const struct layout_header *header = compiled.bytes;

	(void)state;
	assert_true(layout_verify(bytes));
	for (unsigned section = 0; section < SECTION_COUNT; section++) {
		const struct layout_place *place = &header->sections[section];

		for (uint64_t at = 0; at < place->size; at += 1 + place->size / 7) {
			bytes[place->offset + at] ^= 4;
			assert_false(layout_verify(bytes));
			bytes[place->offset + at] ^= 4;
		}
	}
	assert_true(layout_verify(bytes));
	free(bytes);
	compiled_close(&compiled);
}

/* Equal hashes are made here by changing the text under one. */
static void an_equal_hash_is_not_enough(void **state)
{
	struct listing *listing = listing_new();
	struct list_entry entry = { .kind = ENTRY_NAME, .name = "host.example" };
	struct compiled compiled, other;
	struct list_set set;
	uint8_t *bytes;
	char *text;

	(void)state;
	listing_add(listing, 0, &entry);
	listing_open(listing, &compiled);
	bytes = malloc(compiled.size);
	memcpy(bytes, compiled.bytes, compiled.size);
	text = memmem(bytes, compiled.size, "host.example", 12);
	assert_non_null(text);
	assert_true(compiled_parse(&other, bytes, compiled.size));
	assert_true(suffixes_find(&other.suffixes, "host.example", &set));
	*text = 'x';
	assert_false(suffixes_find(&other.suffixes, "host.example", &set));
	*text = 'h';
	text[-1]--; /* the length */
	assert_false(suffixes_find(&other.suffixes, "host.example", &set));
	free(bytes);
	compiled_close(&compiled);
	listing_free(listing);
}

static void write_file(const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void a_file_cut_short_or_foreign_is_refused(void **state)
{
	struct compiled compiled, cut;
	uint8_t *bytes = load(&compiled);

	(void)state;
	for (size_t size = 0; size < compiled.size; size += size < 1000 ? 1 : 9973) {
		write_file(bytes, size);
		assert_int_equal(compiled_open(&cut, path), -1);
		assert_int_equal(errno, EBADMSG);
	}
	bytes = realloc(bytes, compiled.size + 1);
	bytes[compiled.size] = 0;
	assert_false(compiled_parse(&cut, bytes, compiled.size + 1));
	memset(bytes, '<', 4096);
	write_file(bytes, compiled.size);
	assert_int_equal(compiled_open(&cut, path), -1);
	assert_int_equal(errno, EBADMSG);
	assert_int_equal(compiled_open(&cut, "/tmp"), -1);
	unlink(path);
	assert_int_equal(compiled_open(&cut, path), -1);
	assert_int_equal(errno, ENOENT);
	free(bytes);
	compiled_close(&compiled);
}

/* Old or new, whole in either case. */
static bool is_new_of_two(void)
{
	struct compiled compiled;
	struct list_set set;
	unsigned old = 0;
	unsigned new = 0;
	char name[NAME_SIZE];

	assert_int_equal(compiled_open(&compiled, path), 0);
	assert_true(compiled_verify(&compiled));
	for (unsigned i = 0; i < NAMES; i += 3) {
		snprintf(name, sizeof name, "host%u.old", i);
		old += suffixes_find(&compiled.suffixes, name, &set);
		snprintf(name, sizeof name, "host%u.new", i);
		new += suffixes_find(&compiled.suffixes, name, &set);
	}
	assert_int_equal(old + new, (NAMES + 2) / 3);
	assert_true(!old || !new);
	compiled_close(&compiled);
	return new;
}

static void write_for_ever(struct listing *const listings[static 2])
{
	for (unsigned turn = 1;; turn++)
		listing_write(listings[turn % 2], path);
}

static void a_kill_at_any_moment_leaves_a_whole_file(void **state)
{
	struct listing *listings[2] = { listing_new(), listing_new() };
	unsigned seen_new = 0;
	int64_t once; /* microseconds that one file takes */

	(void)state;
	srand(11);
	add_names(listings[0], 0, "old");
	add_names(listings[1], 0, "new");
	add_range(listings[0], 0, "10.0.0.0", "10.0.0.255"); /* a long index to write */
	once = clock_steady();
	listing_write(listings[0], path);
	once = clock_steady() - once;
	for (unsigned i = 0; i < KILLS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child)
			write_for_ever(listings);
		usleep((useconds_t)(rand() % (4 * once)));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		seen_new += is_new_of_two();
	}
	assert_true(seen_new > 0 && seen_new < KILLS);
	strcat(path, ".new");
	unlink(path);
	*strrchr(path, '.') = '\0';
	unlink(path);
	listing_free(listings[0]);
	listing_free(listings[1]);
}

/* The size limit of files stands in for a full disk. */
static void a_full_disk_leaves_the_old_file(void **state)
{
	struct listing *listing = every_kind();
	struct list_builder *builder = list_builder_new("/tmp");
	struct rlimit unlimited, limit;
	int descriptor;
	struct list_entry entry = { .kind = ENTRY_NAME, .name = "host0.new" };
	struct compiled compiled;

	(void)state;
	listing_write(listing, path);
	listing_free(listing);
	list_builder_begin(builder, "new");
	assert_int_equal(list_builder_add(builder, &entry), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &unlimited);
	limit = unlimited;
	limit.rlim_cur = 600;
	setrlimit(RLIMIT_FSIZE, &limit);
	descriptor = publication_open(path);
	assert_int_equal(list_builder_write(builder, 0, descriptor), -1);
	assert_int_equal(errno, EFBIG);
	close(descriptor);
	publication_drop(path);
	setrlimit(RLIMIT_FSIZE, &unlimited);
	list_builder_free(builder);
	assert_int_equal(compiled_open(&compiled, path), 0);
	assert_true(compiled_verify(&compiled));
	assert_int_equal(compiled.list_count, 2);
	compiled_close(&compiled);
	strcat(path, ".new");
	assert_int_equal(access(path, F_OK), -1);
	*strrchr(path, '.') = '\0';
	unlink(path);
}

static void an_empty_file_answers_no(void **state)
{
	struct listing *listing = listing_new();
	struct compiled compiled;

	(void)state;
	listing_open(listing, &compiled);
	ask(&compiled);
	assert_int_equal(compiled.list_count, 0);
	assert_true(compiled.size < 4096);
	compiled_close(&compiled);
	listing_free(listing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_flipped_byte_leads_astray),
		cmocka_unit_test(random_sections_lead_nowhere),
		cmocka_unit_test(every_changed_byte_is_seen_by_verify),
		cmocka_unit_test(an_equal_hash_is_not_enough),
		cmocka_unit_test(a_file_cut_short_or_foreign_is_refused),
		cmocka_unit_test(a_kill_at_any_moment_leaves_a_whole_file),
		cmocka_unit_test(a_full_disk_leaves_the_old_file),
		cmocka_unit_test(an_empty_file_answers_no),
	};

	snprintf(path, sizeof path, "/tmp/compiled-test-%d.lists", (int)getpid());
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
