#include "daemon/policy/label.h"

#include "daemon/policy/scalar.h"

char *label_read(struct reading *reading, const struct keyword *keyword, struct value mapping,
		 size_t index)
{
	struct value key = value_key(mapping, index);
	char found[FOUND_SIZE];

	if (index == DEFINITIONS_MAX) {
		reading_error(reading, key, "\"%s\" has more than %d entries", keyword->word,
			      DEFINITIONS_MAX);
		return NULL;
	}
	if (index > DEFINITIONS_MAX)
		return NULL;
	if (value_text(key) && scalar_is_label(value_text(key)))
		return reading_copy(reading, value_text(key));
	reading_error(reading, key,
		      "a name in \"%s\" consists of letters, digits, '-', '_' and '.'; found %s",
		      keyword->word, reading_found(key, found));
	return NULL;
}

void label_doubled(struct reading *reading, const struct keyword *keyword, struct value key)
{
	reading_error(reading, key,
		      "\"%s\" is defined twice in \"%s\"; give one of them another name",
		      value_text(key), keyword->word);
}
