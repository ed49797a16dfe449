#include "daemon/tls/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno != EINTR)
			return -1;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

static int write_new(int directory_fd, const char *name, mode_t mode, const void *bytes,
		     size_t length)
{
	int fd;
	int saved;

	unlinkat(directory_fd, name, 0); /* what a power cut left behind */
	fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (write_all(fd, bytes, length) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0)
		return close(fd);
	saved = errno;
	close(fd);
	unlinkat(directory_fd, name, 0);
	errno = saved;
	return -1;
}

int keyfile_write(const char *directory, const char *name, mode_t mode, const void *bytes,
		  size_t length)
{
	char temporary[NAME_MAX + 1];
	int directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = -1;
	int saved;

	if (directory_fd < 0)
		return -1;
	snprintf(temporary, sizeof(temporary), "%s.new", name);
	if (write_new(directory_fd, temporary, mode, bytes, length) == 0 &&
	    renameat(directory_fd, temporary, directory_fd, name) == 0)
		result = fsync(directory_fd);
	saved = errno;
	close(directory_fd);
	errno = saved;
	return result;
}

static char *read_all(int fd, size_t max, size_t *length)
{
	char *bytes = malloc(max + 1);
	ssize_t got = 1;

	*length = 0;
	while (bytes && got != 0 && *length <= max) {
		got = read(fd, bytes + *length, max + 1 - *length);
		if (got > 0)
			*length += (size_t)got;
		else if (got < 0 && errno != EINTR)
			break;
	}
	if (bytes && got == 0) {
		bytes[*length] = '\0';
		return bytes;
	}
	if (bytes && *length > max)
		errno = EFBIG;
	keyfile_free(bytes, *length);
	return NULL;
}

static int open_file(const char *directory, const char *name, int flags)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

char *keyfile_read(const char *directory, const char *name, size_t max, size_t *length)
{
	int fd = open_file(directory, name, 0);
	char *bytes;
	int saved;

	if (fd < 0)
		return NULL;
	bytes = read_all(fd, max, length);
	saved = errno;
	close(fd);
	errno = saved;
	return bytes;
}

void keyfile_free(char *bytes, size_t length)
{
	int saved = errno;

	if (bytes)
		OPENSSL_cleanse(bytes, length);
	free(bytes);
	errno = saved;
}

int keyfile_check_private(const char *directory, const char *name)
{
	char path[PATH_MAX];
	struct stat status;

	snprintf(path, sizeof(path), "%s%s%s", directory, *name ? "/" : "", name);
	if (lstat(path, &status) < 0)
		return -1;
	if (status.st_uid != geteuid()) {
		log_error("%s belongs to uid %u; mend with: chown %u %s", path,
			  (unsigned)status.st_uid, (unsigned)geteuid(), path);
	} else if (status.st_mode & 077) {
		log_error("%s gives rights to others (mode %04o); mend with: chmod %s %s", path,
			  (unsigned)status.st_mode & 07777, *name ? "0400" : "0700", path);
	} else {
		return 0;
	}
	errno = EPERM;
	return -1;
}
