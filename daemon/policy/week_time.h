/* The moment of the week in the gateway's zone. */
#pragma once

#include <stdint.h>
#include <time.h>

struct week_time {
	uint8_t weekday; /* 0 Monday .. 6 Sunday */
	uint16_t minute; /* 0..1439 */
};

/* Monday 00:00 when the zone cannot tell. */
struct week_time week_time_at(time_t moment);
