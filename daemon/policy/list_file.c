#include "daemon/policy/list_file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct scan {
	bool (*each)(void *context, const struct list_entry *entry);
	void *context;
	struct list_entry entry;
};

static const char *const own_names[] = {
	"localhost",	 "localhost.localdomain", "local",	  "broadcasthost",
	"ip6-localhost", "ip6-loopback",	  "ip6-localnet", "ip6-mcastprefix",
	"ip6-allnodes",	 "ip6-allrouters",	  "ip6-allhosts",
};

static bool is_blank(char character)
{
	return character == ' ' || character == '\t' || character == '\r';
}

/* Where the comment begins: after a blank, so that a ';' or '#' inside a word is part of it. */
static size_t comment_start(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool begins = line[i] == '#' || line[i] == ';' ||
			      (line[i] == '/' && i + 1 < length && line[i + 1] == '/');

		if (begins && (i == 0 || is_blank(line[i - 1])))
			return i;
	}
	return length;
}

static char *next_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\r");

	if (!*word)
		return NULL;
	*rest = word + strcspn(word, " \t\r");
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

static bool give(struct scan *scan, enum list_entry_kind kind)
{
	scan->entry.kind = kind;
	return scan->each(scan->context, &scan->entry);
}

static bool is_own_name(const char *word)
{
	for (size_t i = 0; i < sizeof(own_names) / sizeof(*own_names); i++) {
		if (strcasecmp(own_names[i], word) == 0)
			return true;
	}
	return false;
}

static bool give_name(struct scan *scan, const char *word)
{
	struct list_entry *entry = &scan->entry;

	if (!name_pattern_parse(word, &entry->name_kind, entry->name))
		return give(scan, LIST_ENTRY_BAD);
	return give(scan, LIST_ENTRY_NAME);
}

static bool give_prefix(struct scan *scan, const char *word)
{
	struct prefix *prefix = &scan->entry.prefix;

	/* Published lists often leave host bits set; what is meant is clear. */
	if (prefix_parse(prefix, word) == -1 || prefix->length == 0)
		return give(scan, LIST_ENTRY_BAD);
	return give(scan, LIST_ENTRY_PREFIX);
}

static bool hosts_line(struct scan *scan, char *rest)
{
	for (char *word = next_word(&rest); word; word = next_word(&rest)) {
		struct address address;

		/* "0.0.0.0 0.0.0.0" opens some published hosts files. */
		if (is_own_name(word) || address_parse(&address, word) == 0)
			continue;
		if (!give_name(scan, word))
			return false;
	}
	return true;
}

static unsigned bit_of(const struct address *address, unsigned bit)
{
	return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

/* Sets all bits from `bit` on to one; returns whether they were all ones already. */
static void set_tail(struct address *address, unsigned bit)
{
	for (; bit < address_width(address) * 8; bit++)
		address->bytes[bit / 8] |= (uint8_t)(1 << (7 - bit % 8));
}

/* Adds one; false when it was the last address. */
static bool step(struct address *address)
{
	for (unsigned i = address_width(address); i-- > 0;) {
		if (++address->bytes[i])
			return true;
	}
	return false;
}

/* The shortest prefix that begins at first and does not pass last. */
static struct prefix widest(const struct address *first, const struct address *last)
{
	struct prefix prefix = { .base = *first, .length = (uint8_t)(address_width(first) * 8) };

	while (prefix.length > 1 && bit_of(first, prefix.length - 1u) == 0) {
		struct address end = *first;

		set_tail(&end, prefix.length - 1u);
		if (memcmp(end.bytes, last->bytes, address_width(last)) > 0)
			break;
		prefix.length--;
	}
	return prefix;
}

static bool give_range(struct scan *scan, struct address first, const struct address *last)
{
	unsigned width = address_width(&first);

	if (first.family != last->family || memcmp(first.bytes, last->bytes, width) > 0)
		return give(scan, LIST_ENTRY_BAD);
	do {
		struct prefix prefix = widest(&first, last);

		scan->entry.prefix = prefix;
		if (!give(scan, LIST_ENTRY_PREFIX))
			return false;
		set_tail(&first, prefix.length);
	} while (step(&first) && memcmp(first.bytes, last->bytes, width) <= 0);
	return true;
}

/* "a-b", with or without blanks around the '-'. */
static bool is_range(char *word, char *rest, struct address *first, struct address *last)
{
	char *dash = strchr(word, '-');
	char joined[2 * ADDRESS_TEXT];

	if (!dash) {
		char *second = next_word(&rest);
		char *third = next_word(&rest);

		if (!third || strcmp(second, "-") != 0)
			return false;
		if (snprintf(joined, sizeof(joined), "%s-%s", word, third) >= (int)sizeof(joined))
			return false;
		word = joined;
		dash = strchr(word, '-');
	}
	*dash = '\0';
	if (address_parse(first, word) == 0 && address_parse(last, dash + 1) == 0)
		return true;
	*dash = '-';
	return false;
}

static bool read_line(struct scan *scan, char *line)
{
	char copy[LIST_LINE_MAX];
	struct address first, last;
	char *rest = line;
	char *word = next_word(&rest);

	if (!word)
		return true;
	snprintf(copy, sizeof(copy), "%s", rest);
	if (is_range(word, copy, &first, &last))
		return give_range(scan, first, &last);
	if (!rest[strspn(rest, " \t\r")])
		return strchr(word, ':') || prefix_parse(&scan->entry.prefix, word) != -1
			       ? give_prefix(scan, word)
			       : give_name(scan, word);
	if (address_parse(&first, word) == 0)
		return hosts_line(scan, rest);
	return give(scan, LIST_ENTRY_BAD);
}

static bool scan_line(struct scan *scan, const char *line, size_t length)
{
	char copy[LIST_LINE_MAX];
	size_t used = comment_start(line, length);

	scan->entry.line++;
	scan->entry.text = line;
	scan->entry.text_length = length;
	if (used >= sizeof(copy) || memchr(line, '\0', used))
		return give(scan, LIST_ENTRY_BAD);
	memcpy(copy, line, used);
	copy[used] = '\0';
	return read_line(scan, copy);
}

bool list_file_scan(const char *bytes, size_t length,
		    bool (*each)(void *context, const struct list_entry *entry), void *context)
{
	struct scan scan = { .each = each, .context = context };
	const char *end = bytes + length;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		const char *stop = newline ? newline : end;

		if (!scan_line(&scan, bytes, (size_t)(stop - bytes)))
			return false;
		bytes = newline ? newline + 1 : end;
	}
	return true;
}
