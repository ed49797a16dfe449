/* Sets of the kernel as their tools print them: `ipset save`, and `nft list ruleset` or a file for
 * `nft -f`. */
#include <string.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text);
	size_t end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

enum likeness ipset_looks(const char *line)
{
	if (begins(line, "create ") && (strstr(line, " hash:") || strstr(line, " bitmap:")))
		return SURE;
	return begins(line, "add ") && !begins(line, "add element ") ? LIKE : UNLIKE;
}

/* What only fits with ports, interfaces or further addresses is no entry of ours. */
static void read_member(struct gather *gather, char *member)
{
	if (strchr(member, ',') || !strpbrk(member, ".:"))
		gather_skip(gather);
	else if (!gather_addresses(gather, member))
		gather_bad(gather, "no address, prefix or range");
}

static bool has_word(char *rest, const char *wanted)
{
	for (char *word = words_next(&rest); word; word = words_next(&rest)) {
		if (strcmp(word, wanted) == 0)
			return true;
	}
	return false;
}

void ipset_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	static const char *const others[] = {
		"create", "flush", "destroy", "swap", "COMMIT", "quit"
	};
	char *rest = piece->text;
	char *word = words_next(&rest);
	char *member;

	(void)state;
	if (!word || *word == '#')
		return;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (strcmp(word, others[i]) == 0)
			return;
	}
	member = words_next(&rest) ? words_next(&rest) : NULL;
	if (strcmp(word, "add") != 0 || !member) {
		gather_bad(gather, "no command of ipset");
		return;
	}
	gather->entry.allow = has_word(rest, "nomatch");
	read_member(gather, member);
}

static bool opens_elements(const char *text)
{
	return begins(text, "add element ") || begins(text, "create element ") ||
	       begins(text, "define ") || ends_with(text, "elements =");
}

enum likeness nftables_looks(const char *line)
{
	static const char *const starts[] = { "table ",		"add table ", "add element ",
					      "add set ",	"define ",    "create set ",
					      "#!/usr/sbin/nft" };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		if (begins(line, starts[i]))
			return SURE;
	}
	return ends_with(line, "elements = {") ? SURE : UNLIKE;
}

/* "192.0.2.1 timeout 1h expires 30m comment …"; "address . port" is no entry of ours. */
static void read_element(struct gather *gather, char *text)
{
	char *word = words_next(&text);

	if (!word)
		return;
	text = words_skip_blanks(text);
	if ((text[0] == '.' || text[0] == ':') && text[1] == ' ')
		gather_skip(gather);
	else
		read_member(gather, word);
}

static void trim_right(char *text)
{
	size_t length = strlen(text);

	while (length && strchr(" \t\r", text[length - 1]))
		text[--length] = '\0';
}

void nftables_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *text = words_skip_blanks(piece->text);
	bool comment = state->nftables.comment || *text == '#';

	trim_right(text);
	if (!comment && state->nftables.inside)
		read_element(gather, text);
	if (!comment && piece->end == '{')
		state->nftables.inside = opens_elements(text);
	if (!comment && piece->end == '}')
		state->nftables.inside = false;
	state->nftables.comment = comment && piece->end != '\n';
}
