/* Files of which several lists take a part by a code: a country each, say. Such a file is read once, and what belongs
 * to each list waits in a temporary file. */
#pragma once

#include "daemon/lists/compile.h"
#include "daemon/lists/list_read.h"

struct shares;

/* Finds out which lists of the job share a file. The job must outlive it. NULL when out of memory. */
struct shares *shares_new(const struct compile_job *job);

/* NULL is fine. */
void shares_free(struct shares *shares);

/* True when the list shares its file of addresses with another. */
bool shares_hold(const struct shares *shares, size_t list);

/* list_read() for the part of such a list, once; the stamp is its file's before it was read. errno tells of
 * FORMAT_STOPPED as there, or of the temporary file. */
enum format_verdict shares_read(struct shares *shares, size_t list, entry_sink *sink, void *context,
				struct list_reading *reading, uint64_t *stamp);
