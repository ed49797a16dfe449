/* An allocator for a whole test program, of which one allocation can be made to fail. Not for sanitized builds, which have their
 * own. */
#pragma once

/* The n-th allocation from now on fails, once; 0: none does. Counts anew. */
void scarcity_begin(unsigned long n);

/* From here on none fails. How many did since scarcity_begin(). */
unsigned long scarcity_end(void);

/* Blocks that are allocated and not freed. */
long scarcity_alive(void);
