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

/* The table, and the chunk of it that was looked at last: neighbours are mostly in the same. */
struct view {
	void *table;
	union chunk *chunk;
	uint32_t key;
};

static __always_inline union chunk *chunk_at(struct view *view, uint32_t key)
{
	if (!view->chunk || view->key != key) {
		view->key = key;
		view->chunk = bpf_map_lookup_elem(view->table, &key);
	}
	return view->chunk;
}

static __always_inline uint32_t word_at(struct view *view, uint32_t place, uint32_t otherwise)
{
	union chunk *chunk = chunk_at(view, place / MARKER_CHUNK_WORDS);

	return chunk ? chunk->words[place % MARKER_CHUNK_WORDS] : otherwise;
}

/* place is even. */
static __always_inline uint64_t double_at(struct view *view, uint32_t place, uint64_t otherwise)
{
	union chunk *chunk = chunk_at(view, place / MARKER_CHUNK_WORDS);

	return chunk ? chunk->doubles[place % MARKER_CHUNK_WORDS / 2] : otherwise;
}

/* The number-th byte, and pair of bytes, behind a place. */
static __always_inline uint32_t byte_at(struct view *view, uint32_t place, uint32_t number)
{
	uint32_t byte = place * 4 + number;
	union chunk *chunk = chunk_at(view, byte / MARKER_CHUNK);

	return chunk ? chunk->bytes[byte % MARKER_CHUNK] : 0;
}

static __always_inline uint32_t half_at(struct view *view, uint32_t place, uint32_t number)
{
	uint32_t half = place * 2 + number;
	union chunk *chunk = chunk_at(view, half / (MARKER_CHUNK / 2));

	return chunk ? chunk->halves[half % (MARKER_CHUNK / 2)] : 0;
}

/* The signature of a record. */
static __always_inline uint32_t signature(struct view *view, const struct marker_head *head,
					  const struct marker_part *part, uint32_t record)
{
	uint32_t class = 1;

	if (part->members && part->width == 1)
		class = byte_at(view, part->members, record);
	else if (part->members)
		class = half_at(view, part->members, record);
	return class < head->class_count ? byte_at(view, head->signatures, class) : 0;
}

/* Where all that may hold the address lies in one chunk: nearly always. */
static __always_inline uint32_t find4_near(struct view *view, const struct marker_head *head,
					   uint32_t begin, uint32_t count, uint32_t low)
{
	uint32_t place = head->v4.records + begin, word;
	union chunk *chunk = chunk_at(view, place / MARKER_CHUNK_WORDS);

	if (!chunk)
		return 0;
	for (int step = 0; step < MARKER_CHUNK_STEPS && count > 1; step++) {
		uint32_t half = count / 2;

		if ((chunk->words[(place + half) % MARKER_CHUNK_WORDS] & 0xffff) <= low)
			place += half;
		count -= half;
	}
	word = chunk->words[place % MARKER_CHUNK_WORDS];
	if ((word & 0xffff) > low || word >> 16 < low)
		return 0;
	return signature(view, head, &head->v4, place - head->v4.records);
}

static __always_inline uint32_t find4(struct view *view, const struct marker_head *head, uint32_t address)
{
	uint32_t low = address & 0xffff;
	uint32_t begin, count, word;

	if (!head->v4.count)
		return 0;
	begin = word_at(view, head->index4 + (address >> 16), 0);
	count = word_at(view, head->index4 + (address >> 16) + 1, 0);
	if (begin >= count || count > head->v4.count)
		return 0;
	count -= begin;
	if ((head->v4.records + begin) / MARKER_CHUNK_WORDS ==
	    (head->v4.records + begin + count - 1) / MARKER_CHUNK_WORDS)
		return find4_near(view, head, begin, count, low);
	for (int step = 0; step < MARKER_SLASH16_STEPS && count > 1; step++) {
		uint32_t half = count / 2;

		word = word_at(view, head->v4.records + begin + half, 0xffff);
		if ((word & 0xffff) <= low)
			begin += half;
		count -= half;
	}
	word = word_at(view, head->v4.records + begin, 0xffff);
	if ((word & 0xffff) > low || word >> 16 < low)
		return 0;
	return signature(view, head, &head->v4, begin);
}

