// link: lists daemon/address.c daemon/name.c daemon/reader.c -lz -lzstd -llzma -lidn2
/* Any bytes as a list of the policy: whatever the file adds and nothing takes away is found in what
 * is compiled of it, and once more in what is compiled of that when the file is gone. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/lists/compile.h"
#include "daemon/lists/list_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

struct finding {
	const struct compiled *compiled;
	bool allows;
};

static int note_allow(void *context, const struct list_entry *entry)
{
	((struct finding *)context)->allows |= entry->allow;
	return 0;
}

static int find(void *context, const struct list_entry *entry)
{
	const struct finding *finding = context;
	struct list_set set;

	if (finding->allows)
		return 0;
	if (entry->kind == ENTRY_RANGE) {
		require(ranges_find(&finding->compiled->ranges, &entry->first) != NULL);
		require(ranges_find(&finding->compiled->ranges, &entry->last) != NULL);
	} else if (entry->pattern != NAME_SUBDOMAINS) {
		require(suffixes_find(&finding->compiled->suffixes, entry->name, &set));
	}
	return 0;
}

static void check(const struct compiled *compiled, const uint8_t *data, size_t size)
{
	struct finding finding = { .compiled = compiled };
	struct format_options options = { 0 };
	struct span span = { data, size };
	struct list_reading reading;

	require(compiled_verify(compiled));
	list_read_span(span, &options, note_allow, &finding, &reading);
	list_read_span(span, &options, find, &finding, &reading);
}

static void keep_outcome(void *context, const struct list_report *report)
{
	*(struct list_report *)context = *report;
}

/* What is compiled of the file (-1: it cannot be read) and of what was before. */
static enum list_outcome compile(int file, const struct compiled *before, int output)
{
	struct compile_list lists[2] = { { .name = "fuzzed" }, { .name = "other" } };
	struct compile_job job = { .lists = lists, .count = before ? 2 : 1, .before = before,
				   .directory = "/tmp", .output = output };
	struct list_report first, *report = &first;

	lists[0].files[FILE_ADDRESSES].descriptor = -1;
	lists[0].files[FILE_NAMES] = (struct compile_file){ file, file < 0 ? 2 : 0, 0 };
	lists[1].files[0].descriptor = lists[1].files[1].descriptor = -1;
	require(compile_lists(&job, keep_outcome, report) == COMPILE_MADE);
	return before ? LIST_KEPT : (enum list_outcome)report->outcome;
}

static int file_of(const uint8_t *data, size_t size)
{
	int file = memfd_create("list", MFD_CLOEXEC);

	require(file >= 0 && write(file, data, size) == (ssize_t)size);
	return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = file_of(data, size), output = file_of(data, 0), kept = file_of(data, 0);
	struct compiled compiled, again;
	enum list_outcome outcome = compile(file, NULL, output);

	require(compiled_open_descriptor(&compiled, output) == 0);
	if (outcome == LIST_TAKEN) {
		check(&compiled, data, size);
		compile(-1, &compiled, kept);
		require(compiled_open_descriptor(&again, kept) == 0);
		check(&again, data, size);
		compiled_close(&again);
	} else {
		require(!compiled.list_count || !compiled.lists[0].addresses);
	}
	compiled_close(&compiled);
	close(file);
	close(output);
	close(kept);
	return 0;
}
