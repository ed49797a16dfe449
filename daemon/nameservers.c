#include "daemon/nameservers.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_SIZE = 256, DNS_PORT = 53, DOTS_MAX = 15 };

/* Takes the next word of a line that ends at end into word; NULL when there is none. What is too
 * long for a word is an empty one. */
static const char *next_word(const char *at, const char *end, char word[static WORD_SIZE])
{
	size_t length;

	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r'))
		at++;
	if (at == end || *at == '#' || *at == ';')
		return NULL;
	for (length = 0; at + length < end; length++)
		if (strchr(" \t\r#", at[length]) || !at[length])
			break;
	memcpy(word, at, length < WORD_SIZE ? length : 0);
	word[length < WORD_SIZE ? length : 0] = '\0';
	/* A NUL is no word and must not hold us up. */
	return at + (length ? length : 1);
}

static const char *line_end(const char *at, const char *end)
{
	const char *found = memchr(at, '\n', (size_t)(end - at));

	return found ? found : end;
}

static void add_server(struct nameservers *nameservers, const char *word)
{
	struct address *server = &nameservers->servers[nameservers->count];
	char literal[WORD_SIZE];
	char *zone;

	if (nameservers->count == NAMESERVERS_MAX)
		return;
	strcpy(literal, word);
	zone = strchr(literal, '%');
	if (address_parse(server, literal) < 0) {
		/* A scope that is named is not carried: its interface may not be there yet. */
		if (zone)
			*zone = '\0';
		if (address_parse(server, literal) < 0)
			return;
	}
	server->port = DNS_PORT;
	nameservers->count++;
}

static void set_option(struct nameservers *nameservers, const char *word)
{
	unsigned long dots;

	if (strncmp(word, "ndots:", 6) != 0)
		return;
	dots = strtoul(word + 6, NULL, 10);
	nameservers->dots = dots < DOTS_MAX ? (unsigned)dots : DOTS_MAX;
}

static void add_search(struct nameservers *nameservers, const char *word)
{
	char *name = nameservers->searches[nameservers->search_count];

	if (nameservers->search_count < SEARCHES_MAX && name_canonical(word, strlen(word), name))
		nameservers->search_count++;
}

static void read_line(struct nameservers *nameservers, const char *at, const char *end)
{
	char key[WORD_SIZE], word[WORD_SIZE];

	at = next_word(at, end, key);
	/* The last of these lines counts. */
	if (at && (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0))
		nameservers->search_count = 0;
	while (at && (at = next_word(at, end, word))) {
		if (strcmp(key, "nameserver") == 0)
			add_server(nameservers, word);
		else if (strcmp(key, "options") == 0)
			set_option(nameservers, word);
		else if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
			add_search(nameservers, word);
	}
}

void nameservers_parse(struct nameservers *nameservers, const char *text, size_t length)
{
	const char *end = text + length;

	memset(nameservers, 0, sizeof(*nameservers));
	nameservers->dots = 1;
	for (const char *at = text; at < end; at = line_end(at, end) + 1)
		read_line(nameservers, at, line_end(at, end));
	if (nameservers->count == 0)
		add_server(nameservers, "127.0.0.1");
}

static bool line_names(const char *at, const char *end, const char *name)
{
	char word[WORD_SIZE], canonical[NAME_SIZE];

	while ((at = next_word(at, end, word)))
		if (name_canonical(word, strlen(word), canonical) && strcmp(canonical, name) == 0)
			return true;
	return false;
}

size_t hosts_find(const char *text, size_t length, const char *name, struct address *addresses,
		  size_t most)
{
	const char *end = text + length;
	char word[WORD_SIZE];
	size_t count = 0;

	for (const char *at = text; at < end && count < most; at = line_end(at, end) + 1) {
		const char *stop = line_end(at, end);
		const char *names = next_word(at, stop, word);

		if (names && address_parse(&addresses[count], word) == 0 &&
		    line_names(names, stop, name))
			count++;
	}
	return count;
}
