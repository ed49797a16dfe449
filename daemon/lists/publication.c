#include "daemon/lists/publication.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *beside(const char *path)
{
	char *name;

	return asprintf(&name, "%s.new", path) < 0 ? NULL : name;
}

int publication_open(const char *path)
{
	char *name = beside(path);
	int descriptor = -1;

	/* A new file each time: whoever still holds the one before must not write into this one. */
	if (name && (unlink(name) == 0 || errno == ENOENT))
		descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	free(name);
	return descriptor;
}

static int sync_directory(const char *path)
{
	char *copy = strdup(path);
	int descriptor = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int result;

	free(copy);
	if (descriptor < 0)
		return -1;
	result = fsync(descriptor);
	close(descriptor);
	return result;
}

int publication_finish(const char *path, int descriptor)
{
	char *name = beside(path);
	int result = -1;

	if (name && fchmod(descriptor, 0644) == 0 && fsync(descriptor) == 0 &&
	    rename(name, path) == 0)
		result = sync_directory(path);
	free(name);
	return result;
}

void publication_drop(const char *path)
{
	char *name = beside(path);

	if (name)
		unlink(name);
	free(name);
}

int publication_end(const char *path, int descriptor, int written)
{
	int result = written == 0 ? publication_finish(path, descriptor) : -1;
	int error = errno;

	if (result < 0)
		publication_drop(path);
	close(descriptor);
	errno = error;
	return result;
}
