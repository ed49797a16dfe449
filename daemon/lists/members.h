/* Which class each record of a table is of: a byte or two beside each, or nothing where all are of
 * class 1. Pure. */
#pragma once

#include "daemon/lists/layout.h"

struct members {
	const void *classes; /* NULL: all are of class 1 */
	unsigned width;	     /* 1 or 2 bytes */
};

/* For a table of count records. False when the section's size does not fit. */
bool members_begin(struct members *members, const struct section *section, size_t count);

/* The class of a record below count. */
static inline unsigned members_class(const struct members *members, uint32_t number)
{
	if (!members->classes)
		return 1;
	return members->width == 1 ? ((const uint8_t *)members->classes)[number]
				   : ((const uint16_t *)members->classes)[number];
}
