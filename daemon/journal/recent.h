/* The journal's last lines, in memory, for who comes later. */
#pragma once

#include <stddef.h>

struct recent;

/* Keeps at most so many bytes. NULL when out of memory. */
struct recent *recent_new(size_t bound);
void recent_free(struct recent *recent);

/* Adds whole lines; the oldest make room. */
void recent_add(struct recent *recent, const char *lines, size_t length);

/* All that is kept, whole lines, the oldest first; valid until the next change. */
const char *recent_lines(const struct recent *recent, size_t *length);
