#include "daemon/supervisor/rationing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/supervisor/supervision.h"

enum {
	WRITE_SECONDS = 3600,
	CLOCK_SET = 20250101, /* a clock that shows less was not set yet */
	MONTH_DAYS = 31,
};

static uint32_t date_today(void)
{
	time_t now = time(NULL);
	struct tm parts;

	if (!localtime_r(&now, &parts))
		return 0;
	return (uint32_t)((parts.tm_year + 1900) * 10000 + (parts.tm_mon + 1) * 100 + parts.tm_mday);
}

/* As if every month had as many: what is later is more. */
static uint32_t day_number(uint32_t date)
{
	return (date / 10000 * 12 + date / 100 % 100) * MONTH_DAYS + date % 100;
}

/* A machine without a battery for its clock begins with an old date. Until somebody tells it the time, what is
 * written down is of a day to come. */
static bool clock_is_behind(uint32_t date, uint32_t stored)
{
	return date < stored && (date < CLOCK_SET || day_number(stored) - day_number(date) <= MONTH_DAYS);
}

static char *path_of_quotas(const struct supervisor *supervisor)
{
	char *path;

	return asprintf(&path, "%s/quotas", supervisor->settings->state_directory) < 0 ? NULL : path;
}

void rationing_begin(struct supervisor *supervisor)
{
	char *path = path_of_quotas(supervisor);

	if (path)
		quota_book_begin(&supervisor->rationing.stored, path);
	free(path);
}

static int write_down(struct supervisor *supervisor, const char *path)
{
	struct rationing *rationing = &supervisor->rationing;

	rationing->written = clock_steady();
	if (!path || quota_book_write(&rationing->book, path) < 0)
		return -1;
	quota_book_end(&rationing->stored);
	quota_book_begin(&rationing->stored, path);
	return 0;
}

static bool is_worth_writing(const struct rationing *rationing, uint32_t date)
{
	int64_t hour = WRITE_SECONDS * 1000000LL;

	if (rationing->book.date != date || clock_is_behind(date, rationing->stored.date))
		return false;
	switch (quota_book_news(&rationing->book, &rationing->stored)) {
	case QUOTA_SPENT:
		return true;
	case QUOTA_QUARTER:
		return !rationing->written || clock_steady() - rationing->written >= hour;
	case QUOTA_LITTLE:
		break;
	}
	return false;
}

static int load(struct supervisor *supervisor, uint32_t date, char message[static RATIONING_MESSAGE])
{
	struct rationing *rationing = &supervisor->rationing;
	char words[QUOTAS_MESSAGE];

	quota_book_take(&rationing->book, date);
	if (quotas_load(supervisor->policy, date,
			rationing->book.date == date ? &rationing->book : &rationing->stored, words) == 0)
		return 0;
	snprintf(message, RATIONING_MESSAGE, "the quotas of devices are not kept: %s", words);
	return -1;
}

int rationing_load(struct supervisor *supervisor, char message[static RATIONING_MESSAGE])
{
	uint32_t date = date_today();
	char *path;
	int result;

	message[0] = 0;
	if (load(supervisor, date, message) < 0)
		return -1;
	if (!is_worth_writing(&supervisor->rationing, date))
		return 0;
	path = path_of_quotas(supervisor);
	result = write_down(supervisor, path);
	if (result < 0)
		snprintf(message, RATIONING_MESSAGE,
			 "what devices have used of their quotas cannot be written down (%s): a power failure gives "
			 "it back", strerror(errno));
	free(path);
	return result;
}

void rationing_end(struct supervisor *supervisor)
{
	struct rationing *rationing = &supervisor->rationing;
	uint32_t date = date_today();
	char *path = path_of_quotas(supervisor);

	quota_book_take(&rationing->book, date);
	quotas_remove();
	if (rationing->book.date != date)
		quota_book_end(&rationing->book);
	if (!clock_is_behind(date, rationing->stored.date) && write_down(supervisor, path) < 0)
		log_warning("%s/quotas cannot be written (%s): the next start counts the quotas of devices from "
			    "nothing", supervisor->settings->state_directory, strerror(errno));
	free(path);
}

void rationing_forget(struct rationing *rationing)
{
	quota_book_end(&rationing->book);
	quota_book_end(&rationing->stored);
}
