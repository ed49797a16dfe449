/* One connection of a browser, of curl or of Prometheus to the console: reads requests of HTTP/1, one after the
 * other, and answers them. What it may ask for stands in resource.c; nothing changes anything. */
#pragma once

#include <event2/event_struct.h>
#include <stdbool.h>

#include "daemon/address.h"
#include "daemon/http/h1_reader.h"
#include "daemon/side.h"
#include "daemon/tls/issuer.h"

struct asking;
struct resource;
struct scrape;

enum {
	VISITOR_HEAD_MAX = 16 << 10, /* bytes kept of one request's head */
	VISITOR_INPUT = 2048,	     /* bytes read ahead */
	HEAD_SECONDS = 10,	     /* for a request's head to come, also the first */
	REST_SECONDS = 60,	     /* between two requests of one who has shown the token */
	SEND_SECONDS = 30,	     /* without a byte taken of an answer, or an answer that does not come */
	LEAVE_SECONDS = 2,	     /* for the last bytes */
};

/* What all visitors are served from. */
struct hospitality {
	struct event_base *base;
	int supervisor, recorder;   /* introductions to both */
	const char *digest;	    /* SHA-256 of the token, in hexadecimal */
	const char *const *names;   /* by which the console may be called, beside addresses; ends with NULL */
	const char *authority_pem;  /* NULL: there is none */
	struct tls_context *tls;    /* NULL: there is no TLS; else nothing private goes without */
	struct issuer *issuer;
};

enum visitor_phase {
	VISITOR_SECURING,  /* its first bytes, the handshake */
	VISITOR_READING,   /* a request's head */
	VISITOR_ANSWERING, /* what is answered is still being asked for */
	VISITOR_SENDING,   /* all is said; the socket takes the rest */
	VISITOR_LEAVING,   /* our end is sent, the client's awaited */
};

struct visitor {
	const struct hospitality *hospitality;
	void (*left)(void *context, struct visitor *visitor);
	void *context;
	struct visitor *next; /* of the console's */
	struct allowance allowance;
	struct side side;
	struct event late;
	struct address address;
	enum visitor_phase phase;
	struct h1_reader reader;
	struct leaf *leaf; /* while it is secured */
	struct leaf_wait leaf_wait;
	bool leaf_wanted;
	struct head request;
	struct span input; /* read and not yet parsed */
	char bytes[VISITOR_INPUT];
	const struct resource *resource;
	struct asking *asking; /* while it is answered: either, or neither */
	struct scrape *scrape;
	bool known;  /* has shown the token */
	bool begun;  /* a byte of the request has come */
	bool stays;  /* the connection goes on after this answer */
	bool empty;  /* the answer has no body: HEAD */
	bool broken; /* nothing more can be sent: it ends with this turn */
};

/* Serves a connected, non-blocking socket, which it takes over, also on failure. left() is called once, when it has
 * ended; the visitor is no more after that. NULL when out of memory. */
struct visitor *visitor_new(const struct hospitality *hospitality, int fd,
			    void (*left)(void *context, struct visitor *visitor), void *context);

/* Ends it at once, without a call. */
void visitor_free(struct visitor *visitor);

/* Goes on as far as it can; the visitor may be no more then. */
void visitor_turn(struct visitor *visitor);

/* Has to move on within so many seconds. */
void visitor_wait(struct visitor *visitor, int seconds);
