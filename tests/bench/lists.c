// link: daemon/lists/builder.c daemon/lists/publication.c daemon/lists/range_writer.c daemon/lists/suffix_writer.c daemon/lists/range_record.c daemon/lists/name_record.c daemon/lists/wide.c daemon/lists/class_table.c daemon/lists/draft.c daemon/lists/sorter.c daemon/lists/spool.c daemon/lists/compiled.c daemon/lists/layout.c daemon/lists/ranges.c daemon/lists/suffixes.c daemon/lists/members.c daemon/lists/hash.c daemon/lists/set.c daemon/address.c daemon/clock.c
/* What lists cost: builds a compiled file of random ranges and names, asks it, and prints one line
 * for each figure: "name value unit". Usage: lists DIRECTORY [COUNT], a million of each by default.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/lists/builder.h"
#include "daemon/lists/publication.h"
#include "daemon/lists/compiled.h"

enum {
	QUESTIONS = 1 << 16, /* different ones, more than the near caches of a processor hold */
	WARM = 1 << 12,	     /* different names that people of one house ask for again and again */
	ROUNDS = 64,
	TURNS = 9,
	SMALL = 1000,
};

static const char *const endings[] = { "com", "net", "org", "co.uk", "de", "info", "example.com" };

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* xorshift64*: the same numbers in every run. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d) >> 8;
}

/* 6 to 21 letters, one ending of seven, sometimes a label more: about 19 bytes, as real lists have.
 */
static void random_name(uint64_t *state, char name[static NAME_SIZE])
{
	size_t length = 6 + draw(state) % 10 + (draw(state) % 8 ? 0 : 6);
	char *next = name;

	if (draw(state) % 3 == 0)
		next += sprintf(next, "%s.", draw(state) % 2 ? "ads" : "t");
	for (size_t i = 0; i < length; i++)
		*next++ = (char)('a' + draw(state) % 26);
	sprintf(next, ".%s", endings[draw(state) % 7]);
}

static void add_ranges(struct list_builder *builder, unsigned count)
{
	struct list_entry entry = { .kind = ENTRY_RANGE };
	uint64_t state = 1;

	entry.first.family = entry.last.family = AF_INET;
	for (unsigned i = 0; i < count; i++) {
		uint32_t base = (uint32_t)draw(&state) & 0xffffff00;

		entry.first.v4.s_addr = htonl(base);
		entry.last.v4.s_addr = htonl(base | 0xff);
		entry.line = i + 1;
		if (list_builder_add(builder, &entry))
			die("range");
	}
}

static void add_names(struct list_builder *builder, unsigned count)
{
	struct list_entry entry = { .kind = ENTRY_NAME, .pattern = NAME_TREE };
	uint64_t state = 2;

	for (unsigned i = 0; i < count; i++) {
		random_name(&state, entry.name);
		entry.line = i + 1;
		if (list_builder_add(builder, &entry))
			die("name");
	}
}

static void build(const char *directory, const char *path, unsigned count)
{
	struct list_builder *builder = list_builder_new(directory);
	int descriptor;

	if (!builder || list_builder_begin(builder, "addresses") < 0)
		die("builder");
	add_ranges(builder, count);
	add_names(builder, count);
	descriptor = publication_open(path);
	if (list_builder_write(builder, 0, descriptor) || publication_finish(path, descriptor))
		die(path);
	list_builder_free(builder);
}

