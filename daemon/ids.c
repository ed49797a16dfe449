#include "daemon/ids.h"

#include "daemon/clock.h"

#define EPOCH INT64_C(1735689600000) /* 2025-01-01 in milliseconds */

enum {
	PROCESSES = 256,
	STEPS_PER_MILLISECOND = 16,
};

void ids_begin(struct ids *ids, unsigned process)
{
	int64_t now = clock_now().wall / 1000 - EPOCH;

	ids->next = (uint64_t)(now > 0 ? now : 1) * STEPS_PER_MILLISECOND * PROCESSES +
		    process % PROCESSES;
}

uint64_t ids_next(struct ids *ids)
{
	uint64_t id = ids->next;

	ids->next += PROCESSES;
	return id;
}
