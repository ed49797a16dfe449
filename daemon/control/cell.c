#include "daemon/control/cell.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <time.h>

json_t *member_at(const json_t *line, const char *path)
{
	char name[64];

	while (line && *path) {
		size_t length = strcspn(path, ".");

		if (length >= sizeof name)
			return NULL;
		memcpy(name, path, length);
		name[length] = '\0';
		line = json_object_get(line, name);
		path += length + (path[length] == '.');
	}
	return (json_t *)line;
}

/* Also the C1 controls, which UTF-8 writes as 0xc2 and 0x80 to 0x9f. */
char *disarm(char *text)
{
	for (unsigned char *byte = (unsigned char *)text; *byte; byte++) {
		if (*byte < 0x20 || *byte == 0x7f)
			*byte = '?';
		else if (*byte == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0)
			byte[0] = byte[1] = '?';
	}
	return text;
}

static char *print_list(const json_t *list)
{
	char *text = NULL, *longer;
	size_t index;
	json_t *value;

	json_array_foreach(list, index, value)
	{
		char *word = json_is_string(value) ? strdup(json_string_value(value))
						   : json_dumps(value, JSON_ENCODE_ANY);

		if (asprintf(&longer, "%s%s%s", text ? text : "", text ? ", " : "",
			     word ? word : "?") < 0)
			longer = NULL;
		free(word);
		free(text);
		text = longer;
		if (!text)
			return NULL;
	}
	return text;
}

static char *print_value(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_NULL:
		return NULL;
	case JSON_TRUE:
		return strdup("yes");
	case JSON_FALSE:
		return strdup("no");
	case JSON_STRING:
		return *json_string_value(value) ? strdup(json_string_value(value)) : NULL;
	case JSON_ARRAY:
		return print_list(value);
	default:
		return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
	}
}

char *cell_value(const json_t *line, const char *member)
{
	const json_t *value = member_at(line, member);
	char *text = value ? print_value(value) : NULL;

	return text ? disarm(text) : NULL;
}

char *cell_address(const json_t *line, const char *member)
{
	const json_t *pair = member_at(line, member);
	const char *host = json_string_value(json_array_get(pair, 0));
	json_int_t port = json_integer_value(json_array_get(pair, 1));
	char *text;

	if (!host)
		return NULL;
	if (asprintf(&text, strchr(host, ':') ? "[%s]:%lld" : "%s:%lld", host, (long long)port) < 0)
		return NULL;
	return disarm(text);
}

/* printf into malloc'd text; NULL when out of memory. */
static char *__attribute__((format(printf, 1, 2))) printed(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	return text;
}

char *cell_bytes(const json_t *line, const char *member)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	const json_t *value = member_at(line, member);
	double bytes = json_number_value(value);
	size_t unit = 0;

	if (!json_is_number(value))
		return NULL;
	while (bytes >= 1000 && unit + 1 < sizeof units / sizeof *units) {
		bytes /= 1000;
		unit++;
	}
	return printed(unit && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

/* Nonsense from the other end stays within what a clock can take. */
static long long whole(double number)
{
	return number > 0 ? (long long)MIN(number, 1e11) : 0;
}

static char *print_seconds(long long seconds)
{
	if (seconds < 60)
		return printed("%lld s", seconds);
	if (seconds < 3600)
		return printed("%lld min %lld s", seconds / 60, seconds % 60);
	if (seconds < 86400)
		return printed("%lld h %lld min", seconds / 3600, seconds / 60 % 60);
	return printed("%lld d %lld h", seconds / 86400, seconds / 3600 % 24);
}

char *cell_milliseconds(const json_t *line, const char *member)
{
	const json_t *value = member_at(line, member);
	double milliseconds = json_number_value(value);

	if (!json_is_number(value))
		return NULL;
	if (milliseconds < 10)
		return printed("%.2f ms", milliseconds);
	if (milliseconds < 1000)
		return printed("%.0f ms", milliseconds);
	if (milliseconds < 60000)
		return printed("%.1f s", milliseconds / 1000);
	return print_seconds(whole(milliseconds / 1000));
}

char *cell_seconds(const json_t *line, const char *member)
{
	const json_t *value = member_at(line, member);

	return json_is_number(value) ? print_seconds(whole(json_number_value(value))) : NULL;
}

char *cell_clock(const json_t *line, const char *member)
{
	const json_t *value = member_at(line, member);
	double wall = json_number_value(value);
	time_t second = (time_t)whole(wall);
	struct tm parts;
	char clock[16];

	if (!json_is_number(value) || wall < 0 || wall > 1e11 || !localtime_r(&second, &parts))
		return NULL;
	strftime(clock, sizeof clock, "%H:%M:%S", &parts);
	return printed("%s.%06d", clock, (int)((wall - (double)second) * 1e6));
}
