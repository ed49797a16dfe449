#include "daemon/journal/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/journal/pcapng.h"

enum { FILE_MODE = 0600, DIRECTORY_MODE = 0700, PATH_ROOM = PATH_MAX };

struct trace_file {
	const struct trace_settings *settings;
	char *path;
	enum trace_kind kind;
	int fd; /* -1: not open */
	uint64_t size;
};

static const char *name_of(enum trace_kind kind)
{
	return kind == TRACE_KEYLOG ? "keys.log" : "packets.pcapng";
}

int trace_directory_prepare(const char *directory, const struct account *account)
{
	if (!mkdir(directory, DIRECTORY_MODE))
		return chown(directory, account->uid, account->gid);
	return errno == EEXIST ? 0 : -1;
}

struct trace_file *trace_file_new(const struct trace_settings *settings, const char *directory,
				  enum trace_kind kind)
{
	struct trace_file *file = calloc(1, sizeof(*file));
	char path[PATH_ROOM];

	if (!file)
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", directory, name_of(kind));
	file->settings = settings;
	file->kind = kind;
	file->fd = -1;
	file->path = strdup(path);
	if (file->path)
		return file;
	free(file);
	return NULL;
}

static void close_file(struct trace_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

void trace_file_free(struct trace_file *file)
{
	if (!file)
		return;
	close_file(file);
	free(file->path);
	free(file);
}

/* Half a block would spoil all that follows. */
static int append(struct trace_file *file, const void *bytes, size_t length)
{
	ssize_t written = write(file->fd, bytes, length);

	if (written == (ssize_t)length) {
		file->size += length;
		return 0;
	}
	if (written > 0 && ftruncate(file->fd, (off_t)file->size))
		close_file(file);
	if (written >= 0)
		errno = ENOSPC;
	return -1;
}

static int begin_file(struct trace_file *file)
{
	uint8_t prelude[PCAPNG_PRELUDE_MAX];

	if (file->kind != TRACE_PCAPNG)
		return 0;
	return append(file, prelude, pcapng_prelude(prelude));
}

static int open_file(struct trace_file *file)
{
	struct stat found;

	if (file->fd >= 0)
		return 0;
	file->fd = open(file->path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
			FILE_MODE);
	if (file->fd < 0 || fstat(file->fd, &found)) {
		close_file(file);
		return -1;
	}
	file->size = (uint64_t)found.st_size;
	return file->size ? 0 : begin_file(file);
}

static void name_rotated(const struct trace_file *file, unsigned number, char name[static PATH_ROOM])
{
	snprintf(name, PATH_ROOM, "%s.%u", file->path, number);
}

static void rotate(struct trace_file *file)
{
	char from[PATH_ROOM], to[PATH_ROOM];

	close_file(file);
	for (unsigned number = file->settings->keep; number > 1; number--) {
		name_rotated(file, number - 1, from);
		name_rotated(file, number, to);
		rename(from, to);
	}
	name_rotated(file, 1, to);
	rename(file->path, to);
}

int trace_file_write(struct trace_file *file, const void *bytes, size_t length)
{
	if (file->fd >= 0 && file->size + length > file->settings->rotate)
		rotate(file);
	if (open_file(file))
		return -1;
	return append(file, bytes, length);
}
