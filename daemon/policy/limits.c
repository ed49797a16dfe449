#include "daemon/policy/limits.h"

void limits_begin(struct limits *limits)
{
	static const struct limits defaults = { .value = {
#define LIMIT_DEFAULT(name, word, unit, normal, least, most, what) [LIMIT_##name] = normal,
							LIMITS(LIMIT_DEFAULT)
#undef LIMIT_DEFAULT
						} };

	*limits = defaults;
}

const char *limit_word(enum limit limit)
{
	static const char *const words[LIMIT_COUNT] = {
#define LIMIT_WORD(name, word, unit, normal, least, most, what) [LIMIT_##name] = word,
		LIMITS(LIMIT_WORD)
#undef LIMIT_WORD
	};

	return words[limit];
}
