#include "daemon/supervisor/name_files.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *const paths[NAME_FILES] = { "/etc/resolv.conf", "/etc/hosts" };

static void look(const char *path, struct stat *seen)
{
	if (stat(path, seen) < 0)
		memset(seen, 0, sizeof(*seen));
}

void name_files_begin(struct name_files *files)
{
	for (unsigned i = 0; i < NAME_FILES; i++)
		look(paths[i], &files->seen[i]);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool name_files_changed(struct name_files *files)
{
	bool changed = false;

	for (unsigned i = 0; i < NAME_FILES; i++) {
		struct stat now;

		look(paths[i], &now);
		changed |= !same(&now, &files->seen[i]);
		files->seen[i] = now;
	}
	return changed;
}

static int open_or_empty(const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return descriptor >= 0 ? descriptor : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

int name_files_open(int descriptors[static NAME_FILES])
{
	descriptors[0] = open_or_empty(paths[0]);
	if (descriptors[0] < 0)
		return -1;
	descriptors[1] = open_or_empty(paths[1]);
	if (descriptors[1] >= 0)
		return 0;
	close(descriptors[0]);
	return -1;
}
