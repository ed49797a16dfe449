#include "tests/unit/listing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_entry(void *context, const struct list_entry *entry)
{
	static const char *const fronts[] = { "", "*.", "." };
	char first[ADDRESS_TEXT], last[ADDRESS_TEXT];
	FILE *file = context;

	fprintf(file, "%u %s", entry->line, entry->allow ? "@" : "");
	if (entry->kind == ENTRY_NAME)
		fprintf(file, "%s%s\n", fronts[entry->pattern], entry->name);
	else if (address_equal(&entry->first, &entry->last))
		fprintf(file, "%s\n", address_print(&entry->first, first));
	else
		fprintf(file, "%s-%s\n", address_print(&entry->first, first),
			address_print(&entry->last, last));
	return 0;
}

char *listing_read(const void *bytes, size_t length, const struct format_options *options,
		   size_t chunk, struct format_report *report)
{
	static const struct format_options none;
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	struct format_reader *reader =
		format_reader_new(options ? options : &none, write_entry, file);
	const char *next = bytes;

	assert_non_null(reader);
	while (length) {
		size_t part = chunk && chunk < length ? chunk : length;
		/* A copy of the very size, so that a sanitizer sees what is read behind it. */
		char *copy = malloc(part);

		assert_non_null(copy);
		memcpy(copy, next, part);
		format_reader_feed(reader, copy, part);
		free(copy);
		next += part;
		length -= part;
	}
	format_reader_finish(reader, report);
	format_reader_free(reader);
	fclose(file);
	return text;
}

void listing_of_bytes_is(const void *bytes, size_t length, const struct format_options *options,
			 const char *entries, struct format_report *report)
{
	static const size_t chunks[] = { 0, 1, 2, 7, 64, 1000 };

	for (size_t i = 0; i < sizeof(chunks) / sizeof(*chunks); i++) {
		char *text = listing_read(bytes, length, options, chunks[i], report);

		assert_string_equal(report->refusal, "");
		assert_string_equal(text, entries);
		free(text);
	}
}

void listing_is(const char *format, const char *list, const char *entries)
{
	struct format_report report;

	listing_of_bytes_is(list, strlen(list), NULL, entries, &report);
	assert_string_equal(report.format, format);
}

void listing_is_refused(const void *bytes, size_t length, const struct format_options *options,
			const char *words)
{
	struct format_report report;
	char *text = listing_read(bytes, length, options, 0, &report);

	if (!strstr(report.refusal, words))
		fail_msg("\"%s\" does not say \"%s\"", report.refusal, words);
	free(text);
}
