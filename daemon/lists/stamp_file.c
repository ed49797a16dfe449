#include "daemon/lists/stamp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/lists/publication.h"

/* The file is the head and, behind it, the stamps. */
struct head {
	uint64_t about;	   /* the compiled file's header checksum */
	uint64_t checksum; /* of the stamps */
};

static bool read_all(int descriptor, void *bytes, size_t size)
{
	return read(descriptor, bytes, size) == (ssize_t)size;
}

bool stamp_file_read(const char *path, uint64_t checksum, struct stamps *stamps, size_t count)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = count * sizeof(*stamps);
	struct head head;
	bool taken;

	if (descriptor < 0)
		return false;
	taken = read_all(descriptor, &head, sizeof(head)) && head.about == checksum &&
		read_all(descriptor, stamps, size) && head.checksum == layout_checksum(stamps, size);
	close(descriptor);
	return taken;
}

static int write_all(int descriptor, const void *bytes, size_t size)
{
	ssize_t written = write(descriptor, bytes, size);

	if (written >= 0 && (size_t)written < size)
		errno = ENOSPC;
	return written == (ssize_t)size ? 0 : -1;
}

int stamp_file_write(const char *path, uint64_t checksum, const struct stamps *stamps, size_t count)
{
	size_t size = count * sizeof(*stamps);
	const struct head head = { checksum, layout_checksum(stamps, size) };
	int descriptor = publication_open(path);
	int result;

	if (descriptor < 0)
		return -1;
	result = write_all(descriptor, &head, sizeof(head));
	if (result == 0)
		result = write_all(descriptor, stamps, size);
	return publication_end(path, descriptor, result);
}
