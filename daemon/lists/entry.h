/* One entry of a list, whatever format it came in. */
#pragma once

#include "daemon/address.h"
#include "daemon/name.h"

enum entry_kind {
	ENTRY_RANGE, /* addresses first..last, same family, ports 0 */
	ENTRY_NAME,
};

struct list_entry {
	enum entry_kind kind;
	bool allow;                     /* takes away instead of adding (@@ of an ad blocker's list) */
	unsigned part;                  /* of the codes that were asked for, the one that it belongs to */
	unsigned line;                  /* in the list file, from 1; of a binary format the entry's number */
	struct address first;
	struct address last;
	enum name_pattern_kind pattern; /* how far the name reaches */
	char name[NAME_SIZE];           /* canonical */
};

/* Receives one entry, which lives only during the call. 0 to go on; -1 to stop (no memory, no room). */
typedef int entry_sink(void *context, const struct list_entry *entry);
