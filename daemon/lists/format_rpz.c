/* Response policy zones (draft-vixie-dnsop-dns-rpz): a zone file whose owners are what is asked for
 * and whose CNAMEs say what becomes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/lists/families.h"
#include "daemon/lists/words.h"

enum { RPZ_GROUPS = 8 };

static bool has_word(const char *line, const char *wanted)
{
	for (line = words_skip_blanks(line); *line && *line != ';';
	     line = words_skip_blanks(line + strcspn(line, " \t"))) {
		if (words_begin_with(line, wanted))
			return true;
	}
	return false;
}

enum likeness rpz_looks(const char *line)
{
	if (words_begin_with(line, "$TTL") || words_begin_with(line, "$ORIGIN") ||
	    has_word(line, "SOA"))
		return SURE;
	return has_word(line, "CNAME") ? LIKE : UNLIKE;
}

/* Cuts ';' comments and counts parentheses, both outside of quoted strings; parentheses become
 * blanks. Returns whether the line began inside of some. */
static bool open_line(char *line, unsigned *parentheses)
{
	bool inside = *parentheses > 0;
	bool quoted = false;

	for (char *at = line; *at; at++) {
		quoted ^= *at == '"';
		if (quoted)
			continue;
		if (*at == ';') {
			*at = '\0';
			break;
		}
		if (*at == '(' || *at == ')') {
			*parentheses += *at == '(' ? 1u : *parentheses ? -1u : 0u;
			*at = ' ';
		}
	}
	return inside;
}

static void keep_origin(union format_state *state, const char *name)
{
	size_t length = strlen(name);

	if (length && name[length - 1] == '.')
		length--;
	state->rpz.origin[0] = '\0';
	if (length && length < NAME_SIZE - 1)
		snprintf(state->rpz.origin, NAME_SIZE, ".%.*s", (int)length, name);
}

/* The owner without the zone's name behind it; false when it lies elsewhere. */
static bool cut_origin(const union format_state *state, char *owner)
{
	const char *origin = state->rpz.origin;
	size_t length = strlen(owner);
	size_t tail = strlen(origin);

	if (!length || owner[length - 1] != '.')
		return true;
	owner[--length] = '\0';
	if (!tail)
		return true;
	if (length <= tail || strcasecmp(owner + length - tail, origin) != 0)
		return false;
	owner[length - tail] = '\0';
	return true;
}

/* Writes the labels before ".rpz-ip" as a literal: "24.0.2.0.192" is 192.0.2.0/24,
 * "48.zz.db8.2001" is 2001:db8::/48. False when they are no prefix. */
static bool print_trigger(char *owner, char *prefix, size_t size)
{
	char *groups[RPZ_GROUPS + 1];
	size_t count = 0;
	char *rest;
	bool v6;

	for (char *group = strtok_r(owner, ".", &rest); group; group = strtok_r(NULL, ".", &rest)) {
		if (count > RPZ_GROUPS || strlen(group) > 4)
			return false;
		groups[count++] = group;
	}
	v6 = count != 5;
	for (size_t i = 1; i < count; i++)
		v6 |= strcasecmp(groups[i], "zz") == 0;
	if (count < 2)
		return false;
	prefix[0] = '\0';
	for (size_t i = count; i-- > 1;) {
		bool gap = strcasecmp(groups[i], "zz") == 0;

		/* Between groups the ':' of the one before stands already. */
		strncat(prefix, gap ? (i == count - 1 ? ":" : "") : groups[i],
			size - strlen(prefix) - 1);
		if (i > 1 || gap)
			strncat(prefix, v6 ? ":" : ".", size - strlen(prefix) - 1);
	}
	strncat(prefix, "/", size - strlen(prefix) - 1);
	strncat(prefix, groups[0], size - strlen(prefix) - 1);
	return true;
}

/* The last label, if it makes the owner a trigger other than the name that is asked for. */
static char *find_trigger(char *owner)
{
	char *dot = strrchr(owner, '.');

	return dot && strncasecmp(dot, ".rpz-", 5) == 0 ? dot : NULL;
}

static void give_owner(struct gather *gather, char *owner)
{
	char *trigger = find_trigger(owner);
	char prefix[NAME_SIZE];

	if (!trigger) {
		gather_name(gather, owner, NAME_EXACT);
		return;
	}
	*trigger = '\0';
	if (strcasecmp(trigger + 1, "rpz-ip") != 0)
		gather_skip(gather);
	else if (!print_trigger(owner, prefix, sizeof(prefix)) || !gather_addresses(gather, prefix))
		gather_bad(gather, "no prefix before rpz-ip");
}

/* The owner that this policy is for, or NULL: a target that rewrites is not for us. */
static bool reads_target(struct gather *gather, const char *owner, const char *target)
{
	size_t length = strlen(owner);

	if (strcmp(target, ".") == 0 || strcmp(target, "*.") == 0 ||
	    strcasecmp(target, "rpz-drop.") == 0)
		return true;
	/* An alias of itself is how older zones let something through. */
	gather->entry.allow =
		strcasecmp(target, "rpz-passthru.") == 0 ||
		(strncasecmp(target, owner, length) == 0 && strcmp(target + length, ".") == 0);
	return gather->entry.allow;
}

/* "[TTL] [class] type": to the type. */
static char *skip_to_type(char **rest)
{
	char *word = words_next(rest);

	while (word && (strspn(word, "0123456789smhdwSMHDW") == strlen(word) ||
			strcasecmp(word, "IN") == 0))
		word = words_next(rest);
	return word;
}

static void read_record(struct gather *gather, union format_state *state, char *rest)
{
	char owner[NAME_SIZE];
	char *type = skip_to_type(&rest);
	char *target = type ? words_next(&rest) : NULL;

	snprintf(owner, sizeof(owner), "%s", state->rpz.owner);
	if (!target) {
		gather_bad(gather, "no record of a zone");
	} else if (strcasecmp(type, "SOA") == 0) {
		if (!state->rpz.origin[0] && strcmp(owner, "@") != 0)
			keep_origin(state, owner);
	} else if (strcasecmp(type, "CNAME") != 0) {
		/* The zone's own name servers are no rule. */
		if (strcasecmp(type, "NS") != 0)
			gather_skip(gather);
	} else if (!cut_origin(state, owner)) {
		gather_bad(gather, "outside of the zone");
	} else if (reads_target(gather, owner, target)) {
		give_owner(gather, owner);
	} else {
		gather_skip(gather);
	}
}

void rpz_read(struct gather *gather, union format_state *state, const struct piece *piece)
{
	char *line = piece->text;
	bool continued = open_line(line, &state->rpz.parentheses);
	bool same_owner = *line == ' ' || *line == '\t';
	char *rest = line;
	char *word;

	if (continued || !*words_skip_blanks(line))
		return;
	if (*line == '$') {
		word = words_next(&rest);
		if (strcasecmp(word, "$ORIGIN") == 0 && (word = words_next(&rest)))
			keep_origin(state, word);
		return;
	}
	if (!same_owner) {
		word = words_next(&rest);
		if (strlen(word) >= NAME_SIZE || strchr(word, '\\')) {
			gather_bad(gather, "neither an address nor a host name");
			return;
		}
		snprintf(state->rpz.owner, NAME_SIZE, "%s", word);
	}
	read_record(gather, state, rest);
}
