/* The header edits of a rule, applied in the order written, without touching the head they edit.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct edits;

/* True when a field of this name, as received, is still there after all edits. */
bool edits_keep(const struct edits *edits, const char *name);

/* True when the field of edit number index is there after all edits. */
bool edits_have(const struct edits *edits, size_t index);

/* The value that the edits set or add last under this name, or NULL. */
const char *edits_value(const struct edits *edits, const char *name);
