/* The addresses of a compiled file: sorted ranges that never overlap, behind an index of an
 * address's first 16 bits. Trusts nothing it reads: damaged sections give wrong answers, never a
 * crash or a search of more than 33 steps. Pure.
 *
 * The IPv4 half is meant to be copied into BPF arrays as it stands: index[top] and index[top + 1]
 * bound the records, each last << 16 | first, and 17 halvings find the one. */
#pragma once

#include "daemon/address.h"
#include "daemon/lists/entry.h"
#include "daemon/lists/layout.h"
#include "daemon/lists/members.h"

struct ranges {
	const struct list_set *classes;
	const uint32_t *index4, *ranges4;
	const uint32_t *index6;
	const struct layout_range6 *ranges6;
	const struct layout_spill6 *spill6;
	struct members members4, members6, spill_members6;
	const struct layout_origin4 *origins4;
	const struct layout_origin6 *origins6;
	uint32_t class_count, count4, count6, spill_count6, origin_count4, origin_count6;
};

/* Points into parsed sections, which must outlive it. False when their sizes do not go together. */
bool ranges_begin(struct ranges *ranges, const struct section sections[static SECTION_COUNT]);

/* The lists that hold the address; NULL when none does. */
const struct list_set *ranges_find(const struct ranges *ranges, const struct address *address);

/* Hears of one entry as it stood in list number list; *entry lives only during the call. */
typedef void origin_visit(void *context, unsigned list, const struct list_entry *entry);

/* Visits every stored entry that contains the address, also those that take it away. Reads the part
 * of the file that is otherwise left on the disk: for explanations. */
void ranges_search(const struct ranges *ranges, const struct address *address, origin_visit *visit,
		   void *context);

/* Visits every stored entry. */
void ranges_each(const struct ranges *ranges, origin_visit *visit, void *context);
