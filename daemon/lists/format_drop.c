/* Spamhaus DROP in JSON: one object a line with a member "cidr". */
#include <string.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

enum likeness drop_looks(const char *line)
{
	return line[0] == '{' && strstr(line, "\"cidr\"") ? SURE : UNLIKE;
}

/* Behind the closing quote of the string that begins at `at`; NULL when nothing closes it. */
static char *string_end(char *at)
{
	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && at[1])
			at++;
	}
	return *at ? at + 1 : NULL;
}

/* The string that is the value of "cidr" in the outermost object, ended in place; NULL when there
 * is none. *balanced tells whether the object is whole. */
static char *find_prefix(char *at, bool *balanced)
{
	char *found = NULL;
	unsigned depth = 0;

	*balanced = false;
	while (*at) {
		char *start = at;

		depth += *at == '{' || *at == '[';
		if ((*at == '}' || *at == ']') && --depth == 0) {
			*balanced = !*words_skip_blanks(at + 1) || at[1] == ',';
			return found;
		}
		if (*at++ != '"')
			continue;
		at = string_end(start);
		if (!at)
			return NULL;
		if (depth == 1 && !found && strncmp(start, "\"cidr\"", 6) == 0) {
			at = words_skip_blanks(at);
			at = *at == ':' ? words_skip_blanks(at + 1) : at;
			found = *at == '"' ? at : NULL;
		}
	}
	return NULL;
}

void drop_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *line = words_skip_blanks(piece->text);
	bool balanced;
	char *prefix;

	(void)state;
	if (!*line || *line == '#' || *line == ';')
		return;
	prefix = *line == '{' ? find_prefix(line, &balanced) : NULL;
	if (*line != '{' || !balanced) {
		gather_bad(gather, "no JSON object");
	} else if (!prefix) {
		gather_skip(gather);
	} else {
		prefix++;
		prefix[strcspn(prefix, "\"")] = '\0';
		if (!gather_addresses(gather, prefix))
			gather_bad(gather, "no address, prefix or range");
	}
}
