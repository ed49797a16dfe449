/* Bytes written one after another into a temporary file that has no name: a section of a compiled
 * file while its size is not known yet. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SPOOL_BUFFER = 16384 };

struct spool {
	int descriptor; /* -1 until the buffer is full for the first time */
	uint64_t size;	/* all bytes, those in the buffer too */
	size_t held;
	uint8_t *buffer;
};

/* Opens a file without a name in the directory, for reading and writing. Its descriptor, or -1 with
 * errno. */
int spool_open(const char *directory);

/* Nothing is opened or allocated before the first byte. */
void spool_begin(struct spool *spool);
void spool_end(struct spool *spool);

/* Appends; directory is where the file is made when one is needed. 0, or -1 with errno. */
int spool_write(struct spool *spool, const char *directory, const void *bytes, size_t size);

/* Reads up to size bytes from offset: how many, 0 at the end, -1 with errno. */
long spool_read(const struct spool *spool, uint64_t offset, void *bytes, size_t size);

/* Nobody will read the bytes from there to there again: their room on the disk is given back, where the file
 * system can and in whole blocks of it. */
void spool_forget(const struct spool *spool, uint64_t from, uint64_t to);

/* Writes all size bytes to the descriptor at offset. 0, or -1 with errno. */
int write_at(int descriptor, const void *bytes, size_t size, uint64_t offset);
