/* What the two HTTP/2 legs have in common, on top of nghttp2: streams with bounded backlogs in both
 * directions, flow control that opens a window only as far as bytes have left on the other side,
 * and a budget for frames that cost more than they are worth. A stream whose other side is slow
 * waits alone: the connection's window is given back at once. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "daemon/http/backlog.h"
#include "daemon/http/h2_fields.h"
#include "daemon/http/h2_pages.h"
#include "daemon/http/h2_printer.h"
#include "daemon/http/hub.h"

struct h2_leg;

struct h2_stream {
	struct h2_leg *leg;
	struct h2_stream *next;
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

/* What differs between the two. */
struct h2_kind {
	/* A header block begins that belongs to no stream yet; NULL refuses it. Clients' legs
	 * alone. */
	struct h2_stream *(*begin)(struct h2_leg *leg, int32_t id);

	/* A head is complete: the fields are judged. */
	void (*take_head)(struct h2_stream *stream);

	bool (*wants)(const struct courier *courier);
	void (*take_body)(struct courier *courier, struct span body);
	void (*take_end)(struct courier *courier, const struct head *trailers);
	void (*malformed)(struct courier *courier, enum reason reason, const char *detail);

	/* The peer, or nghttp2, closed it before its courier was done. */
	void (*closed)(struct h2_stream *stream, uint32_t code);
	void (*free_stream)(struct h2_stream *stream);
};

struct h2_leg {
	struct leg leg;
	const struct h2_kind *kind;
	nghttp2_session *session;
	struct h2_pages pages;	   /* where it makes its frames */
	struct h2_stream *streams; /* newest first; those that nghttp2 knows */
	struct h2_stream *dead;	   /* freed when the turn is over */
	unsigned count;		   /* of streams */
	int64_t block_began;	   /* steady microseconds; 0: no header block is coming in */
	int64_t calmed;		   /* when glitches were last forgiven */
	int64_t moved;
	unsigned glitches;
	unsigned continuations;	   /* of the block that is coming in */
	uint32_t growth;	   /* bytes that windows have grown beyond STREAM_WINDOW */
	bool going;		   /* it has said GOAWAY: no further streams */
	enum reason reason;	   /* why it ends, when that is not in order */
};

struct h2_leg *h2_of(const struct leg *leg);

/* Makes the session: a server's (the client's leg) or a client's, with its settings queued. 0, or
 * -1 when out of memory. */
int h2_begin_front(struct h2_leg *leg, const struct h2_kind *kind);
int h2_begin_back(struct h2_leg *leg, const struct h2_kind *kind);

/* Frees the session and its streams, whose couriers have left. */
void h2_end(struct h2_leg *leg);

void h2_add_stream(struct h2_leg *leg, struct h2_stream *stream);
void h2_remove_stream(struct h2_stream *stream);

/* Hands over what waits and there is room for; true when something moved. */
bool h2_deliver(struct h2_stream *stream);
bool h2_deliver_all(struct h2_leg *leg);

/* Reads one chunk. READ_GONE: the peer has ended its stream, or it broke; errno 0 for the former. */
enum h2_read { H2_READ, H2_READ_WAIT, H2_READ_GONE };
enum h2_read h2_read(struct h2_leg *leg, char scratch[static CHUNK_SIZE]);

/* Sends what is queued, as far as the socket takes it. */
bool h2_emit(struct h2_leg *leg);

/* Frees the streams that ended in this turn. */
void h2_bury(struct h2_leg *leg);

/* Gives memory back until somebody speaks again. */
void h2_settle(struct leg *leg);

/* Ends a stream with an error code (RFC 9113 section 7). */
void h2_reset(struct h2_stream *stream, uint32_t code);

/* Memory has run out for what is to be sent: half a message must not pass for a whole one. */
void h2_run_out(struct h2_stream *stream);

/* What to tell a peer for a reason of our own. */
uint32_t h2_code(enum reason reason);

/* The codec's sending half. */
void h2_send_body(struct stream *stream, struct span body);
void h2_send_end(struct stream *stream, const struct head *trailers);
bool h2_has_room(const struct stream *stream);

/* Gives nghttp2 the body of a message to be sent. */
nghttp2_data_provider h2_body_of(struct h2_stream *stream);

/* Storage for a head on its way to nghttp2, which copies it; the same for all of the process. */
extern struct h2_printed h2_printed;

/* Adds to the budget; when it is spent the connection ends. */
void h2_glitch(struct h2_leg *leg, unsigned cost);
