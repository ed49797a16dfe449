/* Plain list files, one entry a line: an address, a prefix, a range "a-b", a name, "*.name",
 * ".name", or a line of a hosts file ("0.0.0.0 ads.example"). What follows #, ; or // is a comment.
 * Pure: bytes in, entries out. */
#pragma once

#include "daemon/address.h"
#include "daemon/name.h"

enum list_entry_kind {
	LIST_ENTRY_PREFIX, /* a range comes as the prefixes that cover it */
	LIST_ENTRY_NAME,
	LIST_ENTRY_BAD,
};

struct list_entry {
	enum list_entry_kind kind;
	unsigned line;	  /* from 1 */
	const char *text; /* the line, not NUL-terminated */
	size_t text_length;
	struct prefix prefix;
	enum name_pattern_kind name_kind;
	char name[NAME_SIZE]; /* canonical */
};

enum { LIST_LINE_MAX = 1024 };

/* Calls each() for every entry in order until it returns false; returns whether it never did. A
 * prefix of length 0 is bad: a list that holds everything is a mistake. Names that mean the machine
 * itself (localhost) are left out. */
bool list_file_scan(const char *bytes, size_t length,
		    bool (*each)(void *context, const struct list_entry *entry), void *context);
