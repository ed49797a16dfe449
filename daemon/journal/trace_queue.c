#include "daemon/journal/trace_queue.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/journal/message.h"

struct parcel {
	struct parcel *next;
	enum trace_kind kind;
	size_t length;
	char bytes[];
};

struct trace_queue {
	int channel;
	struct event *writable; /* pending while parcels wait; times out when nobody takes any */
	bool given_up;		/* the recorder takes nothing: nobody waits for it */
	size_t size;		/* of all parcels */
	struct parcel *first;
	struct parcel **end; /* where the next parcel is linked */
	struct trace_waiter *waiting;
	struct trace_waiter **last; /* where the next waiter is linked */
	size_t waiters;
};

static void watch(struct trace_queue *queue)
{
	struct timeval patience = { .tv_sec = TRACE_PATIENCE_MS / 1000,
				    .tv_usec = TRACE_PATIENCE_MS % 1000 * 1000 };

	event_add(queue->writable, queue->given_up ? NULL : &patience);
}

/* The kernel calls it writable when three quarters of it are free (unix_writable()). */
static bool is_writable(const struct trace_queue *queue)
{
	struct pollfd look = { .fd = queue->channel, .events = POLLOUT };

	return poll(&look, 1, 0) == 1 && look.revents & POLLOUT;
}

static void drop_first(struct trace_queue *queue)
{
	struct parcel *parcel = queue->first;

	queue->first = parcel->next;
	if (!queue->first)
		queue->end = &queue->first;
	queue->size -= parcel->length;
	free(parcel);
}

/* One that can never be sent must not stop the others. */
static bool send_first(struct trace_queue *queue)
{
	const struct parcel *parcel = queue->first;

	if (!is_writable(queue) ||
	    (message_send(queue->channel, MESSAGE_TRACE, parcel->kind, parcel->bytes,
			  parcel->length) < 0 &&
	     errno == EAGAIN))
		return false;
	drop_first(queue);
	return true;
}

static bool has_room(const struct trace_queue *queue)
{
	return queue->size < TRACE_QUEUE_ROOM || queue->given_up;
}

void trace_queue_forget(struct trace_queue *queue, struct trace_waiter *waiter)
{
	if (!waiter->link)
		return;
	*waiter->link = waiter->next;
	if (waiter->next)
		waiter->next->link = waiter->link;
	else
		queue->last = waiter->link;
	waiter->link = NULL;
	queue->waiters--;
}

/* Each at most once: who finds no room again waits behind the others. */
static void wake(struct trace_queue *queue)
{
	for (size_t left = queue->waiters; left > 0 && queue->waiting && has_room(queue); left--) {
		struct trace_waiter *waiter = queue->waiting;

		trace_queue_forget(queue, waiter);
		waiter->wake(waiter->context);
	}
}

static void resume(evutil_socket_t channel, short what, void *context)
{
	struct trace_queue *queue = context;

	(void)channel;
	queue->given_up = what & EV_TIMEOUT;
	while (queue->first && send_first(queue))
		;
	if (queue->first)
		watch(queue);
	wake(queue);
}

struct trace_queue *trace_queue_new(struct event_base *base, int channel)
{
	struct trace_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->channel = channel;
	queue->end = &queue->first;
	queue->last = &queue->waiting;
	queue->writable = event_new(base, channel, EV_WRITE, resume, queue);
	if (queue->writable)
		return queue;
	free(queue);
	return NULL;
}

void trace_queue_free(struct trace_queue *queue)
{
	if (!queue)
		return;
	while (queue->first && send_first(queue))
		;
	while (queue->first)
		drop_first(queue);
	event_free(queue->writable);
	free(queue);
}

static int keep(struct trace_queue *queue, enum trace_kind kind, const void *bytes, size_t length)
{
	struct parcel *parcel = queue->size + length <= TRACE_QUEUE_MAX && !queue->given_up
					? malloc(sizeof(*parcel) + length)
					: NULL;

	if (!parcel)
		return -1;
	*parcel = (struct parcel){ .kind = kind, .length = length };
	memcpy(parcel->bytes, bytes, length);
	if (!queue->first)
		watch(queue);
	queue->size += length;
	*queue->end = parcel;
	queue->end = &parcel->next;
	return 0;
}

int trace_queue_add(struct trace_queue *queue, enum trace_kind kind, const void *bytes,
		    size_t length)
{
	if (queue->first || !is_writable(queue))
		return keep(queue, kind, bytes, length);
	if (message_send(queue->channel, MESSAGE_TRACE, kind, bytes, length) == 0)
		return 0;
	return errno == EAGAIN ? keep(queue, kind, bytes, length) : -1;
}

bool trace_queue_await(struct trace_queue *queue, struct trace_waiter *waiter)
{
	if (has_room(queue))
		return true;
	if (waiter->link)
		return false;
	waiter->next = NULL;
	waiter->link = queue->last;
	*queue->last = waiter;
	queue->last = &waiter->next;
	queue->waiters++;
	return false;
}
