/* One look at both clocks: the wall for people, the steady one for every duration. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct instant {
	int64_t wall;   /* microseconds since 1970; 0: this has not happened */
	int64_t steady; /* microseconds of CLOCK_MONOTONIC */
};

/* Both clocks, now. */
struct instant clock_now(void);

/* Microseconds of CLOCK_MONOTONIC, now. */
int64_t clock_steady(void);

/* True when the instant has happened. */
bool instant_is_set(const struct instant *instant);

/* Microseconds from a to b by the steady clock; -1 when either has not happened. */
int64_t instant_between(const struct instant *a, const struct instant *b);
