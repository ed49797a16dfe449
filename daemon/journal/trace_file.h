/* The recorder's file of one kind of trace: bytes are appended as they come; when it is full, the files
 * are moved on by one and a new one begins with the kind's own prelude. They hold what was said in
 * confidence: nobody but the recorder's account may read them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/policy/policy.h"
#include "daemon/privilege.h"

struct trace_file;

/* Makes the missing directory for the account (0700). While still root. 0, or -1 with errno. */
int trace_directory_prepare(const char *directory, const struct account *account);

/* kind: TRACE_KEYLOG or TRACE_PCAPNG. Nothing is opened before the first write. settings must outlive
 * it. NULL when out of memory. */
struct trace_file *trace_file_new(const struct trace_settings *settings, const char *directory,
				  enum trace_kind kind);
void trace_file_free(struct trace_file *file);

/* Appends. 0; -1 with errno when it was lost: the next call tries again. */
int trace_file_write(struct trace_file *file, const void *bytes, size_t length);
