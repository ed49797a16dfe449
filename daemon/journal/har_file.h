/* An HTTP Archive on disk that is whole at every moment: each entry is written over the end of the file together with
 * a new end, by one write. What a killed writer may have torn is mended when the file is opened again: then all
 * entries that are whole are kept. Constant memory, whatever its size. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct har_file;

/* The archive `name` in an open directory, which it takes over. It is opened, and mended, with the first entry.
 * rotate: bytes after which a new file is begun, 0: never; keep: how many old ones stay (name.1 is the youngest).
 * NULL when out of memory; the directory is then closed. */
struct har_file *har_file_new(int directory, const char *name, uint64_t rotate, unsigned keep);
void har_file_free(struct har_file *file);

/* Adds entries, a line each. Returns how many could not be written, with errno telling why. */
uint64_t har_file_write(struct har_file *file, const char *lines, size_t length);
