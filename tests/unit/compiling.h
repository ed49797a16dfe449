/* For tests of compiled lists: entries kept in memory, to be asked one by one, and compiled. */
#pragma once

#include "daemon/lists/builder.h"
#include "daemon/lists/compiled.h"

struct listing {
	size_t count, size;
	struct list_entry *entries;
	unsigned *lists; /* of each entry */
};

struct listing *listing_new(void);
void listing_free(struct listing *listing);
void listing_add(struct listing *listing, unsigned list, const struct list_entry *entry);

/* Compiles into the file; lists are named list0, list1 and so on. Fails the test when it cannot. */
void listing_write(const struct listing *listing, const char *path);

/* Compiles, opens and checks. compiled_close() is the caller's. */
void listing_open(const struct listing *listing, struct compiled *compiled);
