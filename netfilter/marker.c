#include "netfilter/marker.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "netfilter/marker_layout.h"

/* Where we stand among the filters of a port. */
enum { FILTER_PRIORITY = 7446, FILTER_HANDLE = 1 };

/* The object that clang made. */
__asm__(".section .rodata\n"
	".balign 8\n"
	".global marker_object, marker_object_end\n"
	"marker_object:\n"
	".incbin \"" MARKER_OBJECT "\"\n"
	"marker_object_end:\n"
	".byte 0\n"
	".previous\n");
extern const unsigned char marker_object[], marker_object_end[];

struct marker {
	struct bpf_object *object;
	int programs[2]; /* by side */
	int current;	 /* the array of one table */
	size_t size;
};

static char last_words[MARKER_MESSAGE];

/* libbpf explains itself line by line; the first warning is the one that tells. */
static int keep_words(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && !last_words[0]) {
		vsnprintf(last_words, sizeof(last_words), format, arguments);
		last_words[strcspn(last_words, "\n")] = 0;
	}
	return 0;
}

static int program_of(const struct bpf_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program ? bpf_program__fd(program) : -1;
}

struct marker *marker_open(char message[static MARKER_MESSAGE])
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "headgate");
	struct marker *marker = calloc(1, sizeof(*marker));
	int error = ENOMEM;

	last_words[0] = message[0] = 0;
	libbpf_set_print(keep_words);
	if (!marker)
		goto fail;
	marker->object = bpf_object__open_mem(
		marker_object, (size_t)(marker_object_end - marker_object), &options);
	if (!marker->object || bpf_object__load(marker->object)) {
		error = errno;
		goto fail;
	}
	marker->programs[MARKER_DESTINATION] = program_of(marker->object, "mark_destination");
	marker->programs[MARKER_SOURCE] = program_of(marker->object, "mark_source");
	marker->current = bpf_object__find_map_fd_by_name(marker->object, "current");
	return marker;

fail:
	snprintf(message, MARKER_MESSAGE, "%s", last_words[0] ? last_words : strerror(error));
	marker_close(marker);
	errno = error;
	return NULL;
}

void marker_close(struct marker *marker)
{
	if (!marker)
		return;
	bpf_object__close(marker->object);
	free(marker);
}

/* The index of IPv4: one for the first 16 bits is what the file has, and enough for few ranges. More bits
 * keep the search as short for many. */

static unsigned index_bits(uint32_t count)
{
	unsigned bits = 16;

	while (bits < MARKER_INDEX_BITS && count >> bits >= MARKER_BUCKET_MEAN)
		bits++;
	return bits;
}

static size_t index_size(const struct ranges *ranges)
{
	return ranges->count4 ? (((size_t)1 << index_bits(ranges->count4)) + 1) * 4 : 0;
}

/* Counts the ranges of one /16 by the word that they begin behind. */
static void count_ranges(uint32_t *words, unsigned shift, const uint32_t *ranges, const uint32_t *end)
{
	for (; ranges < end; ranges++) {
		uint32_t first = (*ranges & 0xffff) >> shift, last = *ranges >> 16 >> shift;

		words[first]++;
		while (++first <= last)
			words[first] |= MARKER_REACHES;
	}
}

/* Into words that are 0. A damaged file finds nothing, or the wrong. */
static void write_index4(uint32_t *words, const struct ranges *ranges)
{
	unsigned bits = index_bits(ranges->count4);
	uint32_t sum = 0;

	for (uint32_t top = 0; top < LAYOUT_INDEX - 1; top++) {
		uint32_t begin = ranges->index4[top], end = ranges->index4[top + 1];

		if (begin < end && end <= ranges->count4)
			count_ranges(words + (top << (bits - 16)), 32 - bits,
				     ranges->ranges4 + begin, ranges->ranges4 + end);
	}
	for (uint32_t i = 0; i <= 1u << bits; i++) {
		uint32_t count = words[i] & ~MARKER_REACHES;

		words[i] = sum | (words[i] & MARKER_REACHES);
		sum += count;
	}
}

