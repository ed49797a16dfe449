/* A server's end: which target it is for, and the way there: choose one of an upstream's servers, resolve, connect,
 * go through the proxy, secure. */
#pragma once

#include "daemon/candidates.h"
#include "daemon/dialer.h"
#include "daemon/policy/limits.h"
#include "daemon/policy/upstream.h"
#include "daemon/resolver.h"
#include "daemon/side.h"
#include "daemon/tls/context.h"
#include "daemon/tls/trust.h"
#include "daemon/tunnel.h"

struct connection;
struct exchange;
struct leg;

/* Where a server is and what must be true of it. Names are the connection's or the policy's. */
struct target {
	const struct upstream *upstream; /* NULL: the original destination */
	struct address destination;      /* the original one */
	const char *destination_name;    /* of it, for a proxy to resolve; copied; NULL: unknown */
	bool tls;                        /* we speak TLS to it */
	const char *name;                /* of the destination, to send as SNI and to verify unless the upstream's
	                                    server has one of its own; NULL: the address */
	struct trust *trust;             /* roots, when tls; NULL: nothing can be verified, so fail */
	struct trust *proxy_trust;       /* roots of an https proxy */
	bool tolerant;                   /* a rule wants to see a bad certificate */
	const char *identity;            /* the rule's client certificate; NULL */
	unsigned captures;               /* TRACE_… bits of the rule */
	bool anonymous;                  /* a server that asks for one may have none */
	bool wants_status;               /* a rule wants to know that it is not revoked */
	const uint8_t *alpn;             /* to offer, wire form */
	size_t alpn_length;
	bool plain_h2;                   /* without TLS it is spoken to in HTTP/2 */
	unsigned generation;             /* of the policy */
	const struct limits *limits;     /* of the policy */
	bool keep_source;
	struct address source;           /* the client's, when keep_source */
};

/* What a server needs of the worker. */
struct server_world {
	struct event_base *base;
	struct resolver *resolver;
	struct health *health;
	struct tls_context *tls;
	struct journal *journal; /* for traces */
	bool (*is_own_listener)(const void *context, const struct address *address);
	const void *context; /* of is_own_listener */
};

enum server_stage {
	SERVER_UNUSED,
	SERVER_RESOLVING,
	SERVER_CONNECTING, /* to the server, or to the proxy and through it */
	SERVER_SECURING,
	SERVER_READY,
	SERVER_ELSEWHERE,  /* this one failed, as side.endpoint.error says; server_retry() tries another */
	SERVER_FAILED,     /* side.endpoint.error says why */
};

struct server {
	struct side side;
	struct target target;
	enum server_stage stage;
	enum reason verdict;       /* of its certificate; REASON_NONE: verified, or no TLS */
	int64_t deadline;          /* steady microseconds, while on the way; INT64_MAX otherwise */

	struct candidates candidates; /* where to now, and where else */
	int64_t given_up;          /* when the connect limit is over, whatever is left to try */
	char *proxied_name;        /* owned: target.destination_name */
	struct resolver_wait resolution;
	struct resolved *addresses; /* of the station, or of the proxy, until they are dialled; owned */
	bool resolved;             /* the resolver has answered */
	struct dialer *dialer;     /* while there are several addresses; owned */
	struct tunnel *tunnel;     /* while on the way through a proxy; owned */

	const struct server_world *world;
	void (*wake)(struct server *server);
	struct connection *connection;
	struct exchange *exchange; /* the one it was dialled for, while that lasts */
	struct leg *leg;           /* HTTP over side; NULL before it is spoken */
	unsigned users;            /* exchanges that it serves now */
	bool served;               /* an exchange left it fit for another */
	bool bound;                /* it may know its client by the connection (NTLM, Negotiate) */
	struct server *next;       /* of its connection */
};

/* Makes an unused server that will call wake(server) whenever something may have changed. */
void server_begin(struct server *server, const struct server_world *world,
		  struct connection *connection, struct allowance *allowance,
		  void (*wake)(struct server *server));

/* Sets out for the target (copied). Follow with server_advance(). */
void server_start(struct server *server, const struct target *target, uint64_t id);

/* A connection that is there already, and where it leads. */
struct server_socket {
	int fd;
	SSL *tls; /* handshake done, verified; NULL: plain */
	struct address peer;
	const struct station *station;
};

/* Takes over the socket, of a connection made for such a target: SERVER_READY at once. 0; -1 when out of memory, the
 * socket is closed then. */
int server_adopt(struct server *server, const struct target *target,
		 const struct server_socket *socket, uint64_t id);

/* After SERVER_ELSEWHERE: sets out for the next of the upstream's servers, as another end with an id of its own. */
void server_retry(struct server *server, uint64_t id);

/* Goes one step further if it can. SIDE_DONE when the next stage has been reached: after
 * SERVER_RESOLVING, SERVER_CONNECTING and SERVER_ELSEWHERE there is another, SERVER_READY is the last. */
enum side_progress server_advance(struct server *server);

/* What is overdue has failed: sets the stage's timeout as error. */
void server_expire(struct server *server);

/* True when the server is on the way to, or at, exactly this target. */
bool server_is_for(const struct server *server, const struct target *target);

/* True for an idle one that its peer has ended or that said something unasked. */
bool server_is_stale(struct server *server);

/* Closes in order, or with a reset, and makes it unused; the model stays until server_end(). */
void server_close(struct server *server);
void server_reset(struct server *server);

/* Closes and frees everything. */
void server_end(struct server *server);
