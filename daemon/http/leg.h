/* One side's codec: it turns the bytes of a client's or a server's connection into exchanges and
 * back. A leg of HTTP/1 carries one exchange at a time, one of HTTP/2 many. Couriers hold a stream,
 * an exchange's end, at two legs and know nothing of what is spoken there. */
#pragma once

#include "daemon/http/message.h"
#include "daemon/reader.h"
#include "daemon/reason.h"
#include "daemon/side.h"

struct conversation;
struct courier;
struct h2_stream;
struct leg;

/* One exchange's end at a leg. */
struct stream {
	struct leg *leg; /* NULL: none */
	struct courier *courier;
	struct h2_stream *h2; /* owned by its leg; NULL with HTTP/1 */
};

/* How an exchange leaves a leg. */
enum ending {
	ENDING_DONE,	  /* everything has been sent */
	ENDING_ANSWERED,  /* the gateway answered; what the client still sends is not wanted */
	ENDING_CUT_SHORT, /* what was sent is not all, and that is told in order */
	ENDING_RESET,
	ENDING_SILENT, /* the peer hears nothing more of it */
};

struct codec {
	bool many; /* carries several exchanges at a time */

	/* Goes one step further: flushes, reads at most one chunk and hands it to couriers. True
	 * when something moved. */
	bool (*turn)(struct leg *leg);

	/* The turn is over: what has to outlive it is put away. NULL: nothing has. */
	void (*rest)(struct leg *leg);

	/* Nobody has spoken for a while: memory that a busy leg needs goes back. NULL: there is none. */
	void (*settle)(struct leg *leg);

	/* A server's leg begins another exchange. 0 or -1. Clients' legs have none. */
	int (*open)(struct stream *stream);

	/* A server's leg can take another exchange now. */
	bool (*is_free)(const struct leg *leg);

	/* A server's leg has been told that it may carry a WebSocket in one of many streams. */
	bool (*carries_tunnels)(const struct leg *leg);

	/* Sending never fails at once: a peer that is gone is noticed by the leg's next turn. Only where memory runs
	 * out the exchange may be over when these return. The
	 * head is the caller's; the codec fills in what concerns its hop alone. */
	void (*send_head)(struct stream *stream, struct head *head);
	void (*send_body)(struct stream *stream, struct span body);
	void (*send_end)(struct stream *stream, const struct head *trailers);

	/* True when more of a body is welcome; who sends without asking overruns the bound. */
	bool (*has_room)(const struct stream *stream);

	/* After this the leg knows the exchange no more. */
	void (*leave)(struct stream *stream, enum ending ending, enum reason reason);

	/* Steady microseconds; INT64_MAX: none. Clients' legs alone. */
	int64_t (*deadline)(const struct leg *leg);
	void (*expire)(struct leg *leg);

	void (*free)(struct leg *leg);
};

struct leg {
	const struct codec *codec;
	struct conversation *conversation;
	struct side *side;
	struct leg *next; /* of the conversation's servers */
	bool broken;	  /* nothing more can be sent */
	enum reason fault; /* why, where it is not the peer's doing */
	bool retired;	  /* freed when the turn is over */
};

/* Flushes what the socket did not take; true when it took some. Notes a broken one. */
bool leg_flush(struct leg *leg);

/* Working storage of one turn, the same for all conversations of the process; nothing in it
 * outlives the turn. */
struct scratch {
	char client[CHUNK_SIZE];
	char server[CHUNK_SIZE];
	struct head head; /* on its way to a codec */
};
extern struct scratch leg_scratch;
