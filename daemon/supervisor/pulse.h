/* The pulse of a process: whether one whose heart stands still is stuck, or only waits for pages of its own program.
 * Where memory is short those are read from the disk again and again; to kill it would begin that anew. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PULSE_MISSED_MAX = 3,	/* seconds without a heartbeat */
	PULSE_READING_MAX = 30, /* seconds more in which it read pages */
};

struct pulse {
	uint64_t heartbeat; /* as last seen */
	uint64_t faults;    /* likewise, pages it had to wait for; only while the heart stands still */
	unsigned missed;
	unsigned reading;
};

/* Feels the pulse, once a second. True when the process is to be taken for stuck; then it counts from the start. */
bool pulse_stands(struct pulse *pulse, uint64_t heartbeat, pid_t pid);
