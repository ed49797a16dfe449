#include "daemon/lists/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <unistd.h>

int spool_open(const char *directory)
{
	int descriptor = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[4096];

	/* Not every file system of a router has O_TMPFILE. */
	if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return descriptor;
	if (snprintf(path, sizeof path, "%s/spool-XXXXXX", directory) >= (int)sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	descriptor = mkostemp(path, O_CLOEXEC);
	if (descriptor >= 0)
		unlink(path);
	return descriptor;
}

void spool_begin(struct spool *spool)
{
	memset(spool, 0, sizeof *spool);
	spool->descriptor = -1;
}

void spool_end(struct spool *spool)
{
	if (spool->descriptor >= 0)
		close(spool->descriptor);
	free(spool->buffer);
	spool_begin(spool);
}

int write_at(int descriptor, const void *bytes, size_t size, uint64_t offset)
{
	const uint8_t *next = bytes;

	while (size) {
		ssize_t written = pwrite(descriptor, next, size, (off_t)offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		next += written;
		size -= (size_t)written;
		offset += (uint64_t)written;
	}
	return 0;
}

static int flush(struct spool *spool, const char *directory)
{
	if (spool->descriptor < 0)
		spool->descriptor = spool_open(directory);
	if (spool->descriptor < 0 ||
	    write_at(spool->descriptor, spool->buffer, spool->held, spool->size - spool->held))
		return -1;
	spool->held = 0;
	return 0;
}

int spool_write(struct spool *spool, const char *directory, const void *bytes, size_t size)
{
	const uint8_t *next = bytes;

	if (!spool->buffer)
		spool->buffer = malloc(SPOOL_BUFFER);
	if (!spool->buffer)
		return -1;
	while (size) {
		size_t part = SPOOL_BUFFER - spool->held;

		part = MIN(part, size);
		memcpy(spool->buffer + spool->held, next, part);
		spool->held += part;
		spool->size += part;
		next += part;
		size -= part;
		if (spool->held == SPOOL_BUFFER && flush(spool, directory))
			return -1;
	}
	return 0;
}

void spool_forget(const struct spool *spool, uint64_t from, uint64_t to)
{
	if (spool->descriptor >= 0 && from < to)
		fallocate(spool->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
			  (off_t)(to - from));
}

long spool_read(const struct spool *spool, uint64_t offset, void *bytes, size_t size)
{
	uint64_t flushed = spool->size - spool->held;
	ssize_t count;

	if (offset >= flushed) {
		offset -= flushed;
		if (offset >= spool->held)
			return 0;
		size = size < spool->held - offset ? size : (size_t)(spool->held - offset);
		memcpy(bytes, spool->buffer + offset, size);
		return (long)size;
	}
	size = size < flushed - offset ? size : (size_t)(flushed - offset);
	do {
		count = pread(spool->descriptor, bytes, size, (off_t)offset);
	} while (count < 0 && errno == EINTR);
	if (count)
		return (long)count;
	errno = EIO; /* shorter than we wrote it */
	return -1;
}
