/* Makes one compiled file of several lists: takes their entries in any order and number, in a
 * bounded amount of memory. */
#pragma once

#include "daemon/lists/entry.h"
#include "daemon/lists/layout.h"

enum { REFUSED_LINES = 4 };

/* What came of one list. */
struct list_tally {
	unsigned long entries; /* those taken */
	unsigned long
		refused; /* ranges that hold a guarded address, and what is no range or name */
	unsigned refused_lines[REFUSED_LINES]; /* of the first ones; 0: none */
};

struct list_builder;

/* directory is for temporary files, which have no names there, and must outlive it. NULL when out
 * of memory. */
struct list_builder *list_builder_new(const char *directory);
void list_builder_free(struct list_builder *builder);

/* No entry that holds an address of the prefix is taken from now on; one for all of IPv4 or IPv6
 * never is. 0, or -1 when out of memory. */
int list_builder_guard(struct list_builder *builder, const struct prefix *prefix);

/* Forgets the guards. */
void list_builder_unguard(struct list_builder *builder);

/* Begins the next list: the entries that follow are its. Its number in the file, or -1 with errno:
 * E2BIG after LISTS_MAX of them, ENAMETOOLONG. */
int list_builder_begin(struct list_builder *builder, const char *name);

/* Takes an entry of the list begun last; an entry_sink with the builder as context. 0 also for a
 * refused one, which is counted; -1 with errno: EFBIG when there are too many, EINVAL before the
 * first list. */
int list_builder_add(void *builder, const struct list_entry *entry);

/* Throws away what the list begun last has taken, which may be given anew. 0, or -1 with errno:
 * EFBIG after too many times. */
int list_builder_abandon(struct list_builder *builder);

/* Where to note what the list begun last was made of: `read` and `files`; the rest is the
 * builder's. NULL before the first list. */
struct layout_list *list_builder_note(struct list_builder *builder);

/* All notes so far, by the numbers of the lists; owned by the builder. */
const struct layout_list *list_builder_notes(const struct list_builder *builder);

/* The tally of a list by its number; owned by the builder. */
const struct list_tally *list_builder_tally(const struct list_builder *builder, int list);

/* Compiles all that was taken into an empty file, which stays open; guards is kept in its header.
 * Once. 0, or -1 with errno: E2BIG when the lists overlap in more than LAYOUT_CLASSES_MAX ways,
 * EAGAIN for an unlucky seed (start again). */
int list_builder_write(struct list_builder *builder, uint64_t guards, int descriptor);
