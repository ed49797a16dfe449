#include "daemon/http/parcel.h"

#include <errno.h>

#include "daemon/http/h1_printer.h"

enum {
	PARCEL_SIZE = 2 * HEAD_MAX + 4 * CHUNK_SIZE,
	HEAD_ROOM = HEAD_MAX + CHUNK_SIZE, /* a head as printed */
	CHUNK_LONGEST = 65535,
	CHUNK_FRAMING = 16,
};

static struct {
	struct leg *leg; /* NULL: empty */
	struct text text;
	bool in_chunk;
	size_t chunk; /* its mark */
	char storage[PARCEL_SIZE];
} parcel;

static void hand_over(struct leg *leg, const void *bytes, size_t length)
{
	if (leg->broken || !length || side_send(leg->side, bytes, length) == 0)
		return;
	leg->broken = true;
	if (errno == ENOMEM)
		leg->fault = REASON_NO_MEMORY;
}

static void end_chunk(void)
{
	if (parcel.in_chunk)
		h1_chunk_end(&parcel.text, parcel.chunk);
	parcel.in_chunk = false;
}

void parcel_send(void)
{
	struct leg *leg = parcel.leg;

	if (!leg)
		return;
	end_chunk();
	parcel.leg = NULL;
	if (parcel.text.full)
		leg->broken = true;
	hand_over(leg, parcel.text.bytes, parcel.text.length);
}

static void address_to(struct leg *leg, size_t room)
{
	if (parcel.leg != leg ||
	    parcel.text.length + room + CHUNK_FRAMING >= sizeof(parcel.storage))
		parcel_send();
	if (parcel.leg)
		return;
	text_begin(&parcel.text, parcel.storage, sizeof(parcel.storage));
	parcel.leg = leg;
}

struct text *parcel_open(struct leg *leg)
{
	address_to(leg, HEAD_ROOM);
	end_chunk();
	return &parcel.text;
}

void parcel_add(struct leg *leg, struct span bytes)
{
	/* Alone it needs no copy. */
	if (parcel.leg != leg || bytes.length > CHUNK_SIZE) {
		parcel_send();
		hand_over(leg, bytes.bytes, bytes.length);
		return;
	}
	address_to(leg, bytes.length);
	end_chunk();
	text_add_bytes(&parcel.text, bytes.bytes, bytes.length);
}

void parcel_add_chunk(struct leg *leg, struct span bytes)
{
	while (bytes.length > CHUNK_SIZE) {
		parcel_add_chunk(leg, (struct span){ bytes.bytes, CHUNK_SIZE });
		bytes.bytes += CHUNK_SIZE;
		bytes.length -= CHUNK_SIZE;
	}
	address_to(leg, bytes.length);
	if (parcel.in_chunk && parcel.text.length - parcel.chunk + bytes.length > CHUNK_LONGEST)
		end_chunk();
	if (!parcel.in_chunk)
		parcel.chunk = h1_chunk_begin(&parcel.text);
	parcel.in_chunk = true;
	text_add_bytes(&parcel.text, bytes.bytes, bytes.length);
}

bool parcel_drop(struct leg *leg)
{
	if (!parcel.leg || parcel.leg != leg)
		return false;
	parcel.leg = NULL;
	parcel.in_chunk = false;
	return true;
}
