/* One exchange on its way between a client's leg and a server's. The front tells what it reads of
 * the request, the back what it reads of the response; in between the exchange is judged, reaches a
 * server, is edited and written down. What is spoken on either side makes no difference here.
 *
 * After every call that may end the exchange courier->phase is COURIER_OVER; the courier itself
 * lives until the conversation's turn is over. */
#pragma once

#include "daemon/http/exchange.h"
#include "daemon/http/leg.h"

enum courier_phase {
	COURIER_READING,  /* the request's head */
	COURIER_REACHING, /* the host looks for a server */
	COURIER_CARRYING, /* request and response, in both directions */
	COURIER_OVER,
};

struct courier {
	struct exchange exchange;
	struct conversation *conversation;
	struct courier *next; /* of those running */
	struct courier **link; /* what points to this one there; NULL: it is over */
	struct stream front;
	struct stream back;
	enum courier_phase phase;
	enum reason failure; /* why the host has no server */
	uint32_t code; /* HTTP/2's error code of the end that reset it; 0: none came */
	unsigned interim;    /* 1xx responses */
	int64_t moved;	     /* steady microseconds when bytes last moved */
	int64_t body_since;  /* since when the client alone is to blame for a slow body; 0: it is not */
	uint64_t body_before; /* bytes of it that had come by then */
	int64_t reader_since; /* since when the client has not taken all that came for it; 0: it has */
	bool paced;	     /* its request's body has to come at a rate */
	bool wants_server;   /* the host has been asked for one and has it, or is about to */
	bool answered;	     /* the host has answered since the last turn */
	bool undecided;	     /* the judge asked for a later moment */
	bool reused;	     /* the server has answered before */
	unsigned retries;
	bool upgrade_sent;
	bool tunnel;	       /* both sides carry bytes of another protocol */
	bool request_done;     /* all of it has been sent on */
	bool request_given_up; /* the server takes no more of it */
	bool response_begun;   /* its final head has been sent on */
	bool response_done;
};

/* The front. Begins an exchange at the first byte of its request. */
void courier_begin(struct courier *courier, struct conversation *conversation, struct leg *front);

/* It was no request after all: nothing is written down. */
void courier_forget(struct courier *courier);

/* exchange.request is complete; it is guarded here. */
void courier_request_head(struct courier *courier);

/* True when the server takes more of the body. */
bool courier_wants_request(const struct courier *courier);
void courier_request_body(struct courier *courier, struct span body);
void courier_request_end(struct courier *courier, const struct head *trailers);

/* The rest of the request breaks the rules. */
void courier_request_malformed(struct courier *courier, enum reason reason, const char *detail);

/* The back. exchange.response is complete; it is guarded here. */
enum head_taken { HEAD_INTERIM, HEAD_FINAL, HEAD_TUNNEL, HEAD_REFUSED };
enum head_taken courier_response_head(struct courier *courier);

/* True when the client takes more of the body. */
bool courier_wants_response(const struct courier *courier);
void courier_response_body(struct courier *courier, struct span body);

/* The turn is over: notes whether the client has taken all that came for it. */
void courier_rest(struct courier *courier);

/* reusable: the server may be asked again. */
void courier_response_end(struct courier *courier, const struct head *trailers, bool reusable);

/* The rest of the response breaks the rules. */
void courier_response_malformed(struct courier *courier, enum reason reason, const char *detail);

/* The server takes no more of the request; its answer may be there already. */
void courier_request_unwanted(struct courier *courier);

/* The server is gone. silent: without a word about this request; orderly: it ended its stream as
 * one does between two messages. */
struct departure {
	enum reason reason;
	bool silent;
	bool refused; /* it has said that it did nothing about this request */
	bool orderly;
};
void courier_server_gone(struct courier *courier, const struct departure *departure);

/* Either. Ends the exchange with an error; ending says what becomes of the client's end. */
void courier_fail(struct courier *courier, enum reason reason, enum ending ending);

/* Answers with a page of our own. After a response has begun there is only a reset. detail is
 * static text or NULL. */
void courier_refuse(struct courier *courier, unsigned status, enum reason reason,
		    const char *detail);

/* What a verdict that needs no server does to a request; false when it needs one. */
bool courier_settle(struct courier *courier);

/* The host has answered: goes on with the server, or without. */
void courier_meet_server(struct courier *courier);

/* Ends the exchange as complete. */
void courier_complete(struct courier *courier, bool reusable);

/* Gives the server back to the host. */
void courier_release(struct courier *courier, bool reusable);

/* request.c, for response.c: a server closed instead of answering, or refused. Asks another one when
 * the request may be repeated: after a used one that closed once, and only what is idempotent; after
 * refusals a few times. False when it may not. */
bool courier_repeat(struct courier *courier, const struct departure *departure);

/* Steady microseconds by which something must have happened. */
int64_t courier_deadline(const struct courier *courier);
void courier_expire(struct courier *courier);
