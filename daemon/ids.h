/* The numbers by which connections and requests are known in the journal. */
#pragma once

#include <stdint.h>

struct ids {
	uint64_t next;
};

/* Begins those of one process: 36 bits of milliseconds from when it starts, a count, and in the lowest 8 bits its
 * own number. So no two processes give the same one, and none that runs after another, as long as no more than
 * 16,000 a second are given. */
void ids_begin(struct ids *ids, unsigned process);

/* One that was never given before. */
uint64_t ids_next(struct ids *ids);
