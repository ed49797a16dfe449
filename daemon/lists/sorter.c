#include "daemon/lists/sorter.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "daemon/lists/spool.h"

enum {
	LENGTH = 2,	       /* bytes before each record */
	BLOCK = 4096,	       /* of a file system, at most */
	FORGET_BYTES = 65536, /* given back at a time */
};

/* A record in memory; its first bytes as a number spare most looks at the record itself. */
struct place {
	uint64_t head;
	uint32_t offset;
};

/* A sorted run in the file and the part of it that is in memory. */
struct run {
	uint64_t next, end;
	uint64_t kept; /* what lies before it in the file has been given back */
	uint64_t head; /* of the record that stands in the buffer */
	uint8_t *buffer;
	size_t at, held;
};

struct sorter {
	const char *directory;
	uint8_t *records;
	size_t used;
	struct place *places;
	size_t count;
	struct spool spool;
	struct run *runs;
	size_t run_count;
	size_t heap[SORTER_RUNS_MAX]; /* runs, the one with the least record first */
	size_t heap_count;
	bool taken; /* the record of heap[0] was handed out */
};

struct sorter *sorter_new(const char *directory)
{
	struct sorter *sorter = calloc(1, sizeof *sorter);

	if (!sorter)
		return NULL;
	sorter->directory = directory;
	spool_begin(&sorter->spool);
	sorter->runs = calloc(SORTER_RUNS_MAX, sizeof *sorter->runs);
	if (sorter->runs)
		return sorter;
	sorter_free(sorter);
	return NULL;
}

void sorter_free(struct sorter *sorter)
{
	if (!sorter)
		return;
	for (size_t i = 0; i < sorter->run_count; i++)
		free(sorter->runs[i].buffer);
	free(sorter->runs);
	free(sorter->records);
	free(sorter->places);
	spool_end(&sorter->spool);
	free(sorter);
}

static size_t length_of(const uint8_t *record)
{
	uint16_t length;

	memcpy(&length, record, sizeof length);
	return length;
}

