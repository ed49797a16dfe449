#include "netfilter/memory.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>

enum { LINE = 512 };

/* What the two versions of control groups call the same. */
static const struct version {
	const char *limit, *used, *idle, *busy; /* the last two in memory.stat: files, which can go */
} versions[] = {
	{ "memory.max", "memory.current", "inactive_file", "active_file" },
	{ "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
	  "total_active_file" },
};

/* The number behind a word in a file of such lines, or the number that is all of a file without a word. */
static bool read_number(const char *path, const char *word, uint64_t *number)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(word);
	char line[LINE];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strncmp(line, word, length) == 0 &&
			sscanf(line + length, "%lu", number) == 1;
	if (file)
		fclose(file);
	return found;
}

static uint64_t number_of(const char *group, const char *name, const char *word)
{
	char path[PATH_MAX];
	uint64_t number = 0;

	if (snprintf(path, sizeof(path), "%s/%s", group, name) < (int)sizeof(path))
		read_number(path, word, &number);
	return number;
}

/* "max" is no number, and no bound. */
static uint64_t left_in(const char *group, const struct version *version)
{
	uint64_t limit = number_of(group, version->limit, "");
	uint64_t used = number_of(group, version->used, "");
	uint64_t files = number_of(group, "memory.stat", version->idle) +
			 number_of(group, "memory.stat", version->busy);

	if (!limit)
		return UINT64_MAX;
	used -= MIN(files, used);
	return used < limit ? limit - used : 0;
}

/* Where this kind of groups is mounted. */
static bool find_mount(unsigned version, char mount[static PATH_MAX])
{
	FILE *file = fopen("/proc/self/mounts", "re");
	char line[2 * PATH_MAX], type[32], options[LINE];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%*s %4095s %31s %511s", mount, type, options) == 3 &&
			(version == 0 ? strcmp(type, "cgroup2") == 0
				      : strcmp(type, "cgroup") == 0 && strstr(options, "memory"));
	if (file)
		fclose(file);
	return found;
}

/* Which of them we are in: "0::/path", or "4:memory:/path". */
static bool find_path(unsigned version, char path[static PATH_MAX])
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[PATH_MAX];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		const char *name = strchr(line, ':');
		const char *begin = name ? strchr(name + 1, ':') : NULL;

		found = begin && (version == 0 ? begin == name + 1 : strstr(name, "memory") != NULL);
		if (found)
			snprintf(path, PATH_MAX, "%.*s", (int)strcspn(begin + 1, "\n"), begin + 1);
	}
	if (file)
		fclose(file);
	return found;
}

/* Of the group and all that it is in. */
static uint64_t left_in_groups(unsigned version)
{
	char mount[PATH_MAX], path[PATH_MAX], group[2 * PATH_MAX];
	uint64_t least = UINT64_MAX;

	if (!find_mount(version, mount) || !find_path(version, path))
		return least;
	for (char *end = path + strlen(path); end; end = strrchr(path, '/')) {
		uint64_t left;

		*end = 0;
		snprintf(group, sizeof(group), "%s%s", mount, path);
		left = left_in(group, &versions[version]);
		least = MIN(left, least);
	}
	return least;
}

size_t memory_left(void)
{
	uint64_t least = 0, kilobytes;

	if (read_number("/proc/meminfo", "MemAvailable:", &kilobytes))
		least = kilobytes * 1024;
	for (unsigned version = 0; version < sizeof(versions) / sizeof(*versions); version++) {
		uint64_t left = left_in_groups(version);

		if (left != UINT64_MAX && (!least || left < least))
			least = left;
	}
	return least < SIZE_MAX ? (size_t)least : SIZE_MAX;
}
