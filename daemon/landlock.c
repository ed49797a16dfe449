#include "daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"

/* The kernel may be newer than our headers, so the numbers stand here. */

enum {
	LANDLOCK_VERSION_FLAG = 1,
	LANDLOCK_PATH_BENEATH = 1,

	FILE_WRITE = 1 << 1,
	FILE_READ = 1 << 2,
	DIRECTORY_READ = 1 << 3,
	FILE_REMOVE = 1 << 5,
	FILE_MAKE = 1 << 8,
	FILE_TRUNCATE = 1 << 14,

	READING = FILE_READ | DIRECTORY_READ,
	WRITING = FILE_WRITE | FILE_READ | DIRECTORY_READ | FILE_REMOVE | FILE_MAKE | FILE_TRUNCATE,
	OF_FILES = FILE_WRITE | FILE_READ | FILE_TRUNCATE, /* the others are about directories */

	NETWORK_ALL = 3, /* bind and connect of TCP */
	SCOPED_ALL = 3,	 /* abstract sockets and signals of other processes */
};

struct landlock_attribute {
	uint64_t files;
	uint64_t network;
	uint64_t scoped;
};

struct landlock_path {
	uint64_t access;
	int32_t directory;
} __attribute__((packed));

/* Access to files that a Landlock version can forbid, and the size of its attribute. */
static uint64_t known_files(int version)
{
	static const unsigned char bits[] = { 0, 13, 14, 15, 15, 16 };
	size_t last = sizeof bits - 1;

	return (UINT64_C(1) << bits[(size_t)version < last ? (size_t)version : last]) - 1;
}

static size_t attribute_size(int version)
{
	if (version >= 6)
		return sizeof(struct landlock_attribute);
	if (version >= 4)
		return offsetof(struct landlock_attribute, scoped);
	return offsetof(struct landlock_attribute, network);
}

static bool is_directory(int descriptor)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

static int allow(int ruleset, const char *path, uint64_t access)
{
	struct landlock_path beneath = { .access = access };
	int result;

	beneath.directory = open(path, O_PATH | O_CLOEXEC);
	if (beneath.directory < 0)
		return errno == ENOENT ? 0 : -1;
	if (!is_directory(beneath.directory))
		beneath.access &= OF_FILES;
	result = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH, &beneath, 0);
	close(beneath.directory);
	return result;
}

static int allow_all(int ruleset, const char *const *paths, uint64_t access)
{
	int result = 0;

	for (; paths && *paths && result == 0; paths++)
		result = allow(ruleset, *paths, access);
	return result;
}

int landlock_close(const struct landlock_exceptions *exceptions)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
	struct landlock_attribute attribute = { .scoped = SCOPED_ALL };
	int ruleset, result;

	if (version < 1) {
		log_warning(
			"this kernel has no Landlock: files are protected by the account alone");
		return 0;
	}
	attribute.files = known_files(version);
	if (!exceptions->network)
		attribute.network = NETWORK_ALL;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attribute, attribute_size(version), 0);
	if (ruleset < 0)
		return -1;
	result = allow_all(ruleset, exceptions->read, READING);
	if (result == 0)
		result = allow_all(ruleset, exceptions->written, WRITING & attribute.files);
	if (result == 0)
		result = (int)syscall(SYS_landlock_restrict_self, ruleset, 0);
	close(ruleset);
	return result;
}
