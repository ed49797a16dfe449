/* The tc program: looks the packet's far end up in the compiled lists and says in some bits of its mark
 * which combination of them holds it. It decides nothing; nft does. On ports of the LAN the far end is the
 * destination, on all others the source. The look-up is that of daemon/lists/ranges.c, halving by halving;
 * tests/unit/marker_test.c holds them together.
 *
 * Attached to the port on which the packet enters IP (br-lan, eth0.7, pppoe-wan), so that tags and PPP are
 * gone; addresses are read relative to the network header, which every kind of port has, and which may lie
 * in a fragment of the buffer. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "netfilter/marker_layout.h"

typedef _Bool bool;

enum { IPV4 = 0x0800, IPV6 = 0x86dd };
enum { SOURCE4 = 12, DESTINATION4 = 16, SOURCE6 = 8, DESTINATION6 = 24 };

union chunk {
	uint32_t words[MARKER_CHUNK_WORDS];
	uint64_t doubles[MARKER_CHUNK_WORDS / 2];
	unsigned short halves[MARKER_CHUNK_WORDS * 2];
	unsigned char bytes[MARKER_CHUNK];
	struct marker_head head;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(map_flags, BPF_F_MMAPABLE | BPF_F_INNER_MAP);
		__uint(max_entries, 1);
		__uint(key_size, 4);
		__uint(value_size, MARKER_CHUNK);
	});
} current SEC(".maps");

static __always_inline const union chunk *chunk_at(void *table, uint32_t place)
{
	uint32_t key = place / MARKER_CHUNK_WORDS;

	return bpf_map_lookup_elem(table, &key);
}

/* The number-th byte, and pair of bytes, behind a place. */
static __always_inline uint32_t byte_at(void *table, uint32_t place, uint32_t number)
{
	const union chunk *chunk = chunk_at(table, place + number / 4);

	return chunk ? chunk->bytes[(place * 4 + number) % MARKER_CHUNK] : 0;
}

static __always_inline uint32_t half_at(void *table, uint32_t place, uint32_t number)
{
	const union chunk *chunk = chunk_at(table, place + number / 2);

	return chunk ? chunk->halves[(place * 2 + number) % (MARKER_CHUNK / 2)] : 0;
}

/* The signature of a record. */
static __always_inline uint32_t signature(void *table, const struct marker_head *head,
					  const struct marker_part *part, uint32_t record)
{
	uint32_t class = 1;

	if (part->members && part->width == 1)
		class = byte_at(table, part->members, record);
	else if (part->members)
		class = half_at(table, part->members, record);
	return class < head->class_count ? byte_at(table, head->signatures, class) : 0;
}

/* Records that may hold an address: [begin, end), in words from the table's beginning. */
struct span {
	uint32_t begin, end;
};

/* What two neighbours in an index say. */
static __always_inline struct span indexed(void *table, uint32_t index, uint32_t number)
{
	uint32_t place = index + number;
	const union chunk *chunk = chunk_at(table, place);
	const union chunk *next = chunk;

	if ((place + 1) % MARKER_CHUNK_WORDS == 0)
		next = chunk_at(table, place + 1);
	if (!chunk || !next)
		return (struct span){ 0, 0 };
	return (struct span){ chunk->words[place % MARKER_CHUNK_WORDS],
			      next->words[(place + 1) % MARKER_CHUNK_WORDS] };
}

enum kind { RANGE4, RANGE6, SPILL6 };

/* What of an address a record is compared with. */
struct question {
	uint64_t upper, lower;
};

static __always_inline uint32_t words_of(enum kind kind)
{
	return kind == RANGE4 ? 1 : kind == RANGE6 ? 4 : 8;
}

/* All ones when a is greater than b, else 0; without a branch, of which a processor guesses half wrongly and
 * the verifier follows both ways. The barrier keeps the compiler from making one of it. */
static __always_inline uint64_t exceeds(uint64_t a, uint64_t b)
{
	uint64_t mask = (uint64_t)((int64_t)((~b & a) | ((~b | a) & (b - a))) >> 63);

	__asm__("" : "+r"(mask));
	return mask;
}

/* All ones when the record begins behind the question. */
static __always_inline uint64_t begins_behind(const union chunk *chunk, uint32_t place,
					      struct question question, enum kind kind)
{
	uint32_t word = place % MARKER_CHUNK_WORDS & -words_of(kind);
	uint64_t upper = chunk->doubles[word / 2];
	uint64_t lower;

	if (kind == RANGE4) {
		return (chunk->words[word] & 0xffff) > question.upper ? -1ull : 0;
	}
	if (kind == RANGE6)
		return exceeds(upper, question.upper);
	lower = chunk->doubles[word / 2 + 1];
	return exceeds(upper, question.upper) |
	       (exceeds(lower, question.lower) & ~exceeds(question.upper, upper));
}

static __always_inline bool ends_behind(const union chunk *chunk, uint32_t place,
					struct question question, enum kind kind)
{
	uint32_t word = place % MARKER_CHUNK_WORDS & -words_of(kind);

	if (kind == RANGE4)
		return chunk->words[word] >> 16 >= question.upper;
	if (kind == RANGE6)
		return chunk->doubles[word / 2 + 1] >= question.upper;
	return chunk->doubles[word / 2] == question.upper &&
	       chunk->doubles[word / 2 + 2] >= question.lower;
}