/* In a process of its own, whose memory nobody else has touched. */
static void measure_build(const char *directory, const char *path, unsigned count)
{
	int64_t begin = clock_steady();
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (!child) {
		build(directory, path, count);
		_exit(EXIT_SUCCESS);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) < 0 || status)
		die("build");
	printf("build_%u %.2f s\n", count, (double)(clock_steady() - begin) / 1e6);
	printf("build_cpu_%u %.2f s\n", count,
	       (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	printf("build_peak_%u %.1f MB\n", count, (double)usage.ru_maxrss / 1024);
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a;
	double right = *(const double *)b;

	return (left > right) - (left < right);
}

/* Nanoseconds of this process alone: the machine has other work. */
static int64_t processor_time(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Each question waits for the answer before it, as in a worker: nothing overlaps. */
static double time_addresses(const struct compiled *compiled, const uint32_t *addresses)
{
	struct address address = { .family = AF_INET };
	int64_t begin = processor_time();
	unsigned hits = 0;

	for (unsigned i = 0; i < ROUNDS * QUESTIONS; i++) {
		address.v4.s_addr = addresses[(i + hits) % QUESTIONS];
		hits += ranges_find(&compiled->ranges, &address) != NULL;
	}
	return (double)(processor_time() - begin) / ROUNDS / QUESTIONS;
}

/* The questions lie end to end: the caches are for the table. */
static double time_names(const struct compiled *compiled, const char *names, unsigned questions)
{
	int64_t begin = processor_time();
	const char *name = names;
	struct list_set set;
	unsigned hits = 0;

	for (unsigned i = 0; i < ROUNDS / 4 * QUESTIONS; i++) {
		name = i % questions ? name + strlen(name) + 1 : names;
		hits += suffixes_find(&compiled->suffixes, name, &set);
		name += hits > i + 1; /* never: but the next question waits for this answer */
	}
	return (double)(processor_time() - begin) / (ROUNDS / 4) / QUESTIONS;
}

static void measure_addresses(const struct compiled *compiled, unsigned count)
{
	uint32_t *addresses = malloc(QUESTIONS * sizeof *addresses);
	double times[TURNS];
	uint64_t state = 77;

	if (!addresses)
		die("memory");
	for (unsigned i = 0; i < QUESTIONS; i++)
		addresses[i] = (uint32_t)draw(&state);
	for (unsigned i = 0; i < TURNS; i++)
		times[i] = time_addresses(compiled, addresses);
	qsort(times, TURNS, sizeof *times, by_value);
	printf("address_lookup_%u %.1f ns\n", count, times[TURNS / 2]);
	free(addresses);
}

/* Seed 2 asks what is listed, another what is not. */
static double measure_names(const struct compiled *compiled, unsigned count, uint64_t seed,
			    unsigned questions)
{
	char *names = malloc(QUESTIONS * 64);
	char *next = names;
	char name[NAME_SIZE];
	unsigned listed = count < questions ? count : questions;
	double times[TURNS];
	uint64_t state = seed;

	if (!names)
		die("memory");
	for (unsigned i = 0; i < questions; i++) {
		if (i % listed == 0)
			state = seed;
		random_name(&state, name);
		next = stpcpy(next, name) + 1;
	}
	for (unsigned i = 0; i < TURNS; i++)
		times[i] = time_names(compiled, names, questions);
	qsort(times, TURNS, sizeof *times, by_value);
	free(names);
	return times[TURNS / 2];
}

/* Pages of the file that this process has in memory. */
static unsigned long resident_kilobytes(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long kilobytes = 0;
	char line[256];

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "RssFile: %lu", &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes;
}

static size_t bytes_of(const struct compiled *compiled, enum layout_section first,
		       enum layout_section last)
{
	size_t size = 0;

	for (unsigned i = first; i <= last; i++)
		size += compiled->sections[i].count * layout_record_size(i);
	return size;
}

static void measure_size(const struct compiled *compiled, unsigned count)
{
	printf("ranges_%u %u records\n", count, compiled->ranges.count4);
	printf("range_bytes_%u %.3f B\n", count,
	       (double)bytes_of(compiled, SECTION_RANGE_CLASSES, SECTION_MEMBERS4) /
		       compiled->ranges.count4);
	printf("names_%u %u records\n", count, compiled->suffixes.count);
	printf("name_bytes_%u %.3f B\n", count,
	       (double)bytes_of(compiled, SECTION_BUCKETS, SECTION_NAME_CLASSES) /
		       compiled->suffixes.count);
	printf("file_%u %.1f MB\n", count, (double)compiled->size / 1e6);
	printf("file_looked_at_%u %.1f MB\n", count, (double)compiled_resident(compiled) / 1e6);
}

static void measure(const char *directory, unsigned count)
{
	struct compiled compiled;
	unsigned long before;
	char path[4096];
	int64_t begin;

	snprintf(path, sizeof path, "%s/bench-%u.lists", directory, count);
	measure_build(directory, path, count);
	before = resident_kilobytes();
	begin = clock_steady();
	if (compiled_open(&compiled, path))
		die(path);
	printf("open_%u %.3f ms\n", count, (double)(clock_steady() - begin) / 1e3);
	measure_size(&compiled, count);
	measure_addresses(&compiled, count);
	printf("name_miss_%u %.1f ns\n", count, measure_names(&compiled, count, 99, QUESTIONS));
	printf("resident_%u %.1f MB\n", count, (double)(resident_kilobytes() - before) / 1024);
	printf("name_hit_%u %.1f ns\n", count, measure_names(&compiled, count, 2, WARM));
	printf("name_wide_%u %.1f ns\n", count, measure_names(&compiled, count, 2, QUESTIONS));
	begin = clock_steady();
	if (!compiled_verify(&compiled))
		die("checksum");
	printf("verify_%u %.1f ms\n", count, (double)(clock_steady() - begin) / 1e3);
	compiled_close(&compiled);
	unlink(path);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;

	if (argc < 2 || argc > 3 || !count || count > 100000000) {
		fprintf(stderr, "usage: lists DIRECTORY [COUNT]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0); /* children must not repeat what is still held */
	measure(argv[1], SMALL);
	measure(argv[1], (unsigned)count);
	return EXIT_SUCCESS;
}
