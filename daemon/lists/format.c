#include "daemon/lists/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

struct format {
	const char *word;
	enum likeness (*looks)(const char *line);
	piece_reader *read;
	whole_reader *read_whole; /* instead of read */
	const char *ends;	  /* of a piece */
};

/* Where two get as many votes, the one further up is meant. */
static const struct format formats[] = {
	{ "ipset", ipset_looks, ipset_read, NULL, "\n" },
	{ "nftables", nftables_looks, nftables_read, NULL, "\n,;{}" },
	{ "drop", drop_looks, drop_read, NULL, "\n" },
	{ "rpz", rpz_looks, rpz_read, NULL, "\n" },
	{ "dnsmasq", dnsmasq_looks, dnsmasq_read, NULL, "\n" },
	{ "adblock", adblock_looks, adblock_read, NULL, "\n" },
	{ "hosts", hosts_looks, hosts_read, NULL, "\n" },
	{ "csv", csv_looks, csv_read, NULL, "\n" },
	{ "plain", plain_looks, plain_read, NULL, "\n" },
	{ "mmdb", NULL, NULL, mmdb_read_whole, NULL },
	{ "srs", NULL, NULL, srs_read_whole, NULL },
	{ "mrs", NULL, NULL, mrs_read_whole, NULL },
};

enum { FORMATS = sizeof(formats) / sizeof(*formats) };

struct format_reader {
	struct format_options options;
	struct format_report report;
	struct gather gather;
	const struct format *format; /* NULL until the sample is there */
	union format_state state;
	struct pieces pieces;
	uint8_t *held; /* the sample; of a binary format everything */
	size_t held_length;
	size_t held_size;
};

static const struct format *find_format(const char *word)
{
	for (size_t i = 0; i < FORMATS; i++) {
		if (strcmp(formats[i].word, word) == 0)
			return &formats[i];
	}
	return NULL;
}

static bool is_automatic(const char *word)
{
	return !word || strcmp(word, "auto") == 0;
}

bool format_is_known(const char *word)
{
	return is_automatic(word) || find_format(word);
}

bool format_is_text(const char *word)
{
	const struct format *format = find_format(word);

	return format && format->read;
}

struct format_reader *format_reader_new(const struct format_options *options, entry_sink *sink,
					void *context)
{
	struct format_reader *reader;

	if (!format_is_known(options->format)) {
		errno = EINVAL;
		return NULL;
	}
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return NULL;
	reader->options = *options;
	reader->report.format = "";
	reader->gather.report = &reader->report;
	reader->gather.options = &reader->options;
	reader->gather.codes = options->codes ? options->codes : &reader->options.code;
	reader->gather.code_count = options->codes ? options->code_count : options->code != NULL;
	reader->gather.sink = sink;
	reader->gather.context = context;
	return reader;
}

void format_reader_free(struct format_reader *reader)
{
	if (!reader)
		return;
	free(reader->held);
	free(reader);
}

static bool read_piece(void *context, const struct piece *piece)
{
	struct format_reader *reader = context;
	struct gather *gather = &reader->gather;

	gather->entry.line = piece->line;
	gather->entry.allow = false;
	if (piece->fault == PIECE_TOO_LONG)
		gather_bad(gather, "the line is too long");
	else if (piece->fault == PIECE_WITH_NUL)
		gather_bad(gather, "a NUL byte in the line");
	if (piece->fault != PIECE_SOUND)
		return !gather->stopped;
	if (piece->length && piece->text[piece->length - 1] == '\r')
		piece->text[piece->length - 1] = '\0';
	reader->format->read(gather, &reader->state, piece);
	return !gather->stopped;
}

struct poll {
	size_t votes[FORMATS];
	const struct format *sure;
};

/* The first line of which one format is sure decides; else most votes. A line that only plain could
 * read is plain's. */
