/* Sorts any number of byte strings in a bounded amount of memory: sorted runs go to a temporary
 * file and are merged on the way out. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	SORTER_BYTES = 2 << 20,	  /* of records held before a run is written */
	SORTER_PLACES = 32 << 10, /* records held before a run is written, 32 bytes each while they are sorted */
	SORTER_RUN_BUFFER = 16384,
	SORTER_RUNS_MAX = 1024,
	SORTER_RECORD_MAX = 12288,
};

struct sorter;

/* directory is where the runs go, and must outlive it. NULL when out of memory. */
struct sorter *sorter_new(const char *directory);
void sorter_free(struct sorter *sorter);

/* Adds a record of at most SORTER_RECORD_MAX bytes. 0, or -1 with errno; EFBIG when there are too
 * many. */
int sorter_add(struct sorter *sorter, const void *record, size_t length);

/* Must be called once after the last addition, before the first sorter_next(). 0, or -1 with errno.
 */
int sorter_finish(struct sorter *sorter);

/* The next record in the order of memcmp(), a shorter one before those it begins. 1, 0 after the
 * last, -1 with errno. *record is valid until the next call. */
int sorter_next(struct sorter *sorter, const uint8_t **record, size_t *length);
