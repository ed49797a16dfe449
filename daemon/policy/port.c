#include "daemon/policy/port.h"

#include <ctype.h>
#include <stdlib.h>

#include "daemon/text.h"

static const char *read_port(uint16_t *port, const char *text)
{
	unsigned long number = 0;
	const char *next = text;

	for (; isdigit((unsigned char)*next) && number <= UINT16_MAX; next++)
		number = number * 10 + (unsigned long)(*next - '0');
	if (next == text || number == 0 || number > UINT16_MAX)
		return NULL;
	*port = (uint16_t)number;
	return next;
}

int port_range_parse(struct port_range *range, const char *text)
{
	struct port_range read;
	const char *next = read_port(&read.first, text);

	if (!next)
		return -1;
	read.last = read.first;
	if (*next == '-')
		next = read_port(&read.last, next + 1);
	if (!next || *next || read.last < read.first)
		return -1;
	*range = read;
	return 0;
}

void port_range_print(const struct port_range *range, struct text *text)
{
	text_add_number(text, range->first);
	if (range->last != range->first) {
		text_add_char(text, '-');
		text_add_number(text, range->last);
	}
}

static int compare(const void *a, const void *b)
{
	const struct port_range *left = a;
	const struct port_range *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

size_t port_ranges_join(struct port_range *ranges, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(ranges, count, sizeof(*ranges), compare);
	for (size_t i = 1; i < count; i++) {
		if (ranges[i].first > (unsigned)ranges[kept].last + 1)
			ranges[++kept] = ranges[i];
		else if (ranges[i].last > ranges[kept].last)
			ranges[kept].last = ranges[i].last;
	}
	return kept + 1;
}