static bool poll_line(void *context, const struct piece *piece)
{
	struct poll *poll = context;
	char *line = words_skip_blanks(piece->text);
	bool claimed = false;

	if (!*line || piece->fault == PIECE_WITH_NUL)
		return true;
	line[strcspn(line, "\r")] = '\0';
	for (size_t i = 0; i < FORMATS && formats[i].looks; i++) {
		enum likeness likeness = formats[i].looks(line);

		if (likeness == SURE) {
			poll->sure = &formats[i];
			return false;
		}
		if (likeness == LIKE && (formats[i].read != plain_read || !claimed))
			poll->votes[i]++;
		claimed |= likeness == LIKE;
	}
	return true;
}

/* The pieces are the reader's own, which has read none yet. A line that the sample ends in has no
 * vote unless the list ends there too, or it is the only one. */
static const struct format *poll_formats(struct format_reader *reader, const char *text,
					 size_t length)
{
	struct poll poll = { 0 };
	const struct format *best = find_format("plain");
	size_t most = 0;

	pieces_begin(&reader->pieces, "\n");
	if (pieces_feed(&reader->pieces, text, length, poll_line, &poll) &&
	    (reader->held_length < FORMAT_SAMPLE || reader->pieces.line == 1))
		pieces_finish(&reader->pieces, poll_line, &poll);
	for (size_t i = 0; i < FORMATS && !poll.sure; i++) {
		if (poll.votes[i] > most) {
			most = poll.votes[i];
			best = &formats[i];
		}
	}
	return poll.sure ? poll.sure : best;
}

/* More than an eighth of control characters is no text. */
static bool is_binary(const uint8_t *bytes, size_t length)
{
	size_t controls = 0;

	for (size_t i = 0; i < length; i++)
		controls += bytes[i] < 0x20 && !memchr("\t\n\r\f\b", bytes[i], 5);
	return controls > length / 8;
}

static const struct format *recognise_binary(const uint8_t *bytes, size_t length)
{
	if (length >= 4 && memcmp(bytes, "SRS", 3) == 0 && bytes[3] < 0x20)
		return find_format("srs");
	if (length >= 4 && memcmp(bytes, "MRS\1", 4) == 0)
		return find_format("mrs");
	return is_binary(bytes, length) ? find_format("mmdb") : NULL;
}

static size_t skip_mark(const uint8_t *bytes, size_t length)
{
	return length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool is_html(const uint8_t *bytes, size_t length)
{
	static const char *const starts[] = { "<!doctype", "<html", "<head", "<?xml", "<!--" };
	size_t at = skip_mark(bytes, length);

	while (at < length && bytes[at] && strchr(" \t\r\n", bytes[at]))
		at++;
	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		size_t start = strlen(starts[i]);

		if (length - at >= start &&
		    strncasecmp((const char *)bytes + at, starts[i], start) == 0)
			return true;
	}
	return false;
}

/* What is no list at all, whatever the owner says it is. */
static void refuse_others(struct format_reader *reader)
{
	const uint8_t *bytes = reader->held;
	size_t length = reader->held_length;

	if (is_html(bytes, length))
		gather_refuse(&reader->gather, "it is an HTML or XML page, not a list");
	else if (length >= 2 &&
		 (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0))
		gather_refuse(&reader->gather, "it is UTF-16; a list is ASCII or UTF-8");
}

static void read_text(struct format_reader *reader, const void *bytes, size_t length)
{
	if (!reader->gather.stopped)
		pieces_feed(&reader->pieces, bytes, length, read_piece, reader);
}

