/* Lists in the formats in which they are published: bytes in, entries out. Lines are read as they
 * come, in constant memory; the binary formats (mmdb, srs, mrs) are kept whole, up to
 * FORMAT_WHOLE_MAX. Pure. */
#pragma once

#include <stdint.h>

#include "daemon/lists/entry.h"

enum {
	FORMAT_SAMPLE = 65536,	     /* bytes by which a format is recognised */
	FORMAT_LINE_MAX = 8192,	     /* a longer line is a bad line */
	FORMAT_WHOLE_MAX = 32 << 20, /* bytes of a binary list */
	FORMAT_BAD_SHOWN = 8,
	FORMAT_REFUSAL_SIZE = 160,
};

struct format_reader;

/* Texts, and codes, must outlive the reader; NULL where nothing is said. */
struct format_options {
	const char *format; /* one of format_words; NULL: recognised by content */
	const char *column; /* of a csv: its number from 1, or its name in the header; NULL:
			       recognised */
	const char *code;   /* of a csv or mmdb: only what belongs to this country ("DE") or AS
			       ("AS64496") */
	const char *const *codes; /* instead of code: several, an entry says which one it belongs to */
	size_t code_count;
};

struct bad_line {
	unsigned line;
	const char *why; /* static text */
};

struct format_report {
	const char *format; /* as which it was read; "" when that was not found out */
	size_t entries;
	size_t bad;	/* lines that are not understood */
	size_t skipped; /* understood, but nothing that a list of hosts can hold */
	struct bad_line
		bad_lines[FORMAT_BAD_SHOWN]; /* the first ones, min(bad, FORMAT_BAD_SHOWN) */
	char refusal[FORMAT_REFUSAL_SIZE];   /* why the list as a whole is refused; "" */
	bool empty; /* refused only because nothing stands in it */
};

enum format_verdict {
	FORMAT_TAKEN,
	FORMAT_REFUSED, /* whatever went to the sink must be thrown away; report->refusal says why
			 */
	FORMAT_STOPPED, /* errno is ECANCELED when the sink said so, or ENOMEM */
};

/* True for one of format_words. */
bool format_is_known(const char *word);

/* True for the word of a format that is read line by line. */
bool format_is_text(const char *word);

/* NULL with errno ENOMEM, or EINVAL for an unknown options->format. */
struct format_reader *format_reader_new(const struct format_options *options, entry_sink *sink,
					void *context);
void format_reader_free(struct format_reader *reader);

/* Takes the next bytes of the (uncompressed) list, in pieces of any size. 0; -1 when no more bytes
 * are wanted: format_reader_finish() then says why. */
int format_reader_feed(struct format_reader *reader, const void *bytes, size_t length);

/* Judges what a report counts: FORMAT_REFUSED with its refusal, or FORMAT_TAKEN. */
enum format_verdict format_report_judge(struct format_report *report);

/* After the last byte: judges the whole list. A list is refused when more than half of its lines
 * are bad, when it holds no entry, and when it is an HTML page. */
enum format_verdict format_reader_finish(struct format_reader *reader,
					 struct format_report *report);
