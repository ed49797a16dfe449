// link: lists daemon/address.c daemon/name.c daemon/reader.c -lz -lzstd -llzma -lidn2
/* Published lists compiled together and held against a twin that is slow and plainly right: a sorted
 * array for names, a walk over all entries for addresses. Skipped where no list could be fetched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/lists/compile.h"
#include "daemon/lists/list_read.h"

static const struct {
	const char *file;
	const char *code;
} published[] = {
	{ "disposable.txt", NULL },	  { "easylist.txt", NULL },    { "easyprivacy.txt", NULL },
	{ "urlhaus-filter-online.txt", NULL }, { "badware.min.txt", NULL },
	{ "country-ipv4.csv", "DE" },	  { "country-ipv4.csv", "US" }, { "country-ipv6.csv", "JP" },
	{ "country.mmdb", "FR" },
};

enum { LISTS = sizeof published / sizeof *published, ADDRESSES = 300 };

struct known {
	unsigned list;
	struct list_entry entry;
};

struct twin {
	unsigned list; /* being read */
	size_t name_count, range_count;
	struct known *names, *ranges;
};

static char folder[4096];

static int open_list(unsigned list)
{
	char path[sizeof folder + 64];

	snprintf(path, sizeof path, "%s/%s", folder, published[list].file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void append(struct known **array, size_t *count, unsigned list,
		   const struct list_entry *entry)
{
	if ((*count & (*count - 1)) == 0)
		*array = reallocarray(*array, *count ? *count * 2 : 1, sizeof **array);
	assert_non_null(*array);
	(*array)[(*count)++] = (struct known){ list, *entry };
}

static int remember(void *context, const struct list_entry *entry)
{
	struct twin *twin = context;

	if (entry->kind == ENTRY_NAME)
		append(&twin->names, &twin->name_count, twin->list, entry);
	else
		append(&twin->ranges, &twin->range_count, twin->list, entry);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct known *)a)->entry.name, ((const struct known *)b)->entry.name);
}

static void read_twin(struct twin *twin)
{
	for (twin->list = 0; twin->list < LISTS; twin->list++) {
		struct format_options options = { .code = published[twin->list].code };
		int descriptor = open_list(twin->list);
		struct list_reading reading;

		if (descriptor < 0)
			continue;
		assert_int_equal(
			list_read(descriptor, &options, 1 << 30, remember, twin, &reading),
			FORMAT_TAKEN);
		close(descriptor);
	}
	if (!twin->name_count || !twin->range_count)
		skip();
	qsort(twin->names, twin->name_count, sizeof *twin->names, by_name);
}

/* Adds to the sets what the entries of this very name say of the host. */
static void ask_one(const struct twin *twin, const char *name, bool self, struct list_set *set,
		    struct list_set *allow)
{
	struct known key;
	const struct known *found;

	snprintf(key.entry.name, sizeof key.entry.name, "%s", name);
	found = bsearch(&key, twin->names, twin->name_count, sizeof key, by_name);
	while (found && found > twin->names && by_name(found - 1, &key) == 0)
		found--;
	for (; found && found < twin->names + twin->name_count && by_name(found, &key) == 0; found++)
		if (found->entry.pattern != (self ? NAME_SUBDOMAINS : NAME_EXACT))
			list_set_add(found->entry.allow ? allow : set, found->list);
}

static void ask_names(const struct twin *twin, const char *host, struct list_set *set)
{
	struct list_set allow = { { 0 } };
	const char *parent = host;

	memset(set, 0, sizeof *set);
	while (parent) {
		ask_one(twin, parent, parent == host, set, &allow);
		parent = strchr(parent, '.');
		parent = parent ? parent + 1 : NULL;
	}
	list_set_subtract(set, &allow);
}

static void ask_ranges(const struct twin *twin, const struct address *address, struct list_set *set)
{
	struct list_set allow = { { 0 } };

	memset(set, 0, sizeof *set);
	for (size_t i = 0; i < twin->range_count; i++) {
		const struct list_entry *entry = &twin->ranges[i].entry;

		if (entry->first.family == address->family &&
		    address_compare(&entry->first, address) <= 0 &&
		    address_compare(address, &entry->last) <= 0)
			list_set_add(entry->allow ? &allow : set, twin->ranges[i].list);
	}
	list_set_subtract(set, &allow);
}

