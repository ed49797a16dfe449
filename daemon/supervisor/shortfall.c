#include "daemon/supervisor/shortfall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "daemon/lists/compile.h"

enum { MEGABYTE = 1 << 20 };

/* Never 0: that would read as if nothing were needed. */
static unsigned long long megabytes_up(uint64_t bytes)
{
	return (bytes + MEGABYTE - 1) / MEGABYTE;
}

/* For those who are not root: the compiler is none. */
static uint64_t free_room(const char *directory)
{
	struct statvfs status;

	return statvfs(directory, &status) < 0 ? 0 : (uint64_t)status.f_bavail * status.f_frsize;
}

static uint64_t free_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kilobytes = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes * 1024;
}

static void print_room(char text[static SHORTFALL_TEXT], const char *directory, uint64_t room)
{
	uint64_t left = free_room(directory);

	/* An estimate that has proved too small. */
	if (room <= left)
		room = left + MEGABYTE;
	snprintf(text, SHORTFALL_TEXT,
		 "no room in %.200s: about %llu MB are needed there, %llu MB are free; make room, or take shorter lists",
		 directory, megabytes_up(room), (unsigned long long)(left / MEGABYTE));
}

static void print_memory(char text[static SHORTFALL_TEXT])
{
	snprintf(text, SHORTFALL_TEXT,
		 "not enough memory: about %d MB are needed, %llu MB are free; take shorter lists, or a machine with more",
		 COMPILE_MEMORY / MEGABYTE, (unsigned long long)(free_memory() / MEGABYTE));
}

void shortfall_print(char text[static SHORTFALL_TEXT], int error, const char *directory, uint64_t room)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
		print_room(text, directory, room);
		break;
	case ENOMEM:
		print_memory(text);
		break;
	case ETIME:
		snprintf(text, SHORTFALL_TEXT, "it takes too long; take shorter lists");
		break;
	case EFBIG:
		snprintf(text, SHORTFALL_TEXT, "they hold more than one file can; take shorter lists");
		break;
	case E2BIG:
		snprintf(text, SHORTFALL_TEXT, "they overlap in more than %d ways; take fewer lists", LAYOUT_CLASSES_MAX);
		break;
	case EPROTO:
		snprintf(text, SHORTFALL_TEXT, "the process that reads them has died");
		break;
	default:
		snprintf(text, SHORTFALL_TEXT, "%.200s: %s", directory, strerror(error));
	}
}
