#include "daemon/lists/compiled.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool lists_begin(struct compiled *compiled)
{
	compiled->lists = compiled->sections[SECTION_LISTS].bytes;
	compiled->list_count = (unsigned)compiled->sections[SECTION_LISTS].count;
	if (compiled->list_count > LISTS_MAX)
		return false;
	for (unsigned i = 0; i < compiled->list_count; i++)
		if (!memchr(compiled->lists[i].name, '\0', LAYOUT_LIST_NAME))
			return false;
	return true;
}

bool compiled_parse(struct compiled *compiled, const void *bytes, size_t size)
{
	compiled->bytes = bytes;
	compiled->size = size;
	compiled->descriptor = -1;
	return layout_parse(bytes, size, compiled->sections) && lists_begin(compiled) &&
	       ranges_begin(&compiled->ranges, compiled->sections) &&
	       suffixes_begin(&compiled->suffixes, bytes, compiled->sections);
}

/* Read-ahead would fill the memory with text that is looked at once in a while. */
static void leave_on_disk(const struct compiled *compiled)
{
	const struct layout_header *header = compiled->bytes;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t begin = (header->sections[SECTION_NAME_TEXT].offset + page - 1) / page * page;

	if (begin < compiled->size)
		madvise((uint8_t *)compiled->bytes + begin, compiled->size - begin, MADV_RANDOM);
}

int compiled_open_descriptor(struct compiled *compiled, int descriptor)
{
	struct stat status;
	size_t size;
	void *bytes;

	if (fstat(descriptor, &status))
		return -1;
	size = (size_t)status.st_size;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(struct layout_header) ||
	    (off_t)size != status.st_size) {
		errno = EBADMSG;
		return -1;
	}
	bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
	if (bytes == MAP_FAILED)
		return -1;
	if (compiled_parse(compiled, bytes, size)) {
		leave_on_disk(compiled);
		return 0;
	}
	munmap(bytes, size);
	errno = EBADMSG;
	return -1;
}

int compiled_open(struct compiled *compiled, const char *path)
{
	int descriptor = open(path, O_RDONLY | O_CLOEXEC);
	int reason;

	if (descriptor < 0)
		return -1;
	if (compiled_open_descriptor(compiled, descriptor) == 0) {
		compiled->descriptor = descriptor;
		return 0;
	}
	reason = errno;
	close(descriptor);
	errno = reason;
	return -1;
}

bool compiled_verify(const struct compiled *compiled)
{
	return layout_verify(compiled->bytes);
}

void compiled_forget_descriptor(struct compiled *compiled)
{
	compiled->descriptor = -1;
}

void compiled_close(struct compiled *compiled)
{
	munmap((void *)compiled->bytes, compiled->size);
	if (compiled->descriptor >= 0)
		close(compiled->descriptor);
	memset(compiled, 0, sizeof *compiled);
}

unsigned compiled_list(const struct compiled *compiled, const char *name)
{
	unsigned i = 0;

	while (i < compiled->list_count && strcmp(compiled->lists[i].name, name) != 0)
		i++;
	return i;
}

size_t compiled_resident(const struct compiled *compiled)
{
	size_t size = sizeof(struct layout_header);

	for (unsigned i = SECTION_RANGE_CLASSES; i <= SECTION_NAME_CLASSES; i++)
		size += compiled->sections[i].count * layout_record_size(i);
	return size;
}
