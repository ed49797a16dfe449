/* What the values of our bits of a mark mean. A packet carries one only inside the table, except
 * `captured`, which the routes look at; a connection of the kernel's (ct mark) carries `watching`
 * from its SYN until it is decided, and `forward` as long as it lives. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct marks {
	uint32_t mask;
	uint32_t captured; /* to a worker */
	uint32_t forward;  /* the rules let it go on in the kernel */
	uint32_t watching; /* on its way to the packet door; still there behind it: nobody looked */
	uint32_t undecided; /* the packet door has looked and wants to see more */
	uint32_t refused;   /* the packet door says: refuse it */
};

/* Chooses values inside the mask. False when it has too few bits for those of the packet door
 * (three are enough); the first three fields are set all the same. */
bool marks_choose(struct marks *marks, uint32_t captured, uint32_t mask);
