/* A worker's answers to questions about its live connections: unlike other lines they wait until
 * the recorder takes them, up to OUTBOX_MAX bytes. Uses memory only while there is something to
 * say. */
#pragma once

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTBOX_MAX = 16 << 20 /* bytes */ };

struct outbox;

/* channel stays the caller's. NULL when out of memory. */
struct outbox *outbox_new(struct event_base *base, int channel);
void outbox_free(struct outbox *outbox);

/* Adds one line (with its newline) of the answer to question. 0, or -1 when the bound is reached or
 * memory is out: the line is lost. */
int outbox_add(struct outbox *outbox, uint32_t question, const char *line, size_t length);

/* The answer is complete; says how many of its lines were lost. */
void outbox_end(struct outbox *outbox, uint32_t question);
