/* Turns sorted name records of several lists into the names of a compiled file: what a parent of
 * the same list covers is dropped, what an exception takes away as well. Two walks, the second in
 * the order of the hashes. */
#pragma once

#include "daemon/lists/class_table.h"
#include "daemon/lists/draft.h"
#include "daemon/lists/name_record.h"
#include "daemon/lists/sorter.h"

struct suffix_writer;

/* draft (whose seed must be set), lists and directory must outlive it. NULL when out of memory. */
struct suffix_writer *suffix_writer_new(struct draft *draft, struct layout_list *lists);
void suffix_writer_free(struct suffix_writer *writer);

/* Takes the next record; they come in the order of their byte strings. 0, or -1 with errno. */
int suffix_writer_add(struct suffix_writer *writer, const struct name_record *record);

/* Writes the sections. Once, after the last record. 0, or -1 with errno. */
int suffix_writer_finish(struct suffix_writer *writer);
