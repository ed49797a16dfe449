/* Comma-separated values (RFC 4180, also with ';', tab or '|'): one column holds the addresses,
 * prefixes or names; of two columns side by side that hold addresses, the range between them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

enum { CSV_FIELDS_MAX = 64 };

struct fields {
	size_t count;
	char *texts[CSV_FIELDS_MAX];
};

/* Ends the quoted field at `at` in place; returns behind it. */
static char *unquote(char *at)
{
	char *to = at;

	for (; *at; at++) {
		if (*at == '"' && *++at != '"')
			break;
		*to++ = *at;
	}
	if (to != at)
		*to = '\0';
	return at;
}

static void trim_right(char *text)
{
	size_t length = strlen(text);

	while (length && strchr(" \t", text[length - 1]))
		text[--length] = '\0';
}

static void split(char *line, char separator, struct fields *fields)
{
	char *at = line;

	fields->count = 0;
	while (at && fields->count < CSV_FIELDS_MAX) {
		char *field = separator == '\t' ? at : words_skip_blanks(at);
		char *end = field;

		if (*field == '"')
			end = unquote(++field);
		end = *end ? strchr(end, separator) : NULL;
		if (end)
			*end++ = '\0';
		trim_right(field);
		fields->texts[fields->count++] = field;
		at = end;
	}
}

static char find_separator(const char *line)
{
	static const char separators[] = ",;\t|";
	size_t most = 0;
	char found = ',';

	for (const char *separator = separators; *separator; separator++) {
		size_t count = 0;

		for (const char *at = strchr(line, *separator); at; at = strchr(at + 1, *separator))
			count++;
		if (count > most) {
			most = count;
			found = *separator;
		}
	}
	return found;
}

static bool is_address(const char *text)
{
	struct address address;
	struct prefix prefix;

	return address_parse(&address, text) == 0 || prefix_parse(&prefix, text) != -1;
}

/* The first column with an address, or else with a name. */
static bool find_column(const struct fields *fields, size_t *column)
{
	for (*column = 0; *column < fields->count; ++*column) {
		if (is_address(fields->texts[*column]))
			return true;
	}
	for (*column = 0; *column < fields->count; ++*column) {
		if (words_are_dotted_name(fields->texts[*column]))
			return true;
	}
	return false;
}

enum likeness csv_looks(const char *line)
{
	char copy[FORMAT_LINE_MAX + 1];
	struct fields fields;
	size_t column;
	char separator;

	if (!strpbrk(line, ",;") || strchr("#!;|@/{", line[0]))
		return UNLIKE;
	snprintf(copy, sizeof(copy), "%s", line);
	words_cut_comment(copy); /* "192.0.2.0/24 ; remark" has no columns */
	separator = find_separator(copy);
	split(copy, separator, &fields);
	return fields.count > 1 && find_column(&fields, &column) ? LIKE : UNLIKE;
}

static bool find_named(const struct fields *fields, const char *name, size_t *column)
{
	for (*column = 0; *column < fields->count; ++*column) {
		if (strcasecmp(fields->texts[*column], name) == 0)
			return true;
	}
	return false;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* Finds out which column it is; true when this record is one of data. A header is no bad line. */
static bool settle(struct gather *gather, union format_state *state, const struct fields *fields)
{
	const char *wanted = gather->options->column;
	size_t *column = &state->csv.column;
	bool first = state->csv.records == 1;

	if (state->csv.settled)
		return true;
	if (wanted && is_number(wanted)) {
		*column = strtoul(wanted, NULL, 10) - 1;
		state->csv.settled = true;
		return !first || *column >= fields->count || is_address(fields->texts[*column]) ||
		       words_are_dotted_name(fields->texts[*column]);
	}
	if (wanted) {
		state->csv.settled = find_named(fields, wanted, column);
		if (!state->csv.settled)
			gather_refuse(gather, "there is no column \"%.40s\"", wanted);
		return false;
	}
	state->csv.settled = find_column(fields, column);
	if (!state->csv.settled && !first)
		gather_bad(gather, "no column holds an address or a name");
	return state->csv.settled;
}

/* "AS64496" and "64496" are one. */
static const char *code_digits(const char *code)
{
	return strncasecmp(code, "AS", 2) == 0 && is_number(code + 2) ? code + 2 : code;
}

static bool is_code(const char *text, const char *code)
{
	return tolower((unsigned char)*text) == tolower((unsigned char)*code) &&
	       strcasecmp(text, code) == 0;
}

static bool has_code(const struct fields *fields, size_t column, const char *code)
{
	code = code_digits(code);
	for (size_t i = 0; i < fields->count; i++) {
		if (i != column && (is_code(fields->texts[i], code) ||
				    is_code(code_digits(fields->texts[i]), code)))
			return true;
	}
	return false;
}

static void take_field(struct gather *gather, const struct fields *fields, size_t column)
{
	struct address first, last;

	if (column + 1 < fields->count && address_parse(&first, fields->texts[column]) == 0 &&
		 address_parse(&last, fields->texts[column + 1]) == 0)
		gather_range(gather, &first, &last);
	else
		gather_host(gather, fields->texts[column], NAME_EXACT);
}

static void read_fields(struct gather *gather, const union format_state *state,
			const struct fields *fields)
{
	size_t column = state->csv.column;
	bool taken = false;

	if (column >= fields->count) {
		gather_bad(gather, "has too few columns");
		return;
	}
	for (size_t i = 0; i < gather->code_count && *fields->texts[column]; i++) {
		if (!has_code(fields, column, gather->codes[i]))
			continue;
		gather->entry.part = (unsigned)i;
		take_field(gather, fields, column);
		taken = true;
	}
	if (!gather->code_count && *fields->texts[column])
		take_field(gather, fields, column);
	else if (!taken)
		gather_skip(gather);
}

/* Some publishers write the header as a comment. */
static void read_comment(struct gather *gather, union format_state *state, char *line)
{
	const char *wanted = gather->options->column;
	struct fields fields;

	if (state->csv.settled || !wanted)
		return;
	split(line, find_separator(line), &fields);
	state->csv.settled = find_named(&fields, wanted, &state->csv.column);
}

void csv_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *line = words_skip_blanks(piece->text);
	struct fields fields;

	if (!*line)
		return;
	if (*line == '#') {
		read_comment(gather, state, line + 1);
		return;
	}
	if (!state->csv.separator)
		state->csv.separator = find_separator(line);
	split(line, state->csv.separator, &fields);
	state->csv.records++;
	if (settle(gather, state, &fields))
		read_fields(gather, state, &fields);
}
