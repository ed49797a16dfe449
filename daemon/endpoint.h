/* The public model of one end of a connection: what rules ask, what the journal writes and what the
 * control socket answers (docs/journal.md). Plain facts, no descriptors. struct side carries one. */
#pragma once

#include "daemon/address.h"
#include "daemon/certificate.h"
#include "daemon/clock.h"
#include "daemon/name.h"
#include "daemon/reason.h"
#include "daemon/tls/offers.h"

/* As in the reference: a half-closed connection is OPEN with one of the other two. */
enum endpoint_state {
	ENDPOINT_CLOSED = 0,
	ENDPOINT_OPEN = 1,
	ENDPOINT_CAN_READ = 2,
	ENDPOINT_CAN_WRITE = 4,
	ENDPOINT_ACTIVE = 7,
};

enum transport { TRANSPORT_TCP, TRANSPORT_UDP };

enum { ENDPOINT_STATE_TEXT = 32, ENDPOINT_DETAIL = 120 };

/* What is known of TLS on this end; exists only where TLS was seen or spoken. */
struct tls_facts {
	char sni[NAME_SIZE];       /* "" when there is none */
	char alpn[32];             /* agreed; "" for none */
	char version[12];          /* "TLSv1.3" */
	char cipher[48];
	char ja4[40];              /* of a client; "" otherwise */
	struct offers offers;      /* of a client */
	struct certificate_list *certificates; /* held; NULL */
	bool resumed;
};

struct proxy;

struct endpoint {
	uint64_t id;              /* never reused within a journal; equality is by id */
	struct address peer;      /* peername */
	struct address local;     /* sockname; of a client: the original destination */
	struct address address;   /* client: the peer; server: the address wanted, AF_UNSPEC with a port
	                             while only a name is known */
	const char *host;         /* server: the name wanted where a rule routed it by name; else NULL.
	                             Owned by the policy */
	const struct proxy *via;  /* server: the proxy on the way; NULL: none. Owned by the policy */
	char *tried;              /* server: those of the upstream that failed before it, and why: JSON array text,
	                             owned; NULL */
	unsigned state;           /* ENDPOINT_… bits */
	enum transport transport;
	enum reason error;        /* sticky; REASON_NONE while all is well */
	char *error_detail;       /* owned; NULL */
	bool reused;              /* server: another client's connection left it in good order */
	bool tls;                 /* spoken or wanted */
	struct tls_facts *tls_facts; /* owned; NULL before anything is known */
	struct instant start;     /* accept(), or just before connect() */
	struct instant resolved;  /* server only: its name had addresses */
	struct instant tcp_setup; /* server only */
	struct instant tls_setup; /* handshake completed; then and only then tls_established */
	struct instant end;
	uint64_t received;        /* payload bytes read from the peer */
	uint64_t sent;
};

/* The reference's client_make_dummy() and server_make_dummy(): values for tests. endpoint_end() gives
 * back what they hold. */
void client_make_dummy(struct endpoint *endpoint, const struct address *address);
void server_make_dummy(struct endpoint *endpoint, const struct address *address);

/* True when the TLS handshake is complete. */
bool endpoint_tls_established(const struct endpoint *endpoint);

/* Writes "OPEN|CAN_READ" and returns text; "CLOSED" and "ACTIVE" for 0 and 7. */
char *endpoint_state_print(unsigned state, char text[static ENDPOINT_STATE_TEXT]);

/* Returns tls_facts, made on first use; NULL when out of memory. */
struct tls_facts *endpoint_tls(struct endpoint *endpoint);

/* Notes why the end failed, once: later calls change nothing. detail may be NULL; it is copied. */
void endpoint_fail(struct endpoint *endpoint, enum reason reason, const char *detail);

/* Frees what the endpoint owns and zeroes it. */
void endpoint_end(struct endpoint *endpoint);
