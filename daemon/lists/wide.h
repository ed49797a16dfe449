/* A number of 128 bits that is an IPv6 address, or an IPv4 address in its lower half: what ranges
 * are cut and joined with. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wide {
	uint64_t upper, lower;
};

/* <0, 0, >0 */
int wide_compare(struct wide a, struct wide b);

/* The number after and before; they wrap around. */
struct wide wide_next(struct wide number);
struct wide wide_previous(struct wide number);
