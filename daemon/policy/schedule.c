#include "daemon/policy/schedule.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { DAYS = 7, DAY_MINUTES = 24 * 60, EVERY_DAY = 0x7f };

static const char days[DAYS][4] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static const char *read_day(unsigned *day, const char *text)
{
	for (*day = 0; *day < DAYS; (*day)++) {
		if (strncasecmp(text, days[*day], 3) == 0 && !isalnum((unsigned char)text[3]))
			return text + 3;
	}
	return NULL;
}

/* "mon-fri,sun": a span may pass the end of the week. */
static const char *read_days(uint8_t *weekdays, const char *text)
{
	unsigned first, last;

	*weekdays = 0;
	do {
		text = read_day(&first, text);
		if (!text)
			return NULL;
		last = first;
		if (*text == '-')
			text = read_day(&last, text + 1);
		if (!text)
			return NULL;
		for (unsigned day = first;; day = (day + 1) % DAYS) {
			*weekdays |= (uint8_t)(1 << day);
			if (day == last)
				break;
		}
	} while (*text == ',' && text++);
	return text;
}

static const char *read_clock(uint16_t *minute, const char *text)
{
	unsigned hours, minutes;

	for (int i = 0; i < 5; i++) {
		if (i == 2 ? text[i] != ':' : !isdigit((unsigned char)text[i]))
			return NULL;
	}
	hours = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	minutes = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
	if (minutes > 59 || hours * 60 + minutes > DAY_MINUTES)
		return NULL;
	*minute = (uint16_t)(hours * 60 + minutes);
	return text + 5;
}

static const char *read_window(struct schedule *schedule, const char *text)
{
	text = read_clock(&schedule->from, text);
	if (!text || *text != '-' || schedule->from == DAY_MINUTES)
		return NULL;
	text = read_clock(&schedule->until, text + 1);
	/* 22:00-00:00 ends with the day; 00:00-00:00 or 09:00-09:00 is a slip of the pen. */
	if (!text || schedule->until == schedule->from)
		return NULL;
	if (schedule->until == 0)
		schedule->until = DAY_MINUTES;
	return text;
}

int schedule_parse(struct schedule *schedule, const char *text)
{
	struct schedule read = { .weekdays = EVERY_DAY, .until = DAY_MINUTES };
	const char *next = text;

	if (isalpha((unsigned char)*next)) {
		next = read_days(&read.weekdays, next);
		if (!next)
			return -1;
		if (*next == ' ')
			next += strspn(next, " ");
		else if (*next)
			return -1;
	} else if (!*next) {
		return -1;
	}
	if (*next)
		next = read_window(&read, next);
	if (!next || *next)
		return -1;
	*schedule = read;
	return 0;
}

bool schedule_holds(const struct schedule *schedule, unsigned weekday, unsigned minute)
{
	unsigned today = 1u << weekday;
	unsigned yesterday = 1u << ((weekday + DAYS - 1) % DAYS);

	if (schedule->until > schedule->from)
		return (schedule->weekdays & today) && minute >= schedule->from &&
		       minute < schedule->until;
	return ((schedule->weekdays & today) && minute >= schedule->from) ||
	       ((schedule->weekdays & yesterday) && minute < schedule->until);
}
