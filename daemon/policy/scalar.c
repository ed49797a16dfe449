#include "daemon/policy/scalar.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool scalar_prefix(struct reading *reading, const struct keyword *keyword, struct value value,
		   struct prefix *prefix)
{
	char meant[PREFIX_TEXT];
	int answer = prefix_parse(prefix, value_text(value));

	if (answer == -1)
		keyword_mismatch(reading, keyword, value);
	if (answer == -2)
		reading_error(reading, value, "%s has bits set behind its prefix; did you mean %s?",
			      value_text(value), prefix_print(prefix, meant));
	return answer == 0;
}

bool scalar_name(struct reading *reading, const struct keyword *keyword, struct value value,
		 enum name_pattern_kind *kind, char **name)
{
	char canonical[NAME_SIZE];

	if (!name_pattern_parse(value_text(value), kind, canonical)) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	*name = reading_copy(reading, canonical);
	return *name != NULL;
}

bool scalar_number(struct reading *reading, const struct keyword *keyword, struct value value,
		   uint32_t range[static 2], uint32_t *number)
{
	const char *text = value_text(value);
	char *end;
	unsigned long long read;

	errno = 0;
	read = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || read < range[0] || read > range[1]) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	*number = (uint32_t)read;
	return true;
}

static uint64_t unit_of(const char *text)
{
	static const struct {
		const char *word;
		uint64_t bytes;
	} units[] = { { "", 1 },	  { "B", 1 },		{ "KB", 1000 },
		      { "MB", 1000000 },  { "GB", 1000000000 }, { "KIB", 1024 },
		      { "MIB", 1048576 }, { "GIB", 1073741824 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcasecmp(units[i].word, text) == 0)
			return units[i].bytes;
	}
	return 0;
}

bool scalar_size(struct reading *reading, const struct keyword *keyword, struct value value,
		 uint64_t *bytes)
{
	const char *text = value_text(value);
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	end += strspn(end, " ");
	if (!isdigit((unsigned char)*text) || errno || !unit_of(end) ||
	    number > UINT64_MAX / 2 / unit_of(end)) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	*bytes = number * unit_of(end);
	return true;
}

bool scalar_is_label(const char *text)
{
	size_t length = strlen(text);

	for (const char *next = text; *next; next++) {
		if (!isalnum((unsigned char)*next) && !strchr("-_.", *next))
			return false;
	}
	return length > 0 && length < 64 && isalnum((unsigned char)*text);
}

bool scalar_is_port_name(const char *text)
{
	size_t length = strlen(text);

	for (const char *next = text; *next; next++) {
		if (!isgraph((unsigned char)*next) || strchr("/:\"'\\{}*?", *next))
			return false;
	}
	return length > 0 && length < PORT_NAME && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0;
}
