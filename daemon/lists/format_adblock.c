/* The part of an ad blocker's list that speaks of whole hosts: ||name^, @@||name^, $important. */
#include <string.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

/* "##", "#@#", "#?#", "#$#", "#%#" and the like. */
static bool is_cosmetic(const char *line)
{
	for (const char *at = strchr(line, '#'); at; at = strchr(at + 1, '#')) {
		if (at[1 + strspn(at + 1, "@?$%")] == '#')
			return true;
	}
	return false;
}

enum likeness adblock_looks(const char *line)
{
	if (line[0] == '[' && (strstr(line, "Adblock") || strstr(line, "uBlock")))
		return SURE;
	if (line[0] == '#' && line[1] != '#' && line[1] != '@')
		return UNLIKE;
	if (strchr("|&_=", line[0]) || strncmp(line, "@@", 2) == 0 || strchr(line, '^'))
		return LIKE;
	if (line[0] == '!' || strncmp(line, "//", 2) == 0)
		return UNLIKE;
	return line[0] == '/' || strchr(line, '$') || is_cosmetic(line) ? LIKE : UNLIKE;
}

/* True when every option leaves the rule one about the whole host. */
static bool options_are_plain(char *options)
{
	char *rest;

	for (char *option = strtok_r(options, ",", &rest); option;
	     option = strtok_r(NULL, ",", &rest)) {
		if (strcmp(option, "important") != 0 && strcmp(option, "all") != 0)
			return false;
	}
	return true;
}

static void read_pattern(struct gather *gather, char *pattern)
{
	char *end = strchr(pattern, '^');

	if (!end || (end[1] && strcmp(end + 1, "|") != 0)) {
		gather_skip(gather);
		return;
	}
	*end = '\0';
	/* Paths, ports and wildcards in the middle are about addresses of pages. */
	if (pattern[strcspn(pattern, "/:|=?&")] && !strchr(pattern, '['))
		gather_skip(gather);
	else if (strchr(strncmp(pattern, "*.", 2) ? pattern : pattern + 2, '*') ||
		 !strchr(pattern, '.'))
		gather_skip(gather);
	else
		gather_host(gather, pattern, NAME_TREE);
}

static void read_rule(struct gather *gather, char *rule)
{
	char *options = strchr(rule, '$');

	gather->entry.allow = strncmp(rule, "@@", 2) == 0;
	if (gather->entry.allow)
		rule += 2;
	if (options)
		*options++ = '\0';
	if (strncmp(rule, "||", 2) != 0 || (options && !options_are_plain(options)))
		gather_skip(gather);
	else
		read_pattern(gather, rule + 2);
}

void adblock_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *line = words_skip_blanks(piece->text);

	if (!*line || *line == '!' || *line == '[')
		return;
	if (is_cosmetic(line))
		gather_skip(gather);
	else if (*line == '#')
		return;
	else if (hosts_looks(line) == LIKE)
		hosts_read(gather, state, piece);
	else if (words_are_dotted_name(line))
		gather_name(gather, line, NAME_TREE); /* as uBlock Origin takes a bare name */
	else
		read_rule(gather, line);
}
