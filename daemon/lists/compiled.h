/* A file of compiled lists, mapped read-only: what workers ask in place of the lists themselves. */
#pragma once

#include "daemon/lists/ranges.h"
#include "daemon/lists/suffixes.h"

struct compiled {
	const void *bytes;
	size_t size;
	int descriptor; /* of the file, for reading, to be handed on; -1: none */
	struct section sections[SECTION_COUNT];
	struct ranges ranges;
	struct suffixes suffixes;
	const struct layout_list *lists;
	unsigned list_count;
};

/* Looks at size bytes, 8-byte aligned, which must outlive *compiled. Its cost does not grow with
 * the file. False when they are no compiled file, or a damaged one. */
bool compiled_parse(struct compiled *compiled, const void *bytes, size_t size);

/* Opens and maps the file. 0; -1 with errno, EBADMSG when it is no compiled file or a damaged one. The file
 * must never be made shorter in place while it is open: the builder always writes a new one. */
int compiled_open(struct compiled *compiled, const char *path);

/* Maps an open file; the descriptor stays the caller's, may be closed at once, and is not handed on.
 */
int compiled_open_descriptor(struct compiled *compiled, int descriptor);

/* True when every checksum is right: reads the whole file. */
bool compiled_verify(const struct compiled *compiled);

/* After a fork that closes the descriptor: its number may soon be another's. */
void compiled_forget_descriptor(struct compiled *compiled);

/* Unmaps what was mapped, and closes what was opened. */
void compiled_close(struct compiled *compiled);

/* The number of the list of that name; list_count when there is none. */
unsigned compiled_list(const struct compiled *compiled, const char *name);

/* Bytes of the file that look-ups touch; the rest is read only to explain. */
size_t compiled_resident(const struct compiled *compiled);
