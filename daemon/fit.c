#include "daemon/fit.h"

#include <string.h>
#include <strings.h>
#include <sys/param.h>

enum fit fit_beginning(struct span bytes, const char *beginning, size_t length)
{
	size_t common = MIN(bytes.length, length);

	if (common && memcmp(bytes.bytes, beginning, common) != 0)
		return FIT_NO;
	return common == length ? FIT_YES : FIT_MORE;
}

enum fit fit_word(struct span bytes, const char *word)
{
	size_t length = strlen(word);
	size_t common = MIN(bytes.length, length);

	if (common && strncasecmp((const char *)bytes.bytes, word, common) != 0)
		return FIT_NO;
	return common == length ? FIT_YES : FIT_MORE;
}

enum fit fit_best(enum fit a, enum fit b)
{
	return MAX(a, b);
}

enum fit fit_when(bool good)
{
	return good ? FIT_YES : FIT_NO;
}
