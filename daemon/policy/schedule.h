/* Weekdays and a clock window: "mon-fri 21:00-06:30". A window that passes midnight belongs to the
 * day it starts on. Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct schedule {
	uint8_t weekdays; /* bit 0 Monday .. bit 6 Sunday: days on which the window starts */
	uint16_t from;	  /* minute of the day, 0..1439 */
	uint16_t until; /* minute, not included; until <= from passes midnight; 1440: end of day */
};

/* Reads the text; 0 or -1. Days alone mean the whole day, a window alone means every day. */
int schedule_parse(struct schedule *schedule, const char *text);

/* True when the minute of the weekday (0 Monday) lies in the window. */
bool schedule_holds(const struct schedule *schedule, unsigned weekday, unsigned minute);
