/* Members of JSON objects, as every line of the journal is made of them. The caller writes the
 * braces; commas come by themselves; names need no escaping. */
#pragma once

#include "daemon/clock.h"
#include "daemon/reason.h"
#include "daemon/text.h"

/* The name alone; the value is the caller's. */
void member_add(struct text *text, const char *name);

/* NULL becomes null. */
void member_add_string(struct text *text, const char *name, const char *value);

/* Facts that hold "" where there is none: null for that too. */
void member_add_word(struct text *text, const char *name, const char *value);

void member_add_bool(struct text *text, const char *name, bool value);
void member_add_count(struct text *text, const char *name, uint64_t count);
void member_add_number(struct text *text, const char *name, int64_t number);

/* An identity as a string of 16 hexadecimal digits: a JSON number of 64 bits loses digits in many
 * readers. */
void member_add_id(struct text *text, const char *name, uint64_t id);

/* Wall-clock seconds with microseconds; null for what has not happened. */
void member_add_time(struct text *text, const char *name, const struct instant *instant);

/* Milliseconds with microseconds; null for a negative duration. */
void member_add_duration(struct text *text, const char *name, int64_t microseconds);

/* {"reason":…,"kind":…,"sentence":…,"detail":…}; null for REASON_NONE. detail may be NULL. */
void member_add_error(struct text *text, const char *name, enum reason reason, const char *detail);
