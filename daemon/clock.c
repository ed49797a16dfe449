#include "daemon/clock.h"

#include <time.h>

static int64_t microseconds(clockid_t clock)
{
	struct timespec time = { 0 };

	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

struct instant clock_now(void)
{
	struct instant now = {
		.wall = microseconds(CLOCK_REALTIME),
		.steady = microseconds(CLOCK_MONOTONIC),
	};

	return now;
}

int64_t clock_steady(void)
{
	return microseconds(CLOCK_MONOTONIC);
}

bool instant_is_set(const struct instant *instant)
{
	return instant->wall != 0;
}

int64_t instant_between(const struct instant *a, const struct instant *b)
{
	if (!instant_is_set(a) || !instant_is_set(b))
		return -1;
	return b->steady - a->steady;
}
