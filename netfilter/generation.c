#include "netfilter/generation.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"
#include "netfilter/table.h"

enum { SUFFIX_SIZE = 12 }; /* "." and digits */

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* With its end. */
static size_t line_length(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? (size_t)(end - line) + 1 : strlen(line);
}

static size_t name_length(const char *name)
{
	size_t length = 0;

	while (isalnum((unsigned char)name[length]) || name[length] == '_')
		length++;
	return length;
}

/* The line behind the head of a chain at a hook. */
static bool is_hook(const char *line)
{
	const char *hook = strstr(line, " hook ");

	return begins(line, "\t\ttype ") && hook && hook < line + line_length(line);
}

/* What is for people. */
static bool is_comment(const char *line)
{
	return line[strspn(line, "\t")] == '#' || begins(line, "\tcomment ");
}

/* The length of a word of nft behind which the name of a chain comes, with the space; 0 for all others. */
static size_t naming_word(const char *line, const char *place)
{
	static const char *const words[] = { "chain ", "jump ", "goto " };

	if (place > line && place[-1] != ' ' && place[-1] != '\t')
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (begins(place, words[i]))
			return strlen(words[i]);
	return 0;
}

static void add_numbered(struct text *text, const char *line, unsigned number)
{
	const char *end = line + line_length(line);

	for (const char *place = line; place < end; place++) {
		size_t length = naming_word(line, place);

		if (!length) {
			text_add_char(text, *place);
			continue;
		}
		length += name_length(place + length);
		text_add_bytes(text, place, length);
		text_addf(text, ".%u", number);
		place += length - 1;
	}
}

static size_t room(const char *table)
{
	size_t size = strlen(table) + 256;

	for (const char *place = table; *place; place++)
		if (naming_word(table, place))
			size += SUFFIX_SIZE;
	return size;
}

static void add_chains(struct text *text, const char *table, unsigned number)
{
	for (const char *line = table; *line; line += line_length(line)) {
		if (is_comment(line))
			text_add_bytes(text, line, line_length(line));
		else if (!is_hook(line))
			add_numbered(text, line, number);
	}
}

static void add_hooks(struct text *text, const char *table, unsigned number)
{
	const char *head = "";

	text_add(text, "table inet " TABLE_NAME " {\n");
	for (const char *line = table; *line; line += line_length(line)) {
		if (begins(line, "\tchain "))
			head = line + strlen("\tchain ");
		if (!is_hook(line))
			continue;
		text_addf(text, "\tchain %.*s {\n%.*s\t\tgoto %.*s.%u\n\t}\n",
			  (int)name_length(head), head, (int)line_length(line), line,
			  (int)name_length(head), head, number);
	}
	text_add(text, "}\n");
}

static char *print(const char *table, unsigned number,
		   void (*add)(struct text *text, const char *table, unsigned number))
{
	size_t size = room(table);
	char *storage = malloc(size);
	struct text text;

	if (!storage)
		return NULL;
	text_begin(&text, storage, size);
	add(&text, table, number);
	return storage;
}

char *generation_print_chains(const char *table, unsigned number)
{
	return print(table, number, add_chains);
}

char *generation_print_hooks(const char *table, unsigned number)
{
	return print(table, number, add_hooks);
}

void generation_name(char name[static GENERATION_NAME], const char *chain, unsigned number)
{
	snprintf(name, GENERATION_NAME, "%s.%u", chain, number);
}

unsigned generation_of(const char *name)
{
	const char *suffix = strrchr(name, '.');

	return suffix ? (unsigned)strtoul(suffix + 1, NULL, 10) : 0;
}

/* Where the table says what that is, at the line behind its head; NULL: it does not. */
static const char *find(const char *table, const char *kind, const char *name, size_t length)
{
	char head[2 * GENERATION_NAME];
	const char *place;

	snprintf(head, sizeof(head), "\n\t%s %.*s {", kind, (int)length, name);
	place = strstr(table, head);
	return place ? place + 1 + line_length(place + 1) : NULL;
}

bool generation_has(const char *table, unsigned number, const char *kind, const char *name)
{
	const char *suffix = strrchr(name, '.');
	const char *body;

	if (strcmp(kind, "chain"))
		return find(table, kind, name, strlen(name)) != NULL;
	if (suffix)
		return generation_of(name) == number &&
		       find(table, kind, name, (size_t)(suffix - name)) != NULL;
	body = find(table, kind, name, strlen(name));
	return body && is_hook(body);
}
