#include "netfilter/marks.h"

#include <stddef.h>

static uint32_t choose_forward(uint32_t captured, uint32_t mask)
{
	uint32_t bit = mask & -mask;

	if (bit != captured)
		return bit;
	bit = mask & ~bit;
	return bit & -bit;
}

bool marks_choose(struct marks *marks, uint32_t captured, uint32_t mask)
{
	uint32_t chosen[3] = { 0 };
	uint32_t value = 0;
	size_t count = 0;

	*marks = (struct marks){ mask, captured, choose_forward(captured, mask), 0, 0, 0 };
	/* The next value that has no bit outside the mask. */
	while (count < 3 && (value = (value - mask) & mask) != 0)
		if (value != captured && value != marks->forward)
			chosen[count++] = value;
	marks->watching = chosen[0];
	marks->undecided = chosen[1];
	marks->refused = chosen[2];
	return count == 3;
}