/* Leaves of the span what lies in one chunk: where the last record that begins by the question is. */
static __always_inline struct span narrow(void *table, struct span span, struct question question,
					  enum kind kind)
{
	uint32_t steps = kind == RANGE4 ? MARKER_CHUNKS4_STEPS : MARKER_CHUNKS6_STEPS;

	for (uint32_t step = 0; step < steps; step++) {
		uint32_t first = span.begin / MARKER_CHUNK_WORDS;
		uint32_t apart = (span.end - 1) / MARKER_CHUNK_WORDS - first;
		uint32_t middle = (first + (apart + 1) / 2) * MARKER_CHUNK_WORDS;
		const union chunk *chunk;
		uint32_t behind;

		if (!apart)
			break;
		chunk = chunk_at(table, middle);
		if (!chunk)
			break;
		behind = (uint32_t)begins_behind(chunk, 0, question, kind);
		span.begin += (middle - span.begin) & ~behind;
		span.end -= (span.end - middle) & behind;
	}
	return span;
}

/* The signature of the record that holds the question, or 0. */
static __always_inline uint32_t find(void *table, const struct marker_head *head,
				     const struct marker_part *part, struct span span,
				     struct question question, enum kind kind)
{
	uint32_t place, count;
	const union chunk *chunk;

	span.begin = part->records + span.begin * words_of(kind);
	span.end = part->records + span.end * words_of(kind);
	span = narrow(table, span, question, kind);
	place = span.begin;
	chunk = chunk_at(table, place);
	if (!chunk)
		return 0;
	count = (span.end - span.begin) / words_of(kind);
	for (uint32_t step = 0; step < MARKER_CHUNK_STEPS && count > 1; step++) {
		uint32_t half = count / 2;
		uint32_t ahead = half * words_of(kind);

		place += ahead & ~(uint32_t)begins_behind(chunk, place + ahead, question, kind);
		count -= half;
	}
	if (begins_behind(chunk, place, question, kind) || !ends_behind(chunk, place, question, kind))
		return 0;
	return signature(table, head, part, (place - part->records) / words_of(kind));
}

static __always_inline uint32_t find4(void *table, const struct marker_head *head, uint32_t address)
{
	struct question question = { address & 0xffff, 0 };
	struct span span;

	if (!head->v4.count)
		return 0;
	span = indexed(table, head->index4, address >> (head->shift4 & 31));
	span.begin = (span.begin & ~MARKER_REACHES) - (span.begin >> 31);
	span.end &= ~MARKER_REACHES;
	if (span.begin >= span.end || span.end > head->v4.count)
		return 0;
	return find(table, head, &head->v4, span, question, RANGE4);
}

/* A range may begin under an earlier value of the first 16 bits: the one record before may hold it. */
static __always_inline uint32_t find_whole6(void *table, const struct marker_head *head,
					    struct question question)
{
	struct span span;

	if (!head->v6.count)
		return 0;
	span = indexed(table, head->index6, (uint32_t)(question.upper >> 48));
	if (span.begin)
		span.begin--;
	if (span.begin >= span.end || span.end > head->v6.count)
		return 0;
	return find(table, head, &head->v6, span, question, RANGE6);
}

static __always_inline uint32_t find_spill6(void *table, const struct marker_head *head,
					    struct question question)
{
	struct span span = { 0, head->spill6.count };

	return span.end ? find(table, head, &head->spill6, span, question, SPILL6) : 0;
}

static __always_inline uint32_t look4(struct __sk_buff *packet, void *table,
				      const struct marker_head *head, uint32_t offset)
{
	uint32_t address;

	if (bpf_skb_load_bytes_relative(packet, offset, &address, sizeof(address),
					BPF_HDR_START_NET))
		return 0;
	return find4(table, head, bpf_ntohl(address));
}

static __always_inline uint32_t look6(struct __sk_buff *packet, void *table,
				      const struct marker_head *head, uint32_t offset)
{
	uint64_t halves[2];
	struct question question;
	uint32_t found;

	if (bpf_skb_load_bytes_relative(packet, offset, halves, sizeof(halves), BPF_HDR_START_NET))
		return 0;
	question = (struct question){ bpf_be64_to_cpu(halves[0]), bpf_be64_to_cpu(halves[1]) };
	found = find_whole6(table, head, question);
	return found ? found : find_spill6(table, head, question);
}

static __always_inline int mark(struct __sk_buff *packet, uint32_t offset4, uint32_t offset6)
{
	uint32_t zero = 0, found = 0;
	void *table = bpf_map_lookup_elem(&current, &zero);
	const union chunk *first;
	const struct marker_head *head;

	if (!table)
		return TC_ACT_UNSPEC;
	first = bpf_map_lookup_elem(table, &zero);
	if (!first)
		return TC_ACT_UNSPEC;
	head = &first->head;
	if (packet->protocol == bpf_htons(IPV4))
		found = look4(packet, table, head, offset4);
	else if (packet->protocol == bpf_htons(IPV6))
		found = look6(packet, table, head, offset6);
	packet->mark = (packet->mark & ~head->mark_mask) |
		       (found << (head->mark_shift & 31) & head->mark_mask);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int mark_destination(struct __sk_buff *packet)
{
	return mark(packet, DESTINATION4, DESTINATION6);
}

SEC("tc")
int mark_source(struct __sk_buff *packet)
{
	return mark(packet, SOURCE4, SOURCE6);
}

/* Parts of the kernel's interface are only for programs under its licence. */
char LICENSE[] SEC("license") = "GPL";
