#include "daemon/console/query.h"

#include <string.h>

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* One byte of a value, moving *from on; -1 when it is badly encoded. */
static int decode(const char **from)
{
	const char *here = *from;
	int high, low;

	if (*here != '%') {
		*from = here + 1;
		return *here == '+' ? ' ' : (unsigned char)*here;
	}
	high = hex(here[1]);
	low = high < 0 ? -1 : hex(here[2]);
	*from = here + 3;
	return low < 0 ? -1 : high << 4 | low;
}

static int decode_all(const char *from, const char *end, char *value, size_t size)
{
	size_t length = 0;

	while (from < end) {
		int byte = decode(&from);

		if (byte < ' ' || byte == 0x7f || length + 1 >= size)
			return -1;
		value[length++] = (char)byte;
	}
	value[length] = '\0';
	return 1;
}

int query_find(const char *query, const char *name, char *value, size_t size)
{
	size_t length = strlen(name);

	while (query && *query) {
		const char *end = strchrnul(query, '&');

		if (strncmp(query, name, length) == 0 && query[length] == '=')
			return decode_all(query + length + 1, end, value, size);
		query = *end ? end + 1 : end;
	}
	return 0;
}