static void ignore(void *context, const struct list_report *report)
{
	(void)context;
	(void)report;
}

static void compile(struct compiled *compiled)
{
	struct compile_list lists[LISTS] = { 0 };
	char names[LISTS][8];
	struct compile_job job = { .lists = lists, .count = LISTS, .directory = "/tmp",
				   .output = memfd_create("lists", MFD_CLOEXEC) };

	for (unsigned i = 0; i < LISTS; i++) {
		snprintf(names[i], sizeof names[i], "l%u", i);
		lists[i].name = names[i];
		lists[i].options.code = published[i].code;
		lists[i].files[FILE_ADDRESSES].descriptor = -1;
		lists[i].files[FILE_NAMES].descriptor = open_list(i);
	}
	assert_int_equal(compile_lists(&job, ignore, NULL), COMPILE_MADE);
	assert_int_equal(compiled_open_descriptor(compiled, job.output), 0);
	assert_true(compiled_verify(compiled));
	close(job.output);
	for (unsigned i = 0; i < LISTS; i++)
		if (lists[i].files[FILE_NAMES].descriptor >= 0)
			close(lists[i].files[FILE_NAMES].descriptor);
}

static void assert_host(const struct twin *twin, const struct compiled *compiled, const char *host)
{
	struct list_set right, set;
	bool found = suffixes_find(&compiled->suffixes, host, &set);

	ask_names(twin, host, &right);
	if (found == list_set_is_empty(&right) || memcmp(&set, &right, sizeof set) != 0)
		fail_msg("%s", host);
}

/* Each listed name, something below it, its parent, and one that is almost it. */
static void names_are_found_as_by_the_twin(const struct twin *twin, const struct compiled *compiled)
{
	for (size_t i = 0; i < twin->name_count; i++) {
		const char *name = twin->names[i].entry.name;
		const char *parent = strchr(name, '.');
		char other[NAME_SIZE + 8];

		assert_host(twin, compiled, name);
		if (parent)
			assert_host(twin, compiled, parent + 1);
		snprintf(other, sizeof other, "w.%s", name);
		if (strlen(other) < NAME_SIZE)
			assert_host(twin, compiled, other);
		snprintf(other, sizeof other, "%s", name);
		other[0] = other[0] == 'z' ? 'a' : (char)(other[0] + 1);
		assert_host(twin, compiled, other);
	}
}

static void assert_address(const struct twin *twin, const struct compiled *compiled,
			   const struct address *address)
{
	static const struct list_set none;
	const struct list_set *set = ranges_find(&compiled->ranges, address);
	struct list_set right;
	char text[ADDRESS_TEXT];

	ask_ranges(twin, address, &right);
	if (memcmp(set ? set : &none, &right, sizeof right) != 0)
		fail_msg("%s", address_print(address, text));
}

/* Ends of ranges and what lies just outside, and anything. */
static void addresses_are_found_as_by_the_twin(const struct twin *twin,
					       const struct compiled *compiled)
{
	srand(7);
	for (unsigned i = 0; i < ADDRESSES; i++) {
		const struct known *known = &twin->ranges[(size_t)rand() % twin->range_count];
		struct address address = i & 1 ? known->entry.first : known->entry.last;

		assert_address(twin, compiled, &address);
		address.bytes[address_width(&address) - 1] ^= (uint8_t)(1 + (i >> 1) % 3);
		assert_address(twin, compiled, &address);
		for (unsigned byte = 1; byte < address_width(&address); byte++)
			address.bytes[byte] = (uint8_t)rand();
		assert_address(twin, compiled, &address);
	}
}

static void published_lists_are_found_as_by_a_naive_twin(void **state)
{
	struct twin twin = { 0 };
	struct compiled compiled;

	(void)state;
	read_twin(&twin);
	compile(&compiled);
	names_are_found_as_by_the_twin(&twin, &compiled);
	addresses_are_found_as_by_the_twin(&twin, &compiled);
	compiled_close(&compiled);
	free(twin.names);
	free(twin.ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_lists_are_found_as_by_a_naive_twin),
	};
	const char *build = getenv("BUILD");
	char command[sizeof folder + 64];

	cmocka_set_message_output(CM_OUTPUT_TAP);
	snprintf(folder, sizeof folder, "%s/lists", build ? build : "build");
	snprintf(command, sizeof command, "tests/unit/real_lists_fetch '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "not all real lists could be fetched\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
