/* A worker's traces on their way to the recorder. They may use a quarter of the channel, so that journal lines
 * find room beside them; what does not fit waits here. Whoever makes them is asked to read no more of its
 * connection while there is no room, and told when there is: so a capture is whole, and it is the captured
 * connection that waits, for at most TRACE_PATIENCE_MS. A recorder that takes nothing for so long holds nobody up
 * any longer: until it takes something again, what comes is lost. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/policy/policy.h"

enum {
	TRACE_QUEUE_ROOM = 256 << 10, /* bytes: with so many waiting there is no room */
	TRACE_QUEUE_MAX = 4 << 20,    /* what connections say that were not asked, or are ending */
	TRACE_PATIENCE_MS = 3000,
};

/* Embedded in whoever waits; wake(context) is called once, from the event loop. */
struct trace_waiter {
	void (*wake)(void *context);
	void *context;
	struct trace_waiter *next;
	struct trace_waiter **link; /* what points to it; NULL: it does not wait */
};

struct trace_queue;

/* channel stays the caller's. NULL when out of memory. */
struct trace_queue *trace_queue_new(struct event_base *base, int channel);

/* Sends what the channel takes at once; the rest is lost. NULL is fine. */
void trace_queue_free(struct trace_queue *queue);

/* Sends one message, or keeps it. 0; -1 when it is lost. */
int trace_queue_add(struct trace_queue *queue, enum trace_kind kind, const void *bytes,
		    size_t length);

/* True when there is room; false: waiter, which must stay until then or until trace_queue_forget(), is woken when
 * there is. */
bool trace_queue_await(struct trace_queue *queue, struct trace_waiter *waiter);
void trace_queue_forget(struct trace_queue *queue, struct trace_waiter *waiter);
