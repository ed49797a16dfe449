/* The story of one flow of datagrams that a worker carries: judged by its first ones, then taken to its origin,
 * to the server that the rule names, or through its SOCKS5 proxy, and back in the origin's name. Ends when nothing
 * has been said for a while. It belongs to the flow, as its story. */
#pragma once

#include "daemon/association.h"
#include "daemon/gateway.h"
#include "daemon/packet/flow.h"

struct datagrams;

enum { HELD_MAX = 4, HELD_BYTES_MAX = 8192 /* datagrams that wait for the verdict, or for the way */ };

struct held {
	uint8_t *bytes; /* owned */
	size_t length;
};

struct carriage {
	struct datagrams *datagrams;
	struct flow *flow;
	struct carriage *next; /* of all live ones */
	struct carriage *previous;
	uint64_t id;
	struct regime *regime;	 /* held */
	const struct rule *rule; /* NULL before the decision */
	enum protocol protocol;
	char host[NAME_SIZE]; /* "": none */
	struct endpoint client;
	struct endpoint server;
	enum reason reason;  /* why it ends; REASON_TOO_MANY when it has to give way */
	int64_t last;	     /* steady microseconds: when something was said */
	bool answered;
	struct association *association; /* through a proxy; owned */
	struct resolver_wait resolution;
	int fd; /* to the server or the proxy; -1: not yet */
	struct event event;
	struct event timer;
	size_t held_count;
	size_t held_bytes;
	struct held held[HELD_MAX];
};

/* Begins with a new flow and becomes its story. NULL when out of memory. */
struct carriage *carriage_new(struct datagrams *datagrams, struct flow *flow);

/* The client has said something. May end it. */
void carriage_take(struct carriage *carriage, struct span bytes);

/* Ends it: the flow is forgotten, and it with it. */
void carriage_end(struct carriage *carriage, enum reason reason);

/* Its flow goes (flows_new()): the journal's line is written and everything given back. */
void carriage_forget(void *context, struct flow *flow);
