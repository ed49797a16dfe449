#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/journal/output.h"
#include "daemon/log.h"

enum {
	FILE_MODE = 0640,
	DIRECTORY_MODE = 0750,
	LOOK_MICROSECONDS = 1000000, /* how often to see whether the file was moved away */
	ROTATED_NAME = NAME_MAX + 16,
};

struct file {
	struct output output;
	char *path;
	const char *name; /* the last part of path */
	int directory;	  /* -1: not open */
	int fd;		  /* -1: not open */
	uint64_t size;
	uint64_t rotate;    /* bytes; 0: never */
	uint64_t rotate_at; /* size of the file when it is due */
	unsigned keep;
	int64_t looked; /* steady microseconds */
	struct log_limit rotation_failed;
};

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The directory's part of path, malloc'd. */
static char *directory_of(const char *path)
{
	size_t length = (size_t)(name_of(path) - path);

	return length ? strndup(path, length) : strdup(".");
}

static int prepare_directory(const char *path, const struct account *account)
{
	char *directory = directory_of(path);
	int result = 0;

	if (!directory)
		return -1;
	if (!mkdir(directory, DIRECTORY_MODE))
		result = chown(directory, account->uid, account->gid);
	else if (errno != EEXIST)
		result = -1;
	free(directory);
	return result;
}

/* Only what is new is given away: root changes the owner of nothing that somebody else may have put
 * there. */
int file_prepare(const char *path, const struct account *account)
{
	int fd, result;

	if (prepare_directory(path, account))
		return -1;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return errno == EEXIST ? 0 : -1;
	result = fchown(fd, account->uid, account->gid);
	close(fd);
	return result;
}

static int open_directory(struct file *file)
{
	char *directory;

	if (file->directory >= 0)
		return 0;
	directory = directory_of(file->path);
	if (!directory)
		return -1;
	file->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	return file->directory < 0 ? -1 : 0;
}

static void close_file(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static int open_file(struct file *file)
{
	struct stat found;

	if (file->fd >= 0)
		return 0;
	if (open_directory(file))
		return -1;
	file->fd = openat(file->directory, file->name,
			  O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			  FILE_MODE);
	if (file->fd < 0 || fstat(file->fd, &found)) {
		close_file(file);
		return -1;
	}
	file->size = S_ISREG(found.st_mode) ? (uint64_t)found.st_size : 0;
	file->rotate_at = S_ISREG(found.st_mode) && file->rotate ? file->rotate : UINT64_MAX;
	return 0;
}

/* Somebody else may rotate, too: a file that is no longer under its name is let go. */
static void look_whether_moved(struct file *file)
{
	struct stat named, ours;
	int64_t now = clock_steady();

	if (file->fd < 0 || now - file->looked < LOOK_MICROSECONDS)
		return;
	file->looked = now;
	if (fstatat(file->directory, file->name, &named, AT_SYMLINK_NOFOLLOW) ||
	    fstat(file->fd, &ours) || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
		close_file(file);
}

static void rotated_name(const struct file *file, unsigned number, char name[static ROTATED_NAME])
{
	snprintf(name, ROTATED_NAME, "%s.%u", file->name, number);
}

static int shift(const struct file *file)
{
	char from[ROTATED_NAME], to[ROTATED_NAME];

	if (!file->keep)
		return unlinkat(file->directory, file->name, 0);
	for (unsigned number = file->keep; number > 1; number--) {
		rotated_name(file, number - 1, from);
		rotated_name(file, number, to);
		if (renameat(file->directory, from, file->directory, to) && errno != ENOENT)
			return -1;
	}
	rotated_name(file, 1, to);
	return renameat(file->directory, file->name, file->directory, to);
}

/* What cannot be rotated goes on growing rather than losing lines; it is tried again later. */
static void rotate(struct file *file)
{
	if (!shift(file)) {
		close_file(file);
		return;
	}
	log_warning_limited(&file->rotation_failed, "journal: cannot rotate %s: %m", file->path);
	file->rotate_at = file->size + file->rotate;
}

/* Takes back what lies behind the last whole line, so that the file stays one line after the other.
 */
static size_t keep_whole_lines(struct file *file, const char *lines, size_t written)
{
	const char *last = memrchr(lines, '\n', written);
	size_t whole = last ? (size_t)(last - lines) + 1 : 0;

	if (whole != written && ftruncate(file->fd, (off_t)(file->size + whole)))
		close_file(file);
	return whole;
}

static ssize_t append(const struct file *file, const char *lines, size_t length)
{
	ssize_t written;

	do
		written = write(file->fd, lines, length);
	while (written < 0 && errno == EINTR);
	return written;
}

static uint64_t file_write(struct output *output, const char *lines, size_t length)
{
	struct file *file = (struct file *)output;
	ssize_t written;
	size_t whole;

	look_whether_moved(file);
	if (file->fd >= 0 && file->size && file->size + length > file->rotate_at)
		rotate(file);
	if (open_file(file))
		return lines_count(lines, length);
	written = append(file, lines, length);
	if (written < 0)
		return lines_count(lines, length);
	if ((size_t)written == length) {
		file->size += length;
		return 0;
	}
	whole = keep_whole_lines(file, lines, (size_t)written);
	file->size += whole;
	errno = ENOSPC; /* the usual cause of a short write, which itself sets none */
	return lines_count(lines + whole, length - whole);
}

static void file_free(struct output *output)
{
	struct file *file = (struct file *)output;

	close_file(file);
	if (file->directory >= 0)
		close(file->directory);
	free(file->path);
	free(file);
}

/* Said at the start, when the owner is looking. */
static void look_whether_rotatable(const struct file *file)
{
	if (file->rotate && file->directory >= 0 &&
	    faccessat(file->directory, ".", W_OK, AT_EACCESS))
		log_warning("journal: %s cannot be rotated: its directory is not writable for "
			    "this account (%m)",
			    file->path);
}

struct output *file_output(const struct journal_settings *settings)
{
	struct file *file = calloc(1, sizeof *file);

	if (!file)
		return NULL;
	*file = (struct file){
		.output = { .write = file_write, .free = file_free },
		.path = strdup(settings->file),
		.directory = -1,
		.fd = -1,
		.rotate = settings->rotate,
		.keep = settings->keep,
	};
	if (!file->path) {
		free(file);
		return NULL;
	}
	file->name = name_of(file->path);
	if (open_file(file))
		log_warning("journal: cannot open %s: %m; its lines are lost until it can",
			    file->path);
	look_whether_rotatable(file);
	return &file->output;
}
