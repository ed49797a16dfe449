/* A compiled file in the making: sections grow in temporary files, then the whole is put
 * together. */
#pragma once

#include "daemon/lists/layout.h"
#include "daemon/lists/spool.h"

struct draft {
	struct layout_header header; /* seed and depths are the writers' to fill in */
	const char *directory;	     /* of temporary files */
	struct spool sections[SECTION_COUNT];
};

/* directory must outlive the draft. */
void draft_begin(struct draft *draft, const char *directory);
void draft_end(struct draft *draft);

/* Appends to a section. 0, or -1 with errno. */
int draft_write(struct draft *draft, enum layout_section section, const void *bytes, size_t size);

/* Takes a section of two-byte members as narrow as so many classes allow: to one byte, or to
 * nothing when there is only one beside class 0. 0, or -1 with errno. */
int draft_narrow(struct draft *draft, enum layout_section section, size_t classes);

/* Writes the whole into an empty file, which stays open. 0, or -1 with errno. */
int draft_finish(struct draft *draft, int descriptor);
