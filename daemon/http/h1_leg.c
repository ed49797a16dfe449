#include "daemon/http/h1_leg.h"

#include "daemon/http/h1_printer.h"
#include "daemon/http/parcel.h"

static const struct h1_leg *h1_of(const struct stream *stream)
{
	return (const struct h1_leg *)stream->leg;
}

void h1_send_body(struct stream *stream, struct span body)
{
	if (h1_of(stream)->chunked)
		parcel_add_chunk(stream->leg, body);
	else
		parcel_add(stream->leg, body);
}

void h1_send_end(struct stream *stream, const struct head *trailers)
{
	struct leg *leg = stream->leg;

	if (h1_of(stream)->raw) {
		parcel_send();
		if (side_shutdown(leg->side) < 0)
			leg->broken = true;
	} else if (h1_of(stream)->chunked) {
		h1_print_last_chunk(parcel_open(leg), trailers);
	}
}

bool h1_has_room(const struct stream *stream)
{
	return !side_pending(stream->leg->side);
}
