/* One request and its response. Couriers carry them, rules judge them, the journal writes them
 * down. */
#pragma once

#include "daemon/clock.h"
#include "daemon/http/message.h"
#include "daemon/http/websocket.h"
#include "daemon/policy/policy.h"
#include "daemon/reason.h"

struct courier;
struct side;

/* In the order of an exchange's life. A message that never became a request the guard lets through
 * is an ERROR alone. */
enum exchange_event {
	EXCHANGE_REQUEST_HEADERS,
	EXCHANGE_REQUEST,
	EXCHANGE_RESPONSE_HEADERS,
	EXCHANGE_RESPONSE, /* complete; this or ERROR is told of every exchange, exactly once */
	EXCHANGE_ERROR,
	EXCHANGE_WEBSOCKET_START,
	EXCHANGE_WEBSOCKET_END,
	EXCHANGE_OVER, /* the last word: nothing changes any more */
};

struct exchange {
	uint64_t id; /* counted from 1 by this process */
	uint32_t stream; /* HTTP/2's identifier on the client's leg; 0: HTTP/1 */
	struct courier *courier;
	struct head request;
	struct head response;
	const struct rule *rule;       /* what decided it; NULL before judgement */
	struct side *server;	       /* NULL while none is reached */
	struct instant start;	       /* first byte of the request */
	struct instant request_end;    /* last byte of the request sent on */
	struct instant response_start; /* first byte of the response */
	struct instant end;
	uint64_t request_body; /* bytes, without framing */
	uint64_t response_body;
	unsigned status;   /* as the client saw it; 0: none */
	enum reason error; /* REASON_NONE: complete. A page (status 403, local) is BLOCKED */
	struct exchange *next_waiting; /* for a server; the host's */
	const char *detail;	       /* what exactly, for people; static text or NULL */
	bool repeated;		       /* a server that had been used before closed instead of answering */
	bool local;		       /* answered by the gateway itself (a page, a refusal) */
	bool websocket;
	bool grpc;
	unsigned grpc_status; /* with grpc: how the call ended; 2 (unknown) until it is told */
	struct websocket_counter from_client; /* with websocket */
	struct websocket_counter from_server;
};

/* Makes it an exchange of that courier, starting now; both heads empty, their
 * storage paid for by the allowance. */
void exchange_begin(struct exchange *exchange, struct courier *courier, uint64_t id,
		    struct allowance *allowance);

/* Frees both heads. */
void exchange_end(struct exchange *exchange);

bool exchange_is_bodyless(const struct exchange *exchange);

/* True when it may be sent once more if nobody knows whether it has been heard: idempotent (RFC 9110 section 9.2.2),
 * without a body. */
bool exchange_is_repeatable(const struct exchange *exchange);

/* True when it may have told the server who is at the other end of the connection, for all that follows there
 * (NTLM and Negotiate, RFC 4559 section 6). */
bool exchange_binds_connection(const struct exchange *exchange);

/* Fills in what the judge may know from the exchange: everything of MOMENT_REQUEST, MOMENT_RESPONSE
 * once there is a status, and host. Pointers are the exchange's. */
void exchange_facts(const struct exchange *exchange, struct facts *facts);
