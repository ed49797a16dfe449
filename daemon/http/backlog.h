/* Bytes that wait: received and not yet taken, or given and not yet sent. Empty it holds no memory.
 * Its owner keeps the bound. Pure. */
#pragma once

#include <stddef.h>

#include "daemon/allowance.h"
#include "daemon/reader.h"

struct backlog {
	struct allowance *allowance; /* pays for it; NULL: nobody counts */
	char *bytes; /* owned */
	size_t start;
	size_t length;
	size_t size;
};

void backlog_begin(struct backlog *backlog, struct allowance *allowance);

/* 0; -1 when out of memory: then nothing has been added. */
int backlog_add(struct backlog *backlog, struct span bytes);

/* What waits, first byte first; valid until the backlog changes. */
struct span backlog_view(const struct backlog *backlog);

/* Forgets the first bytes. */
void backlog_drop(struct backlog *backlog, size_t length);

/* Frees its storage; it is empty then. */
void backlog_end(struct backlog *backlog);
