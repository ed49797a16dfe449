#include "tests/unit/compiling.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/lists/publication.h"

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	abort();
}

struct listing *listing_new(void)
{
	struct listing *listing = calloc(1, sizeof *listing);

	require(listing, "memory");
	return listing;
}

void listing_free(struct listing *listing)
{
	free(listing->entries);
	free(listing->lists);
	free(listing);
}

void listing_add(struct listing *listing, unsigned list, const struct list_entry *entry)
{
	if (listing->count == listing->size) {
		listing->size = listing->size ? 2 * listing->size : 64;
		listing->entries = reallocarray(listing->entries, listing->size, sizeof *entry);
		listing->lists = reallocarray(listing->lists, listing->size, sizeof list);
		require(listing->entries && listing->lists, "memory");
	}
	listing->entries[listing->count] = *entry;
	listing->lists[listing->count++] = list;
}

static unsigned list_count(const struct listing *listing)
{
	unsigned count = 0;

	for (size_t i = 0; i < listing->count; i++)
		if (listing->lists[i] >= count)
			count = listing->lists[i] + 1;
	return count;
}

void listing_write(const struct listing *listing, const char *path)
{
	struct list_builder *builder = list_builder_new("/tmp");
	char name[16];
	int descriptor;

	require(builder, "builder");
	for (unsigned list = 0; list < list_count(listing); list++) {
		snprintf(name, sizeof name, "list%u", list);
		require(list_builder_begin(builder, name) == (int)list, "list");
		for (size_t i = 0; i < listing->count; i++)
			if (listing->lists[i] == list)
				require(!list_builder_add(builder, &listing->entries[i]), "entry");
	}
	descriptor = publication_open(path);
	require(!list_builder_write(builder, 0, descriptor), path);
	require(!publication_finish(path, descriptor), path);
	close(descriptor);
	list_builder_free(builder);
}

void listing_open(const struct listing *listing, struct compiled *compiled)
{
	char path[64];

	snprintf(path, sizeof path, "/tmp/compiling-%d.lists", (int)getpid());
	listing_write(listing, path);
	require(!compiled_open(compiled, path), path);
	require(compiled_verify(compiled), "checksum");
	unlink(path);
}
