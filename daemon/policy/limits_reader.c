/* `limits`: from the policy file into struct limits. The grammar comes from the table in limits.h.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/policy/scalar.h"
#include "daemon/policy/settings.h"

struct range {
	enum limit_unit unit;
	uint64_t least;
	uint64_t most;
};

static const struct range ranges[LIMIT_COUNT] = {
#define LIMIT_RANGE(name, word, unit, normal, least, most, what)                                   \
	[LIMIT_##name] = { LIMIT_OF_##unit, least, most },
	LIMITS(LIMIT_RANGE)
#undef LIMIT_RANGE
};

static enum limit find(const char *word)
{
	unsigned limit = 0;

	while (limit < LIMIT_COUNT - 1 && strcmp(limit_word(limit), word) != 0)
		limit++;
	return limit;
}

static void print_amount(char text[static 32], enum limit_unit unit, uint64_t amount)
{
	if (unit == LIMIT_OF_TIME && amount % LIMIT_HOUR == 0)
		snprintf(text, 32, "%llu h", (unsigned long long)(amount / LIMIT_HOUR));
	else if (unit == LIMIT_OF_TIME && amount % LIMIT_SECOND == 0)
		snprintf(text, 32, "%llu s", (unsigned long long)(amount / LIMIT_SECOND));
	else if (unit == LIMIT_OF_TIME)
		snprintf(text, 32, "%llu ms", (unsigned long long)(amount / 1000));
	else if (unit == LIMIT_OF_BYTES && amount && amount % 1024 == 0)
		snprintf(text, 32, "%llu KiB", (unsigned long long)(amount / 1024));
	else
		snprintf(text, 32, "%llu", (unsigned long long)amount);
}

static bool read_amount(struct reading *reading, const struct keyword *keyword, struct value value,
			uint64_t *amount)
{
	uint32_t any[2] = { 0, UINT32_MAX };
	uint32_t count;

	switch (ranges[find(keyword->word)].unit) {
	case LIMIT_OF_TIME:
		return scalar_duration(reading, keyword, value, amount);
	case LIMIT_OF_BYTES:
		return scalar_size(reading, keyword, value, amount);
	default:
		if (!scalar_number(reading, keyword, value, any, &count))
			return false;
		*amount = count;
		return true;
	}
}

static void read_limit(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct policy *policy = target;
	enum limit limit = find(keyword->word);
	const struct range *range = &ranges[limit];
	char least[32], most[32];
	uint64_t amount;

	if (!read_amount(reading, keyword, value, &amount))
		return;
	print_amount(least, range->unit, range->least);
	print_amount(most, range->unit, range->most);
	if (amount < range->least || amount > range->most)
		reading_error(reading, value, "\"%s\" may be from %s to %s", keyword->word, least,
			      most);
	else
		policy->limits.value[limit] = amount;
}

#define TAKES_TIME  "a time such as 10 s: "
#define TAKES_BYTES "a size such as 64 KiB: "
#define TAKES_COUNT "a number: "

static const struct keyword limits_keywords[] = {
#define LIMIT_KEYWORD(name, word, unit, normal, least, most, what)                                 \
	{ word, FORM_TEXT | FORM_NUMBER, TAKES_##unit what, .read = read_limit },
	LIMITS(LIMIT_KEYWORD)
#undef LIMIT_KEYWORD
		{ 0 },
};

const struct grammar limits_grammar = { "\"limits\"", limits_keywords };
