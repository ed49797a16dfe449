#include "daemon/lists/wide.h"

int wide_compare(struct wide a, struct wide b)
{
	if (a.upper != b.upper)
		return a.upper < b.upper ? -1 : 1;
	return (a.lower > b.lower) - (a.lower < b.lower);
}

struct wide wide_next(struct wide number)
{
	number.lower++;
	number.upper += !number.lower;
	return number;
}

struct wide wide_previous(struct wide number)
{
	number.upper -= !number.lower;
	number.lower--;
	return number;
}
