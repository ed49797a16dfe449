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

struct unit {
	const char *word;
	uint64_t worth;
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "KB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ "KiB", 1024 },
	{ "MiB", 1048576 },
	{ "GiB", 1073741824 },
	{ 0 },
};

static const struct unit durations[] = {
	{ "", 1000000 },     { "ms", 1000 },	  { "s", 1000000 },	{ "m", 60000000 },
	{ "min", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 }, { 0 },
};

static uint64_t worth(const struct unit *units, const char *word)
{
	while (units->word && strcasecmp(units->word, word) != 0)
		units++;
	return units->worth;
}

/* A number and the unit behind it. */
static bool read_amount(struct reading *reading, const struct keyword *keyword, struct value value,
			const struct unit *units, uint64_t *amount)
{
	const char *text = value_text(value);
	unsigned long long number;
	uint64_t one;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	end += strspn(end, " ");
	one = worth(units, end);
	if (!isdigit((unsigned char)*text) || errno || !one || number > UINT64_MAX / 2 / one) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	*amount = number * one;
	return true;
}

bool scalar_size(struct reading *reading, const struct keyword *keyword, struct value value,
		 uint64_t *bytes)
{
	return read_amount(reading, keyword, value, sizes, bytes);
}

bool scalar_duration(struct reading *reading, const struct keyword *keyword, struct value value,
		     uint64_t *microseconds)
{
	return read_amount(reading, keyword, value, durations, microseconds);
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
