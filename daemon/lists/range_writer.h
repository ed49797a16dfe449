/* Turns sorted range records of several lists into the ranges of a compiled file: cut where the set
 * of lists changes, joined where it does not. One walk, constant memory. */
#pragma once

#include "daemon/lists/class_table.h"
#include "daemon/lists/draft.h"
#include "daemon/lists/range_record.h"

/* An entry that holds where the walk stands: one per list and direction. */
struct active_range {
	struct wide last;
	uint16_t list;
	bool allow;
};

struct range_writer {
	struct draft *draft;
	struct layout_list *lists; /* whose addresses are counted */
	struct class_table classes;
	bool ipv6;
	struct wide at; /* all before is written */
	struct active_range active[2 * LISTS_MAX];
	unsigned active_count;
	struct wide pending_first, pending_last; /* held back, the next may join it */
	unsigned pending_class;			 /* 0: nothing is pending */
	struct wide furthest;
	uint32_t index;	    /* entries of the index written */
	uint32_t counts[3]; /* records: v4, whole /64s, spill */
};

void range_writer_begin(struct range_writer *writer, struct draft *draft,
			struct layout_list *lists);
void range_writer_end(struct range_writer *writer);

/* Takes the next record; they come in the order of their byte strings. 0, or -1 with errno. */
int range_writer_add(struct range_writer *writer, const struct range_record *record);

/* Writes what is left. Once, after the last record. 0, or -1 with errno. */
int range_writer_finish(struct range_writer *writer);
