/* What the two HTTP/1 legs have in common: sending a message in its framing. */
#pragma once

#include "daemon/http/h1_reader.h"
#include "daemon/http/leg.h"

struct h1_leg {
	struct leg leg;
	struct h1_reader reader; /* of what comes in */
	bool chunked;		 /* what goes out is sent in chunks */
	bool raw;		 /* after a 101: bytes as they are, in both directions */
};

void h1_send_body(struct stream *stream, struct span body);
void h1_send_end(struct stream *stream, const struct head *trailers);
bool h1_has_room(const struct stream *stream);