/* The table */

struct piece {
	const void *bytes; /* NULL: written in place */
	size_t size;
	uint32_t place; /* in words */
};

enum { INDEX4, INDEX6, RANGES4, RANGES6, SPILL6, MEMBERS4, MEMBERS6, SPILL_MEMBERS6, SIGNATURES, PIECES };

/* A spilt range takes four double words in place of three, so that none lies in two chunks. */
static uint64_t *widen_spill(const struct ranges *ranges)
{
	uint64_t *wide = calloc(ranges->spill_count6 + 1, 4 * sizeof(*wide));

	for (uint32_t i = 0; wide && i < ranges->spill_count6; i++)
		memcpy(wide + 4 * i, &ranges->spill6[i], sizeof(ranges->spill6[i]));
	return wide;
}

static struct piece members_piece(const struct members *members, uint32_t count)
{
	return (struct piece){ members->classes, members->classes ? count * members->width : 0, 0 };
}

/* Puts each piece behind the one before, at a multiple of 32 bytes. Returns the whole size. */
static size_t place_pieces(struct piece pieces[static PIECES])
{
	size_t offset = (sizeof(struct marker_head) + 31) & ~(size_t)31;

	for (unsigned i = 0; i < PIECES; i++) {
		pieces[i].place = pieces[i].size ? (uint32_t)(offset / 4) : 0;
		offset += (pieces[i].size + 31) & ~(size_t)31;
	}
	return offset;
}

static struct marker_part part(const struct piece *records, const struct piece *members,
			       uint32_t count, unsigned width)
{
	return (struct marker_part){ records->place, count, members->place, width };
}

static void write_table(void *bytes, const struct ranges *ranges, const struct piece *pieces,
			uint32_t mark_mask)
{
	struct marker_head *head = bytes;

	for (unsigned i = 0; i < PIECES; i++)
		if (pieces[i].bytes && pieces[i].size)
			memcpy((uint32_t *)bytes + pieces[i].place, pieces[i].bytes,
			       pieces[i].size);
	if (ranges->count4)
		write_index4((uint32_t *)bytes + pieces[INDEX4].place, ranges);
	*head = (struct marker_head){
		.mark_mask = mark_mask,
		.mark_shift = (uint32_t)__builtin_ctz(mark_mask),
		.shift4 = 32 - index_bits(ranges->count4),
		.index4 = pieces[INDEX4].place,
		.index6 = pieces[INDEX6].place,
		.v4 = part(&pieces[RANGES4], &pieces[MEMBERS4], ranges->count4,
			   ranges->members4.width),
		.v6 = part(&pieces[RANGES6], &pieces[MEMBERS6], ranges->count6,
			   ranges->members6.width),
		.spill6 = part(&pieces[SPILL6], &pieces[SPILL_MEMBERS6], ranges->spill_count6,
			       ranges->spill_members6.width),
		.signatures = pieces[SIGNATURES].place,
		.class_count = ranges->class_count,
	};
}

/* A map of its own with the table in it; its descriptor, or -1 with errno. */
static int make_table(const struct ranges *ranges, const struct piece *pieces, size_t size,
		      uint32_t mark_mask)
{
	LIBBPF_OPTS(bpf_map_create_opts, options,
		    .map_flags = BPF_F_MMAPABLE | BPF_F_INNER_MAP);
	uint32_t chunks = (uint32_t)((size + MARKER_CHUNK - 1) / MARKER_CHUNK);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "headgate_lists", 4, MARKER_CHUNK, chunks,
				 &options);
	void *bytes;

	if (map < 0)
		return -1;
	bytes = mmap(NULL, (size_t)chunks * MARKER_CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, map,
		     0);
	if (bytes == MAP_FAILED) {
		int error = errno;

		close(map);
		errno = error;
		return -1;
	}
	write_table(bytes, ranges, pieces, mark_mask);
	munmap(bytes, (size_t)chunks * MARKER_CHUNK);
	return map;
}

