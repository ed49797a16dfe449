/* One intercepted connection, from accept to the last byte: a client, a server, the stage it is in.
 * Start reading in connection.c, at the table of stages; the order of the functions there is the
 * order of a connection's life. */
#pragma once

#include "daemon/gateway.h"
#include "daemon/http/conversation.h"
#include "daemon/relay.h"

enum stage {
	PEEKING,
	DECIDING,
	CONNECTING,
	SECURING_SERVER,
	SECURING_CLIENT,
	RELAYING,
	INQUIRING,
	EXCHANGING,
	REFUSING,
	ENDED,
};

/* Why it is passed although its rule would open it (sparing.h). */
enum spared { SPARED_NOT, SPARED_PINNED, SPARED_POST_QUANTUM, SPARED_CLIENT_CERTIFICATE };

enum refusal { REFUSE_BY_RESET, REFUSE_BY_ALERT, REFUSE_BY_SILENCE };

struct connection {
	uint64_t id;
	struct gateway *gateway;
	struct regime *regime;
	struct share *share;         /* of its device in the budget; NULL: not counted */
	struct allowance allowance;      /* what its peers make it hold */
	struct client client;
	struct server server;	/* the primary one: where the whole connection goes */
	struct server *servers; /* primary first, then those that single exchanges needed */
	enum stage stage;
	enum reason reason; /* REASON_NONE while alive */
	struct event deadline;
	int64_t alarm;	/* steady microseconds the deadline is set to */
	int64_t active; /* when it last had a turn */
	int64_t since;	/* when it entered its stage */

	unsigned learned; /* MOMENT_… bits */
	bool silent;	  /* the client waits for the server to speak first */
	bool sniffed;	  /* its first bytes have been looked at, though nothing depends on them */
	bool opened;	  /* TLS of the client is, or will be, terminated */
	const struct rule *rule; /* NULL before the decision */
	const struct rule
		*counted; /* the rule whose hit has been counted for the whole connection */
	size_t shadow_count;
	const struct rule *shadows[SHADOWS_MAX];
	struct target target; /* where the primary server should be */

	struct leaf *leaf;
	struct leaf_wait leaf_wait;
	bool leaf_wanted;
	enum spared spared;
	bool mirrored;               /* the client has been shown that the origin's certificate fails */
	enum refusal refusal;
	struct relay relay;
	struct inquiry *inquiry; /* of one that asks DNS; owned (inquiring.h) */
	struct conversation *conversation;
	struct exchange *waiting; /* for a server that is on its way or has to become free */
	uint64_t exchanges;

	struct connection *next; /* of the gateway */
	struct connection **link;
	struct connection *again; /* waiting for another turn */
	bool waits_again;
	bool turning; /* inside connection_turn() */
};

struct arrival {
	int fd; /* accepted, non-blocking */
	struct address peer;
	const char *port_name; /* the gateway's port; outlives the connection */
	unsigned port_index;   /* its interface index */
};

/* Begins the life of an accepted connection; from here on it looks after itself. The descriptor is
 * taken over in any case. */
void connection_new(struct gateway *gateway, const struct arrival *arrival);

/* Goes as far as it can. May free the connection. */
void connection_turn(struct connection *connection);

/* The one way out: notes why, closes both ends as the reason demands, writes it down, frees. From
 * inside a turn it takes effect at the turn's end. */
void connection_close(struct connection *connection, enum reason reason);

/* Lets it go on to its end, but asks a client that speaks HTTP to come again on another connection. */
void connection_retire(struct connection *connection);

/* Lets it finish what it is doing and no more. */
void connection_drain(struct connection *connection);
