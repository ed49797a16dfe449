#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_LENGTH = 1024, /* longer lines are cut */
	LIMIT_SECONDS = 10,
};

static char name[64] = "headgated";
static enum log_level loudest = LOG_LEVEL_INFO;

static const char *const words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* A name from the network must not be able to forge a second line or to steer a terminal. */
static void disarm(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
}

static size_t append(char *line, size_t length, const char *format, va_list arguments)
{
	size_t room = LINE_MAX_LENGTH - length;
	int added = vsnprintf(line + length, room, format, arguments);

	if (added < 0)
		return length;
	return (size_t)added < room ? length + (size_t)added : LINE_MAX_LENGTH - 1;
}

static size_t __attribute__((format(printf, 3, 4)))
appendf(char *line, size_t length, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	length = append(line, length, format, arguments);
	va_end(arguments);
	return length;
}

/* One write(), so that lines of several processes do not mix. */
static void put(char *line, size_t length)
{
	disarm(line, length);
	line[length++] = '\n';
	while (write(STDERR_FILENO, line, length) < 0 && errno == EINTR)
		;
}

static void say(enum log_level level, const char *format, va_list arguments)
{
	char line[LINE_MAX_LENGTH + 1];
	int saved = errno;
	size_t length;

	if (level > loudest)
		return;
	length = appendf(line, 0, "%s: %s: ", name, words[level]);
	errno = saved; /* for %m */
	length = append(line, length, format, arguments);
	put(line, length);
	errno = saved;
}

void log_name(const char *program, const char *role)
{
	if (role && *role)
		snprintf(name, sizeof name, "%.40s[%.15s]", program, role);
	else
		snprintf(name, sizeof name, "%.40s", program);
}

void log_set_level(enum log_level level)
{
	loudest = level;
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_LEVEL_WARNING, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_LEVEL_INFO, format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_LEVEL_DEBUG, format, arguments);
	va_end(arguments);
}

void log_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
	exit(EXIT_FAILURE);
}

/* Own clock reading: the log stands below everything, clock.h included. */
static long long steady(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (long long)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

void log_warning_limited(struct log_limit *limit, const char *format, ...)
{
	long long now = steady();
	int saved = errno;
	va_list arguments;

	if (limit->last && now - limit->last < LIMIT_SECONDS * 1000000LL) {
		limit->left_out++;
		return;
	}
	va_start(arguments, format);
	say(LOG_LEVEL_WARNING, format, arguments);
	va_end(arguments);
	if (limit->left_out)
		log_warning("%u more of these were left out", limit->left_out);
	limit->last = now;
	limit->left_out = 0;
	errno = saved;
}