int marker_load(struct marker *marker, const struct ranges *ranges,
		const struct signatures *signatures, uint32_t mark_mask)
{
	uint64_t *spill = widen_spill(ranges);
	struct piece pieces[PIECES] = {
		[INDEX4] = { NULL, index_size(ranges), 0 },
		[INDEX6] = { ranges->index6, ranges->count6 ? LAYOUT_INDEX * 4 : 0, 0 },
		[RANGES4] = { ranges->ranges4, ranges->count4 * sizeof(uint32_t), 0 },
		[RANGES6] = { ranges->ranges6, ranges->count6 * sizeof(*ranges->ranges6), 0 },
		[SPILL6] = { spill, ranges->spill_count6 * 4 * sizeof(*spill), 0 },
		[MEMBERS4] = members_piece(&ranges->members4, ranges->count4),
		[MEMBERS6] = members_piece(&ranges->members6, ranges->count6),
		[SPILL_MEMBERS6] = members_piece(&ranges->spill_members6, ranges->spill_count6),
		[SIGNATURES] = { signatures->of_class, signatures->class_count, 0 },
	};
	size_t size = place_pieces(pieces);
	uint32_t zero = 0;
	int map = spill ? make_table(ranges, pieces, size, mark_mask) : -1;
	int result = map < 0 ? -1 : bpf_map_update_elem(marker->current, &zero, &map, BPF_ANY);
	int error = errno;

	if (map >= 0)
		close(map);
	free(spill);
	if (result == 0)
		marker->size = size;
	errno = error;
	return result;
}

size_t marker_size(const struct marker *marker)
{
	return marker->size;
}

/* Ports */

static struct bpf_tc_hook hook_of(unsigned port)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook),
				     .ifindex = (int)port,
				     .attach_point = BPF_TC_INGRESS };
}

int marker_attach(struct marker *marker, unsigned port, enum marker_side side)
{
	struct bpf_tc_hook hook = hook_of(port);
	LIBBPF_OPTS(bpf_tc_opts, options, .prog_fd = marker->programs[side],
		    .flags = BPF_TC_F_REPLACE, .handle = FILTER_HANDLE,
		    .priority = FILTER_PRIORITY);
	int result = bpf_tc_hook_create(&hook);

	if (result && result != -EEXIST) {
		errno = -result;
		return -1;
	}
	result = bpf_tc_attach(&hook, &options);
	errno = -result;
	return result ? -1 : 0;
}

static uint32_t program_id(int program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &size) ? 0 : info.id;
}

bool marker_is_attached(const struct marker *marker, unsigned port, enum marker_side side)
{
	const struct bpf_tc_hook hook = hook_of(port);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	return bpf_tc_query(&hook, &options) == 0 &&
	       options.prog_id == program_id(marker->programs[side]);
}

int marker_detach(unsigned port)
{
	struct bpf_tc_hook hook = hook_of(port);
	LIBBPF_OPTS(bpf_tc_opts, options, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);
	int result;

	libbpf_set_print(keep_words);
	result = bpf_tc_detach(&hook, &options);
	if (result == 0 || result == -ENOENT || result == -EINVAL || result == -ENODEV)
		return 0;
	errno = -result;
	return -1;
}

int marker_try(const struct marker *marker, enum marker_side side, const void *packet, size_t length,
	       unsigned count, uint32_t *mark, uint32_t *nanoseconds)
{
	struct __sk_buff context = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
		    .data_size_in = (uint32_t)length, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .ctx_out = &context,
		    .ctx_size_out = sizeof(context), .repeat = (int)count);

	if (bpf_prog_test_run_opts(marker->programs[side], &options))
		return -1;
	*mark = context.mark;
	*nanoseconds = options.duration;
	return 0;
}
