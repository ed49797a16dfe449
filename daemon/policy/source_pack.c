/* Sources in a sealed memory file: a header, one entry for each, then names and bytes, each closed
 * by a NUL. Written and read by processes of one build on one machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/policy/source_store.h"

enum {
	PACK_MAGIC = 0x68647331,
	SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

struct pack_head {
	uint32_t magic;
	uint32_t count;
};

struct pack_entry {
	uint32_t kind;
	int32_t error;
	uint64_t name_offset;
	uint64_t bytes_offset; /* 0: none */
	uint64_t length;
};

static int write_all(int descriptor, const void *bytes, size_t length)
{
	const char *next = bytes;

	while (length > 0) {
		ssize_t written = write(descriptor, next, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		next += written;
		length -= (size_t)written;
	}
	return 0;
}

static int write_entries(int descriptor, const struct sources *sources)
{
	uint64_t offset = sizeof(struct pack_head) + sources->count * sizeof(struct pack_entry);

	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->sources[i];
		struct pack_entry entry = { .kind = source->kind, .error = source->error };

		entry.name_offset = offset;
		offset += strlen(source->name) + 1;
		entry.length = source->bytes ? source->length : 0;
		entry.bytes_offset = source->bytes ? offset : 0;
		offset += source->bytes ? source->length + 1 : 0;
		if (write_all(descriptor, &entry, sizeof(entry)))
			return -1;
	}
	return 0;
}

static int write_texts(int descriptor, const struct sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		const struct source *source = &sources->sources[i];

		if (write_all(descriptor, source->name, strlen(source->name) + 1))
			return -1;
		if (source->bytes && write_all(descriptor, source->bytes, source->length + 1))
			return -1;
	}
	return 0;
}

int sources_pack(const struct sources *sources)
{
	struct pack_head head = { PACK_MAGIC, (uint32_t)sources->count };
	int descriptor = memfd_create("headgate-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (descriptor < 0)
		return -1;
	if (write_all(descriptor, &head, sizeof(head)) == 0 &&
	    write_entries(descriptor, sources) == 0 && write_texts(descriptor, sources) == 0 &&
	    fcntl(descriptor, F_ADD_SEALS, SEALS) == 0)
		return descriptor;
	error = errno;
	close(descriptor);
	errno = error;
	return -1;
}

/* A NUL-terminated text of this length inside the map; NULL when it does not fit. */
static const char *text_at(const struct sources *sources, uint64_t offset, uint64_t length)
{
	const char *text = (const char *)sources->map + offset;

	if (offset >= sources->map_length || length >= sources->map_length - offset)
		return NULL;
	return text[length] == '\0' ? text : NULL;
}

static int add_entry(struct sources *sources, const struct pack_entry *entry)
{
	const char *map = sources->map;
	struct source *source;
	const char *bytes = NULL;

	if (entry->name_offset >= sources->map_length ||
	    !memchr(map + entry->name_offset, '\0', sources->map_length - entry->name_offset))
		return -1;
	if (entry->bytes_offset) {
		bytes = text_at(sources, entry->bytes_offset, entry->length);
		if (!bytes)
			return -1;
	}
	source = sources_append(sources, (enum source_kind)entry->kind, map + entry->name_offset);
	if (!source)
		return -1;
	source->bytes = bytes;
	source->length = entry->length;
	source->error = entry->error;
	return 0;
}

static int add_entries(struct sources *sources)
{
	const struct pack_head *head = sources->map;
	const struct pack_entry *entries = (const struct pack_entry *)(head + 1);

	if (sources->map_length < sizeof(*head) || head->magic != PACK_MAGIC || head->count == 0 ||
	    head->count > SOURCES_MAX ||
	    sources->map_length - sizeof(*head) < head->count * sizeof(*entries))
		return -1;
	for (uint32_t i = 0; i < head->count; i++) {
		if (add_entry(sources, &entries[i]))
			return -1;
	}
	return 0;
}

/* Without the seals the sender could shrink the file under us, and reading would be a SIGBUS. */
static int map(struct sources *sources, int descriptor)
{
	struct stat status;
	int seals = fcntl(descriptor, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS || fstat(descriptor, &status) != 0 ||
	    status.st_size <= 0)
		return -1;
	sources->map_length = (size_t)status.st_size;
	sources->map = mmap(NULL, sources->map_length, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (sources->map != MAP_FAILED)
		return 0;
	sources->map = NULL;
	return -1;
}

struct sources *sources_unpack(int descriptor)
{
	struct sources *sources = calloc(1, sizeof(*sources));

	if (!sources)
		return NULL;
	errno = 0;
	if (map(sources, descriptor) == 0 && add_entries(sources) == 0)
		return sources;
	sources_free(sources);
	errno = errno ? errno : EINVAL;
	return NULL;
}
