/* An entry a line with any comment style (also FireHOL's netset, Spamhaus DROP as text, lists of
 * domains), and hosts files. */
#include <stdio.h>
#include <string.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

/* Some hosts files have a zone behind the address: "fe80::1%lo0 localhost". */
static bool parse_first_address(const char *word, struct address *address)
{
	char literal[ADDRESS_TEXT];
	size_t length = strcspn(word, "%");

	if (length >= sizeof(literal))
		return false;
	memcpy(literal, word, length);
	literal[length] = '\0';
	return address_parse(address, literal) == 0;
}

/* Where hosts files send what is to be blocked. */
static bool is_sink(const struct address *address)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	static const uint8_t nowhere[16];

	if (address->family == AF_INET)
		return address->bytes[0] == 0 || address->bytes[0] == 127;
	return memcmp(address->bytes, loopback, 16) == 0 ||
	       memcmp(address->bytes, nowhere, 16) == 0;
}

enum likeness plain_looks(const char *line)
{
	char copy[FORMAT_LINE_MAX + 1];

	snprintf(copy, sizeof(copy), "%s", line);
	words_cut_comment(copy);
	return copy[0] ? LIKE : UNLIKE;
}

enum likeness hosts_looks(const char *line)
{
	char copy[FORMAT_LINE_MAX + 1];
	char *rest = copy;
	struct address address;
	char *word;

	snprintf(copy, sizeof(copy), "%s", line);
	words_cut_comment(copy);
	word = words_next(&rest);
	if (!word || !parse_first_address(word, &address))
		return UNLIKE;
	word = words_next(&rest);
	return word && (is_sink(&address) || words_are_dotted_name(word)) ? LIKE : UNLIKE;
}

/* "0.0.0.0 0.0.0.0" opens some published hosts files. */
static void read_names(struct gather *gather, char *rest)
{
	for (char *word = words_next(&rest); word; word = words_next(&rest)) {
		struct address address;

		if (parse_first_address(word, &address))
			gather_skip(gather);
		else
			gather_name(gather, word, NAME_EXACT);
	}
}

void hosts_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *rest = piece->text;
	struct address address;
	char *word;

	(void)state;
	words_cut_comment(rest);
	word = words_next(&rest);
	if (!word)
		return;
	if (!parse_first_address(word, &address))
		gather_bad(gather, "no line of a hosts file: it does not begin with an address");
	else if (!*words_skip_blanks(rest))
		gather_bad(gather, "an address without a name");
	else
		read_names(gather, rest);
}

/* An address and more: a line of a hosts file, the ends of a range, or an address with a remark. */
static void read_address_and_more(struct gather *gather, const struct address *first, char *rest)
{
	char *more = rest;
	char *second = words_next(&more);
	char *third = words_next(&more);
	struct address last;

	if (third && strcmp(second, "-") == 0 && address_parse(&last, third) == 0)
		gather_range(gather, first, &last);
	else if (address_parse(&last, second) == 0 && !is_sink(first))
		gather_range(gather, first, &last);
	else
		gather_range(gather, first, first);
}

static bool is_hosts_line(const struct address *first, const char *rest)
{
	char second[NAME_SIZE];
	size_t length = strcspn(rest, " \t");

	if (is_sink(first))
		return true;
	if (length >= sizeof(second))
		return false;
	memcpy(second, rest, length);
	second[length] = '\0';
	return words_are_dotted_name(second);
}

/* "https://name/", "name/path": a page is less than its host, so it is no entry. */
static bool is_page(const char *word)
{
	char host[NAME_SIZE];
	size_t length = strcspn(word, "/");

	if (!word[length] || length >= sizeof(host))
		return false;
	memcpy(host, word, length);
	host[length] = '\0';
	return strstr(word, "://") || words_are_dotted_name(host);
}

static bool is_adblock(const char *line)
{
	return strncmp(line, "||", 2) == 0 || strncmp(line, "@@||", 4) == 0;
}

void plain_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *rest = piece->text;
	struct address first;
	char *word;

	/* Some lists are plain for more than the sample, and then change. */
	if (is_adblock(rest)) {
		adblock_read(gather, state, piece);
		return;
	}
	words_cut_comment(rest);
	word = words_next(&rest);
	if (!word)
		return;
	rest = words_skip_blanks(rest);
	if (!*rest && is_page(word))
		gather_skip(gather);
	else if (!*rest)
		gather_host(gather, word, NAME_EXACT);
	else if (parse_first_address(word, &first) && is_hosts_line(&first, rest))
		read_names(gather, rest);
	else if (address_parse(&first, word) == 0)
		read_address_and_more(gather, &first, rest);
	else if (!gather_addresses(gather, word))
		gather_bad(gather, "more than one word");
}
