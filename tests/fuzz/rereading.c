#include "tests/fuzz/rereading.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	uint64_t digest; /* FNV-1a over the entries */
	unsigned line;
	struct format_report report;
	enum format_verdict verdict;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void digest(struct reading *reading, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;

	for (size_t i = 0; i < length; i++)
		reading->digest = (reading->digest ^ next[i]) * 1099511628211u;
}

static void check_range(const struct list_entry *entry)
{
	struct address copy;
	char text[ADDRESS_TEXT];

	require(entry->first.family == entry->last.family);
	require(address_compare(&entry->first, &entry->last) <= 0);
	require(entry->first.port == 0 && entry->last.port == 0);
	/* Never v4-mapped, never with a scope. */
	require(address_parse(&copy, address_print(&entry->first, text)) == 0);
	require(address_equal(&copy, &entry->first));
}

static void check_name(const struct list_entry *entry)
{
	char name[NAME_SIZE];

	require(name_canonical(entry->name, strlen(entry->name), name));
	require(strcmp(name, entry->name) == 0);
}

static int take(void *context, const struct list_entry *entry)
{
	struct reading *reading = context;

	require(entry->line >= reading->line);
	reading->line = entry->line;
	digest(reading, &entry->line, sizeof(entry->line));
	digest(reading, &entry->allow, sizeof(entry->allow));
	if (entry->kind == ENTRY_NAME) {
		check_name(entry);
		digest(reading, &entry->pattern, sizeof(entry->pattern));
		digest(reading, entry->name, strlen(entry->name));
	} else {
		check_range(entry);
		digest(reading, entry->first.bytes, address_width(&entry->first));
		digest(reading, entry->last.bytes, address_width(&entry->last));
	}
	return 0;
}

static void read_in_chunks(struct reading *reading, const uint8_t *bytes, size_t length,
			   const struct format_options *options, size_t chunk)
{
	struct format_reader *reader = format_reader_new(options, take, reading);

	require(reader);
	while (length) {
		size_t part = length < chunk ? length : chunk;

		if (format_reader_feed(reader, bytes, part) != 0)
			break;
		bytes += part;
		length -= part;
	}
	reading->verdict = format_reader_finish(reader, &reading->report);
	format_reader_free(reader);
}

static void compare(const struct format_report *a, const struct format_report *b)
{
	require(a->entries == b->entries && a->bad == b->bad && a->skipped == b->skipped);
	require(strcmp(a->format, b->format) == 0 && strcmp(a->refusal, b->refusal) == 0);
	for (size_t i = 0; i < a->bad && i < FORMAT_BAD_SHOWN; i++)
		require(a->bad_lines[i].line == b->bad_lines[i].line && a->bad_lines[i].why);
}

void reread(const void *bytes, size_t length, const struct format_options *options, size_t chunk)
{
	struct reading whole = { 0 }, chunked = { 0 };

	read_in_chunks(&whole, bytes, length, options, length ? length : 1);
	read_in_chunks(&chunked, bytes, length, options, chunk);
	require(whole.verdict == chunked.verdict && whole.digest == chunked.digest);
	require(whole.verdict != FORMAT_TAKEN || whole.report.entries > 0);
	compare(&whole.report, &chunked.report);
}
