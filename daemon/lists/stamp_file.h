/* A small file beside the compiled one, about the same lists: the stamps under which their files were last read
 * and found to be what was compiled already. Without it, a list that was saved anew without a change would be
 * read again at every start; the compiled file itself is not written for that. */
#pragma once

#include <stddef.h>

#include "daemon/lists/layout.h"

struct stamps {
	uint64_t files[LIST_FILES]; /* 0: of none */
};

/* Reads as many as the compiled file with this checksum in its header has lists. False when there is no such
 * file, or it is damaged, or about another. */
bool stamp_file_read(const char *path, uint64_t checksum, struct stamps *stamps, size_t count);

/* In one step; 0, or -1 with errno. */
int stamp_file_write(const char *path, uint64_t checksum, const struct stamps *stamps, size_t count);
