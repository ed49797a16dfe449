/* One exchange on an HTTP/2 leg: what has come and waits for room, what waits to be sent, and its
 * window, which opens only as far as bytes have left on the other side. A stream whose other side is
 * slow waits alone: the connection's window is given back at once. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "daemon/http/backlog.h"
#include "daemon/http/h2_fields.h"
#include "daemon/http/leg.h"

struct h2_leg;

struct h2_stream {
	struct h2_leg *leg;
	struct h2_stream *next;
	struct h2_stream **link; /* what points to this one among the leg's; NULL: it is dead */
	struct courier *courier; /* NULL: nobody waits for it any more */
	int32_t id;
	struct h2_fields fields; /* of the block that is coming in */
	struct head trailers;	 /* received */
	struct head last;	 /* trailers to be sent */
	struct backlog in;	 /* received, waiting for room: at most the window */
	struct backlog out;	 /* to be sent: at most OUT_MAX and one chunk */
	int64_t left;		 /* when its courier left; steady microseconds */
	uint32_t window;	 /* its size now */
	uint32_t taken;		 /* bytes since the window was last made larger */
	bool headed;		 /* the head that is not a 1xx has come */
	bool in_ended;		 /* the peer has ended its direction */
	bool in_told;		 /* and the courier knows */
	bool out_ended;		 /* nothing will be added to out */
	bool closed;		 /* nghttp2 knows it no more */
	bool given_up;		 /* reset, because the peer did not take the rest of it */
};

/* The stream that nghttp2 knows by this number; NULL. */
struct h2_stream *h2_find_stream(struct h2_leg *leg, int32_t id);

/* The same for a request that nghttp2 has not sent yet, and so does not know by its number. */
struct h2_stream *h2_find_unsent(struct h2_leg *leg, int32_t id);

/* Taken from the connection's allowance, zeroed; the leg's from now on. */
void h2_add_stream(struct h2_leg *leg, struct h2_stream *stream);
void h2_remove_stream(struct h2_stream *stream);

/* Frees the streams that ended in this turn. */
void h2_bury(struct h2_leg *leg);

/* Ends a stream with an error code (RFC 9113 section 7). */
void h2_reset(struct h2_stream *stream, uint32_t code);

/* Hands over what waits and there is room for; true when something moved. */
bool h2_deliver(struct h2_stream *stream);
bool h2_deliver_all(struct h2_leg *leg);

/* So many bytes have left on the other side: the window opens again by as many. */
void h2_consume(struct h2_stream *stream, size_t length);

/* The codec's sending half. */
void h2_send_body(struct stream *stream, struct span body);
void h2_send_end(struct stream *stream, const struct head *trailers);
bool h2_has_room(const struct stream *stream);

/* Gives nghttp2 the body of a message to be sent. */
nghttp2_data_provider h2_body_of(struct h2_stream *stream);

/* True when a message is nothing but its head. */
bool h2_ends_with_head(const struct head *head);

/* Memory has run out for what is to be sent: half a message must not pass for a whole one. */
void h2_run_out(struct h2_stream *stream);