/* The sample is there: finds the format and, of a text, reads the sample. */
static void begin_format(struct format_reader *reader)
{
	size_t mark = skip_mark(reader->held, reader->held_length);
	const char *text = (const char *)reader->held + mark;
	size_t length = reader->held_length - mark;

	refuse_others(reader);
	if (reader->gather.stopped)
		return;
	if (!is_automatic(reader->options.format))
		reader->format = find_format(reader->options.format);
	else
		reader->format = recognise_binary(reader->held, reader->held_length);
	if (!reader->format && reader->options.column)
		reader->format = find_format("csv");
	if (!reader->format)
		reader->format = poll_formats(reader, text, length);
	reader->report.format = reader->format->word;
	if (reader->format->read_whole)
		return;
	pieces_begin(&reader->pieces, reader->format->ends);
	read_text(reader, text, length);
	free(reader->held);
	reader->held = NULL;
}

/* Keeps bytes; false, and the reading is over, when that cannot be. */
static bool hold(struct format_reader *reader, const uint8_t *bytes, size_t length)
{
	size_t wanted = reader->held_length + length;
	size_t size = reader->held_size ? reader->held_size : FORMAT_SAMPLE;
	uint8_t *grown;

	if (wanted > FORMAT_WHOLE_MAX) {
		gather_refuse(&reader->gather, "it is larger than %d MiB", FORMAT_WHOLE_MAX >> 20);
		return false;
	}
	while (size < wanted)
		size += size / 2;
	if (size != reader->held_size) {
		grown = realloc(reader->held, size);
		if (!grown) {
			gather_exhausted(&reader->gather);
			return false;
		}
		reader->held = grown;
		reader->held_size = size;
	}
	memcpy(reader->held + reader->held_length, bytes, length);
	reader->held_length = wanted;
	return true;
}

/* The sample's part of these bytes; returns its length. */
static size_t hold_sample(struct format_reader *reader, const uint8_t *bytes, size_t length)
{
	size_t room = FORMAT_SAMPLE - reader->held_length;

	if (length > room)
		length = room;
	if (hold(reader, bytes, length) && reader->held_length == FORMAT_SAMPLE)
		begin_format(reader);
	return length;
}

int format_reader_feed(struct format_reader *reader, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	size_t taken = 0;

	if (!length || reader->gather.stopped)
		return reader->gather.stopped ? -1 : 0;
	if (!reader->format)
		taken = hold_sample(reader, next, length);
	if (taken < length && !reader->gather.stopped) {
		if (reader->format->read_whole)
			hold(reader, next + taken, length - taken);
		else
			read_text(reader, next + taken, length - taken);
	}
	return reader->gather.stopped ? -1 : 0;
}

static void finish_reading(struct format_reader *reader)
{
	if (!reader->format && !reader->held_length && !reader->gather.stopped) {
		gather_refuse(&reader->gather, "it is empty");
		reader->report.empty = true;
	}
	if (!reader->format && !reader->gather.stopped)
		begin_format(reader);
	if (reader->gather.stopped)
		return;
	if (reader->format->read_whole)
		reader->format->read_whole(&reader->gather, reader->held, reader->held_length);
	else
		pieces_finish(&reader->pieces, read_piece, reader);
}

enum format_verdict format_report_judge(struct format_report *report)
{
	size_t lines = report->bad + report->entries + report->skipped;

	report->empty = !lines;
	if (report->bad > report->entries + report->skipped)
		snprintf(report->refusal, sizeof(report->refusal),
			 "%zu of its %zu lines are not understood as %s, the first in line %u: %s",
			 report->bad, lines, report->format, report->bad_lines[0].line,
			 report->bad_lines[0].why);
	else if (!report->entries)
		snprintf(report->refusal, sizeof(report->refusal), "it holds no entry (read as %s)",
			 report->format);
	return report->refusal[0] ? FORMAT_REFUSED : FORMAT_TAKEN;
}

enum format_verdict format_reader_finish(struct format_reader *reader, struct format_report *report)
{
	finish_reading(reader);
	*report = reader->report;
	if (!reader->gather.stopped)
		return format_report_judge(report);
	if (report->refusal[0])
		return FORMAT_REFUSED;
	errno = reader->gather.error;
	return FORMAT_STOPPED;
}
