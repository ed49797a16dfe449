/* What the two HTTP/2 legs have in common, on top of nghttp2: the session, its streams, reading and
 * writing, and a budget for frames that cost more than they are worth. */
#pragma once

#include "daemon/http/h2_pages.h"
#include "daemon/http/h2_printer.h"
#include "daemon/http/h2_stream.h"
#include "daemon/http/hub.h"

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
};

struct h2_leg {
	struct leg leg;
	const struct h2_kind *kind;
	nghttp2_session *session;
	struct h2_pages pages;	   /* where it makes its frames */
	struct h2_stream *streams; /* newest first; those that nghttp2 knows */
	struct h2_stream *dead;	   /* freed when the turn is over */
	unsigned count;		   /* of streams */
	unsigned incoming;	   /* of them, those whose peer has not ended its direction */
	bool waiting;		   /* a stream has something that its courier has not taken */
	bool unsent;		   /* a request could not even be queued */
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

/* Reads what one read of the socket brings, at most a chunk. READ_GONE: the peer has ended its stream,
 * or it broke; errno 0 for the former. */
enum h2_read { H2_READ, H2_READ_WAIT, H2_READ_GONE };
enum h2_read h2_read(struct h2_leg *leg, char scratch[static CHUNK_SIZE]);

/* Sends what is queued, as far as the socket takes it. */
bool h2_emit(struct h2_leg *leg);

/* Of both codecs: at the end of a turn, when nobody has spoken for a while, and for good. */
void h2_rest(struct leg *leg);
void h2_settle(struct leg *leg);
void h2_discard(struct leg *leg);

/* What to tell a peer for a reason of our own. */
uint32_t h2_code(enum reason reason);

/* What is wrong with the messages of this leg's peer. */
enum reason h2_fault_of_peer(const struct h2_leg *leg);

/* Storage for a head on its way to nghttp2, which copies it; the same for all of the process. */
extern struct h2_printed h2_printed;

/* Says GOAWAY with an error code; the connection ends when that is sent. */
void h2_end_session(struct h2_leg *leg, enum reason reason, uint32_t code);

/* Adds to the budget; when it is spent the connection ends. */
void h2_glitch(struct h2_leg *leg, unsigned cost);