/* Both begin with their lengths. */
static int compare_records(const uint8_t *a, const uint8_t *b)
{
	size_t a_length = length_of(a);
	size_t b_length = length_of(b);
	int order = memcmp(a + LENGTH, b + LENGTH, MIN(a_length, b_length));

	return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_places(const void *left, const void *right, void *records)
{
	const struct place *a = left;
	const struct place *b = right;

	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return compare_records((uint8_t *)records + a->offset, (uint8_t *)records + b->offset);
}

/* The first 8 bytes, zeros behind a shorter record: never contradicts memcmp(). */
static uint64_t head_of(const uint8_t *record, size_t length)
{
	uint64_t head = 0;

	memcpy(&head, record, length < sizeof head ? length : sizeof head);
	return be64toh(head);
}

static int write_run(struct sorter *sorter)
{
	struct run *run;

	if (!sorter->count)
		return 0;
	if (sorter->run_count == SORTER_RUNS_MAX) {
		errno = EFBIG;
		return -1;
	}
	run = &sorter->runs[sorter->run_count];
	run->next = sorter->spool.size;
	run->kept = (run->next + BLOCK - 1) / BLOCK * BLOCK;
	qsort_r(sorter->places, sorter->count, sizeof *sorter->places, compare_places,
		sorter->records);
	for (size_t i = 0; i < sorter->count; i++) {
		const uint8_t *record = sorter->records + sorter->places[i].offset;

		if (spool_write(&sorter->spool, sorter->directory, record,
				LENGTH + length_of(record)))
			return -1;
	}
	run->end = sorter->spool.size;
	sorter->run_count++;
	sorter->used = 0;
	sorter->count = 0;
	return 0;
}

/* As big as they will ever be: memory that is never touched costs nothing. */
static int reserve(struct sorter *sorter)
{
	if (!sorter->records)
		sorter->records = malloc(SORTER_BYTES);
	if (!sorter->places)
		sorter->places = malloc(SORTER_PLACES * sizeof *sorter->places);
	return sorter->records && sorter->places ? 0 : -1;
}

int sorter_add(struct sorter *sorter, const void *record, size_t length)
{
	uint16_t prefix = (uint16_t)length;
	struct place *place;

	if (length > SORTER_RECORD_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (reserve(sorter))
		return -1;
	if ((sorter->used + LENGTH + length > SORTER_BYTES || sorter->count == SORTER_PLACES) &&
	    write_run(sorter))
		return -1;
	place = &sorter->places[sorter->count++];
	place->head = head_of(record, length);
	place->offset = (uint32_t)sorter->used;
	memcpy(sorter->records + sorter->used, &prefix, sizeof prefix);
	memcpy(sorter->records + sorter->used + LENGTH, record, length);
	sorter->used += LENGTH + length;
	return 0;
}

/* What stands in the buffer needs its place in the file no more. Blocks at the run's ends are its neighbours', too. */
static void forget(const struct sorter *sorter, struct run *run)
{
	uint64_t whole = run->next / BLOCK * BLOCK;

	if (whole < run->kept + FORGET_BYTES && run->next < run->end)
		return;
	spool_forget(&sorter->spool, run->kept, whole);
	run->kept = whole;
}

/* Makes the run's next size bytes stand in its buffer. False when the file cannot be read. */
static bool fill(struct sorter *sorter, struct run *run, size_t size)
{
	if (run->held - run->at >= size)
		return true;
	memmove(run->buffer, run->buffer + run->at, run->held - run->at);
	run->held -= run->at;
	run->at = 0;
	while (run->held < size) {
		uint64_t left = run->end - run->next;
		size_t room = SORTER_RUN_BUFFER - run->held;
		long count = spool_read(&sorter->spool, run->next, run->buffer + run->held,
					left < room ? (size_t)left : room);

		if (count <= 0)
			return false;
		run->held += (size_t)count;
		run->next += (uint64_t)count;
	}
	forget(sorter, run);
	return true;
}

/* 1 when a record stands in the buffer, 0 at the run's end, -1 with errno. */
static int load(struct sorter *sorter, struct run *run)
{
	if (run->at == run->held && run->next == run->end)
		return 0;
	if (!fill(sorter, run, LENGTH) || !fill(sorter, run, LENGTH + length_of(run->buffer + run->at)))
		return -1;
	run->head = head_of(run->buffer + run->at + LENGTH, length_of(run->buffer + run->at));
	return 1;
}

static const uint8_t *record_of(const struct sorter *sorter, size_t run)
{
	return sorter->runs[run].buffer + sorter->runs[run].at;
}

static bool is_less(const struct sorter *sorter, size_t a, size_t b)
{
	uint64_t a_head = sorter->runs[sorter->heap[a]].head;
	uint64_t b_head = sorter->runs[sorter->heap[b]].head;

	if (a_head != b_head)
		return a_head < b_head;
	return compare_records(record_of(sorter, sorter->heap[a]),
			       record_of(sorter, sorter->heap[b])) < 0;
}

static void sink(struct sorter *sorter, size_t at)
{
	for (;;) {
		size_t least = at;
		size_t run = sorter->heap[at];

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < sorter->heap_count && is_less(sorter, child, least))
				least = child;
		if (least == at)
			return;
		sorter->heap[at] = sorter->heap[least];
		sorter->heap[least] = run;
		at = least;
	}
}

int sorter_finish(struct sorter *sorter)
{
	if (write_run(sorter))
		return -1;
	free(sorter->records);
	free(sorter->places);
	sorter->records = NULL;
	sorter->places = NULL;
	for (size_t i = 0; i < sorter->run_count; i++) {
		sorter->runs[i].buffer = malloc(SORTER_RUN_BUFFER);
		if (!sorter->runs[i].buffer || load(sorter, &sorter->runs[i]) < 0)
			return -1;
		sorter->heap[sorter->heap_count++] = i;
	}
	for (size_t i = sorter->heap_count; i > 0; i--)
		sink(sorter, i - 1);
	return 0;
}

/* Steps over the record that was handed out. */
static int advance(struct sorter *sorter)
{
	struct run *run = &sorter->runs[sorter->heap[0]];
	int loaded;

	run->at += LENGTH + length_of(run->buffer + run->at);
	loaded = load(sorter, run);
	if (loaded < 0)
		return -1;
	if (!loaded)
		sorter->heap[0] = sorter->heap[--sorter->heap_count];
	sink(sorter, 0);
	return 0;
}

int sorter_next(struct sorter *sorter, const uint8_t **record, size_t *length)
{
	if (sorter->taken && advance(sorter))
		return -1;
	sorter->taken = sorter->heap_count > 0;
	if (!sorter->heap_count)
		return 0;
	*record = record_of(sorter, sorter->heap[0]) + LENGTH;
	*length = length_of(*record - LENGTH);
	return 1;
}
