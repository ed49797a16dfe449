#include "daemon/journal/har_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/journal/record.h"

enum {
	FILE_MODE = 0600,
	TORN_MAX = 2 * RECORD_MAX, /* bytes at the end that one torn write can have left */
};

static const char head[] = "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"Headgate\","
			   "\"version\":\"" VERSION "\"},\"entries\":[";
static const char tail[] = "\n]}}\n";

enum { TAIL = sizeof(tail) - 1 };

struct har_file {
	int directory;
	char *name;
	int fd;	      /* -1: not open */
	uint64_t end; /* where the tail begins */
	bool filled;  /* there is an entry */
	uint64_t rotate;
	unsigned keep;
};

static void close_file(struct har_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void har_file_free(struct har_file *file)
{
	if (!file)
		return;
	close_file(file);
	close(file->directory);
	free(file->name);
	free(file);
}

struct har_file *har_file_new(int directory, const char *name, uint64_t rotate, unsigned keep)
{
	struct har_file *file = calloc(1, sizeof(*file));

	if (!file) {
		close(directory);
		return NULL;
	}
	*file = (struct har_file){
		.directory = directory, .fd = -1, .rotate = rotate, .keep = keep
	};
	file->name = strdup(name);
	if (file->name)
		return file;
	har_file_free(file);
	return NULL;
}

/* requests.har → requests.har.1 → requests.har.2 … */
static int shift(const struct har_file *file)
{
	char from[NAME_MAX + 16], to[NAME_MAX + 16];

	for (unsigned number = file->keep; number > 0; number--) {
		snprintf(to, sizeof(to), "%s.%u", file->name, number);
		snprintf(from, sizeof(from), number > 1 ? "%s.%u" : "%s", file->name, number - 1);
		if (renameat(file->directory, from, file->directory, to) && errno != ENOENT)
			return -1;
	}
	return 0;
}

/* The bytes of a torn file that are whole entries: up to the last line that is followed by another,
 * without what stands between two. */
static size_t whole_lines(const char *bytes, size_t length, bool *filled)
{
	const char *last = memrchr(bytes, '\n', length);
	size_t whole = last ? (size_t)(last - bytes) : 0;

	/* The line before the break may be the beginning of a tail. */
	while (whole && (bytes[whole - 1] == '\n' || bytes[whole - 1] == ']'))
		whole--;
	*filled = whole && (bytes[whole - 1] == '}' || bytes[whole - 1] == ',');
	return whole && bytes[whole - 1] == ',' ? whole - 1 : whole;
}

/* Finds where the tail is, or belongs. -1: this is no archive of ours. */
static int find_end(struct har_file *file, uint64_t size)
{
	static char bytes[TORN_MAX]; /* of a process with one thread */
	uint64_t from = size > TORN_MAX ? size - TORN_MAX : 0;
	ssize_t length = pread(file->fd, bytes, (size_t)(size - from), (off_t)from);
	size_t whole;

	if (length != (ssize_t)(size - from))
		return -1;
	if (length >= TAIL && memcmp(bytes + length - TAIL, tail, TAIL) == 0) {
		file->end = size - TAIL;
		file->filled = bytes[length - TAIL - 1] == '}';
		return 0;
	}
	whole = whole_lines(bytes, (size_t)length, &file->filled);
	if (!whole || (!file->filled && bytes[whole - 1] != '['))
		return -1;
	file->end = from + whole;
	return 0;
}

static bool is_ours(const struct har_file *file)
{
	char start[sizeof(head)];
	const size_t compared =
		sizeof("{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"Headgate\"") - 1;

	return pread(file->fd, start, compared, 0) == (ssize_t)compared &&
	       memcmp(start, head, compared) == 0;
}

/* One write, so that a reader sees the file as it was or as it will be. */
static int put(struct har_file *file, const struct iovec *parts, int count)
{
	ssize_t wanted = 0, written;

	for (int i = 0; i < count; i++)
		wanted += (ssize_t)parts[i].iov_len;
	do
		written = pwritev(file->fd, parts, count, (off_t)file->end);
	while (written < 0 && errno == EINTR);
	if (written == wanted)
		return 0;
	if (written >= 0)
		errno = ENOSPC; /* the usual cause of a short write, which itself sets none */
	return -1;
}

/* Puts the tail back where it belongs, and nothing behind it. */
static int mend(struct har_file *file)
{
	const struct iovec part = { (char *)tail, TAIL };

	if (put(file, &part, 1))
		return -1;
	return ftruncate(file->fd, (off_t)(file->end + TAIL));
}

static int begin(struct har_file *file)
{
	const struct iovec parts[] = { { (char *)head, sizeof(head) - 1 }, { (char *)tail, TAIL } };

	file->end = 0;
	file->filled = false;
	if (put(file, parts, 2))
		return -1;
	file->end = sizeof(head) - 1;
	return 0;
}

static int open_once(struct har_file *file)
{
	struct stat found;

	file->fd = openat(file->directory, file->name,
			  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
	if (file->fd < 0)
		return -1;
	if (fstat(file->fd, &found) == 0 && S_ISREG(found.st_mode)) {
		if (found.st_size == 0)
			return begin(file);
		if (is_ours(file) && find_end(file, (uint64_t)found.st_size) == 0)
			return mend(file);
	}
	close_file(file);
	errno = EINVAL;
	return -1;
}

/* What is no archive of ours is put aside, as rotation does. */
static int open_file(struct har_file *file)
{
	if (file->fd >= 0 || open_once(file) == 0)
		return 0;
	close_file(file);
	if (errno != EINVAL || shift(file))
		return -1;
	return open_once(file);
}

static void rotate_if_due(struct har_file *file, size_t length)
{
	if (file->fd < 0 || !file->rotate || !file->filled ||
	    file->end + length + TAIL <= file->rotate)
		return;
	/* What cannot be rotated goes on growing rather than losing entries. */
	if (shift(file) == 0)
		close_file(file);
}

static int write_entry(struct har_file *file, const char *entry, size_t length)
{
	const struct iovec parts[] = {
		{ (char *)(file->filled ? ",\n" : "\n"), file->filled ? 2 : 1 },
		{ (char *)entry, length },
		{ (char *)tail, TAIL },
	};

	if (put(file, parts, 3)) {
		int error = errno;

		if (mend(file))
			close_file(file);
		errno = error;
		return -1;
	}
	file->end += parts[0].iov_len + length;
	file->filled = true;
	return 0;
}

uint64_t har_file_write(struct har_file *file, const char *lines, size_t length)
{
	const char *end = lines + length;
	uint64_t lost = 0;

	while (lines < end) {
		const char *line_end = memchr(lines, '\n', (size_t)(end - lines));
		size_t entry = (size_t)((line_end ? line_end : end) - lines);

		rotate_if_due(file, entry);
		if (entry && (open_file(file) || write_entry(file, lines, entry)))
			lost++;
		lines += entry + 1;
	}
	return lost;
}
