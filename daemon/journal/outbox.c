#include "daemon/journal/outbox.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "daemon/journal/message.h"

enum {
	PARCEL_SIZE = 32 << 10, /* bytes; a longer line has a parcel of its own */
	END_SIZE = 64,
};

/* One message: lines of one answer, or its end. */
struct parcel {
	struct parcel *next;
	enum message_kind kind;
	uint32_t question;
	size_t length;
	size_t size;
	char bytes[];
};

struct outbox {
	int channel;
	struct event *writable;
	size_t size;   /* of all parcels */
	uint64_t lost; /* lines of the answer in the making */
	struct parcel *first;
	struct parcel **end; /* where the next parcel is linked */
};

static struct parcel *add_parcel(struct outbox *outbox, enum message_kind kind, uint32_t question,
				 size_t size)
{
	struct parcel *parcel = malloc(sizeof *parcel + size);

	if (!parcel)
		return NULL;
	*parcel = (struct parcel){ .kind = kind, .question = question, .size = size };
	outbox->size += size;
	*outbox->end = parcel;
	outbox->end = &parcel->next;
	return parcel;
}

static void drop_first(struct outbox *outbox)
{
	struct parcel *parcel = outbox->first;

	outbox->first = parcel->next;
	if (!outbox->first)
		outbox->end = &outbox->first;
	outbox->size -= parcel->size;
	free(parcel);
}

static void send_all(struct outbox *outbox)
{
	struct parcel *parcel;

	while ((parcel = outbox->first)) {
		if (message_send(outbox->channel, parcel->kind, parcel->question, parcel->bytes,
				 parcel->length) &&
		    errno == EAGAIN) {
			event_add(outbox->writable, NULL);
			return;
		}
		drop_first(outbox);
	}
}

static void resume(evutil_socket_t channel, short what, void *context)
{
	(void)channel;
	(void)what;
	send_all(context);
}

struct outbox *outbox_new(struct event_base *base, int channel)
{
	struct outbox *outbox = calloc(1, sizeof *outbox);

	if (!outbox)
		return NULL;
	outbox->channel = channel;
	outbox->end = &outbox->first;
	outbox->writable = event_new(base, channel, EV_WRITE, resume, outbox);
	if (!outbox->writable) {
		outbox_free(outbox);
		return NULL;
	}
	return outbox;
}

void outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return;
	while (outbox->first)
		drop_first(outbox);
	if (outbox->writable)
		event_free(outbox->writable);
	free(outbox);
}

/* The parcel that can take length more bytes of this answer; NULL for none. */
static struct parcel *find_room(struct outbox *outbox, uint32_t question, size_t length)
{
	size_t size = MAX(length, PARCEL_SIZE);
	struct parcel *last = NULL;

	if (outbox->first)
		last = (struct parcel *)((char *)outbox->end - offsetof(struct parcel, next));
	if (last && last->kind == MESSAGE_LIVE && last->question == question &&
	    last->length + length <= last->size)
		return last;
	if (outbox->size + size > OUTBOX_MAX)
		return NULL;
	return add_parcel(outbox, MESSAGE_LIVE, question, size);
}

int outbox_add(struct outbox *outbox, uint32_t question, const char *line, size_t length)
{
	struct parcel *parcel = find_room(outbox, question, length);

	if (!parcel) {
		outbox->lost++;
		return -1;
	}
	memcpy(parcel->bytes + parcel->length, line, length);
	parcel->length += length;
	return 0;
}

void outbox_end(struct outbox *outbox, uint32_t question)
{
	struct parcel *end = add_parcel(outbox, MESSAGE_LIVE_END, question, END_SIZE);

	if (end && outbox->lost)
		end->length = (size_t)snprintf(end->bytes, END_SIZE,
					       "{\"event\":\"lost\",\"count\":%" PRIu64 "}\n",
					       outbox->lost);
	outbox->lost = 0;
	send_all(outbox);
}
