// link: daemon/lists/builder.c daemon/lists/range_writer.c daemon/lists/suffix_writer.c daemon/lists/range_record.c daemon/lists/name_record.c daemon/lists/wide.c daemon/lists/class_table.c daemon/lists/draft.c daemon/lists/sorter.c daemon/lists/spool.c daemon/lists/compiled.c daemon/lists/layout.c daemon/lists/ranges.c daemon/lists/suffixes.c daemon/lists/members.c daemon/lists/hash.c daemon/lists/set.c daemon/address.c daemon/clock.c marker netfilter/signatures.c
/* What lists cost in the kernel, the BPF way: compiles random /24 prefixes, loads them, and runs the program
 * over packets to random addresses. Prints one line for each figure: "name value unit". Usage: marker
 * DIRECTORY COUNT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/lists/builder.h"
#include "daemon/lists/compiled.h"
#include "netfilter/marker.h"

enum { PACKETS = 2001, REPEAT = 500, TURNS = 9, MARK = 0x00ff0000 };

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

static void build(const char *directory, const char *path, unsigned count)
{
	struct list_builder *builder = list_builder_new(directory);
	struct list_entry entry = { .kind = ENTRY_RANGE };
	uint64_t state = 1;

	if (!builder || list_builder_begin(builder, "addresses") < 0)
		die("builder");
	entry.first.family = entry.last.family = AF_INET;
	for (unsigned i = 0; i < count; i++) {
		uint32_t base = (uint32_t)draw(&state) & 0xffffff00;

		entry.first.v4.s_addr = htonl(base);
		entry.last.v4.s_addr = htonl(base | 0xff);
		if (list_builder_add(builder, &entry))
			die("range");
	}
	if (list_builder_write(builder, path))
		die(path);
	list_builder_free(builder);
}

static int by_value(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static void measure_packets(const struct marker *marker, unsigned count)
{
	static double times[PACKETS];
	uint8_t packet[64] = { [12] = 8, [14] = 0x45 };
	uint64_t state = 77;
	unsigned hits = 0;

	for (unsigned i = 0; i < PACKETS; i++) {
		uint32_t address = htonl((uint32_t)draw(&state)), mark, nanoseconds;

		memcpy(packet + 14 + 16, &address, 4);
		if (marker_try(marker, MARKER_DESTINATION, packet, sizeof(packet), REPEAT, &mark,
			       &nanoseconds))
			die("test run");
		times[i] = nanoseconds;
		hits += mark != 0;
	}
	printf("marker_packet_%u %.0f ns\n", count, median(times, PACKETS));
	printf("marker_hits_%u %.1f %%\n", count, 100.0 * hits / PACKETS);
}

int main(int argc, char **argv)
{
	const struct list_set wanted = { { 1 } };
	unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	char path[4096], message[MARKER_MESSAGE];
	struct signatures signatures;
	struct compiled compiled;
	struct marker *marker;
	double times[TURNS];

	if (!count)
		return fprintf(stderr, "usage: marker DIRECTORY COUNT\n"), 2;
	marker = marker_open(message);
	if (!marker)
		return fprintf(stderr, "marker: %s\n", message), 1;
	snprintf(path, sizeof(path), "%s/marker-%u.lists", argv[1], count);
	build(argv[1], path, count);
	for (unsigned i = 0; i < TURNS; i++) {
		int64_t begin = clock_steady();

		if (compiled_open(&compiled, path) ||
		    signatures_begin(&signatures, &compiled.ranges, &wanted) ||
		    marker_load(marker, &compiled.ranges, &signatures, MARK))
			die(path);
		times[i] = (double)(clock_steady() - begin) / 1e3;
		if (i < TURNS - 1) {
			signatures_end(&signatures);
			compiled_close(&compiled);
		}
	}
	printf("marker_ranges_%u %u\n", count, compiled.ranges.count4);
	printf("marker_load_%u %.1f ms\n", count, median(times, TURNS));
	printf("marker_bytes_%u %.2f B\n", count,
	       (double)marker_size(marker) / compiled.ranges.count4);
	measure_packets(marker, count);
	unlink(path);
	return EXIT_SUCCESS;
}
