/* Ports and ranges of ports as the owner writes them: 443, 8000-8999. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text;

struct port_range {
	uint16_t first;
	uint16_t last; /* included */
};

/* Reads "443" or "8000-8999"; 0, or -1 for anything else (port 0 and a range that runs backwards
 * are refused). */
int port_range_parse(struct port_range *range, const char *text);

/* Adds "443" or "8000-8999". */
void port_range_print(const struct port_range *range, struct text *text);

/* Sorts the ranges and joins those that touch; returns how many are left. */
size_t port_ranges_join(struct port_range *ranges, size_t count);