static __always_inline uint32_t find_whole6(struct view *view, const struct marker_head *head,
					    uint64_t upper)
{
	uint32_t begin, end, count, place;

	if (!head->v6.count)
		return 0;
	begin = word_at(view, head->index6 + (uint32_t)(upper >> 48), 0);
	end = word_at(view, head->index6 + (uint32_t)(upper >> 48) + 1, 0);
	if (begin > end || end > head->v6.count)
		return 0;
	if (begin)
		begin--;
	count = end - begin;
	for (int step = 0; step < MARKER_STEPS6 && count > 1; step++) {
		uint32_t half = count / 2;

		place = head->v6.records + 4 * (begin + half);
		if (double_at(view, place, -1ull) <= upper)
			begin += half;
		count -= half;
	}
	place = head->v6.records + 4 * begin;
	if (begin >= head->v6.count || double_at(view, place, -1ull) > upper ||
	    double_at(view, place + 2, 0) < upper)
		return 0;
	return signature(view, head, &head->v6, begin);
}

static __always_inline uint32_t find_spill6(struct view *view, const struct marker_head *head,
					    uint64_t upper, uint64_t lower)
{
	uint32_t begin = 0, place;
	uint32_t count = head->spill6.count;

	if (!count)
		return 0;
	for (int step = 0; step < MARKER_STEPS6 && count > 1; step++) {
		uint32_t half = count / 2;
		uint64_t there;

		place = head->spill6.records + 8 * (begin + half);
		there = double_at(view, place, -1ull);
		if (there < upper ||
		    (there == upper && double_at(view, place + 2, -1ull) <= lower))
			begin += half;
		count -= half;
	}
	place = head->spill6.records + 8 * begin;
	if (double_at(view, place, -1ull) != upper || double_at(view, place + 2, -1ull) > lower ||
	    double_at(view, place + 4, 0) < lower)
		return 0;
	return signature(view, head, &head->spill6, begin);
}

static __always_inline uint32_t look4(struct __sk_buff *packet, struct view *view,
				      const struct marker_head *head, uint32_t offset)
{
	uint32_t address;

	if (bpf_skb_load_bytes_relative(packet, offset, &address, sizeof(address),
					BPF_HDR_START_NET))
		return 0;
	return find4(view, head, bpf_ntohl(address));
}

static __always_inline uint32_t look6(struct __sk_buff *packet, struct view *view,
				      const struct marker_head *head, uint32_t offset)
{
	uint64_t halves[2];
	uint32_t found;

	if (bpf_skb_load_bytes_relative(packet, offset, halves, sizeof(halves), BPF_HDR_START_NET))
		return 0;
	halves[0] = bpf_be64_to_cpu(halves[0]);
	halves[1] = bpf_be64_to_cpu(halves[1]);
	found = find_whole6(view, head, halves[0]);
	return found ? found : find_spill6(view, head, halves[0], halves[1]);
}

static __always_inline int mark(struct __sk_buff *packet, uint32_t offset4, uint32_t offset6)
{
	uint32_t zero = 0, found = 0;
	struct view view = { .table = bpf_map_lookup_elem(&current, &zero) };
	const union chunk *first;
	const struct marker_head *head;

	if (!view.table)
		return TC_ACT_UNSPEC;
	first = bpf_map_lookup_elem(view.table, &zero);
	if (!first)
		return TC_ACT_UNSPEC;
	head = &first->head;
	if (packet->protocol == bpf_htons(IPV4))
		found = look4(packet, &view, head, offset4);
	else if (packet->protocol == bpf_htons(IPV6))
		found = look6(packet, &view, head, offset6);
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
