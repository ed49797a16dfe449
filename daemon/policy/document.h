/* A YAML text as a tree whose every value knows its place, on top of libyaml. Aliases are followed,
 * so that a value may be met more than once and may even contain itself: whoever walks bounds the
 * walk. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/policy/place.h"

struct text;
struct document;

enum value_kind { VALUE_NOTHING, VALUE_SCALAR, VALUE_LIST, VALUE_MAPPING };

struct value {
	const struct document *document;
	const void *node; /* NULL: nothing */
};

/* Reads one document. NULL when it is no YAML or out of memory: *place and problem then say what is
 * wrong, errno is EINVAL or ENOMEM. file and bytes must outlive it. */
struct document *document_new(const char *file, const char *bytes, size_t length,
			      struct place *place, struct text *problem);
void document_free(struct document *document);

/* The top of the document; VALUE_NOTHING for an empty one. */
struct value document_root(const struct document *document);

enum value_kind value_kind(struct value value);
struct place value_place(struct value value);

/* The text of a scalar; NULL for anything else, also for a text with a NUL inside. */
const char *value_text(struct value value);

/* Number of items of a list or of pairs of a mapping; 0 for a scalar. */
size_t value_count(struct value value);

/* The item of a list or the value of a pair; value_key() is the key of a pair. index <
 * value_count(). */
struct value value_item(struct value value, size_t index);
struct value value_key(struct value value, size_t index);

/* The value of a key; nothing when there is none. */
struct value value_find(struct value mapping, const char *key);
