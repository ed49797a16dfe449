/* The exchanges of one client connection: requests are read from the client's leg, each is judged,
 * sent to the server its rule names, and the response carried back, several at once where the
 * client speaks HTTP/2. Messages are re-serialised from parsed fields behind the guard; bodies are
 * streamed with back-pressure and never stored. */
#pragma once

#include "daemon/http/exchange.h"
#include "daemon/http/leg.h"

struct conversation;

/* What a conversation needs of the connection it lives in, handed down at birth. */
struct conversation_host {
	/* A new id for an exchange, never used before in this journal. */
	uint64_t (*identify)(void *context);

	/* Decides about the exchange's request (head complete, body not yet read). A decision that
	 * asks is asked for again when the server is there and when the response head is known: a
	 * block then is a page in the response's place, a route then is no longer possible. */
	struct decision (*judge)(void *context, const struct exchange *exchange);

	/* Wants a server for the exchange under its rule (NULL while undecided). The host answers
	 * by conversation_server_ready() or conversation_server_failed(), now or later. Called once
	 * more when a server that had been used before closed instead of answering and the request
	 * may be repeated. Several exchanges may want one at the same time. */
	void (*reach)(void *context, struct exchange *exchange);

	/* The exchange no longer needs its server (NULL: it was still being reached). reusable: its
	 * HTTP state allows another request; otherwise the host closes it. */
	void (*release)(void *context, struct exchange *exchange, struct side *server,
			bool reusable);

	/* Something worth an event happened: request head, whole request, response head, whole
	 * response, or error; WebSocket begins and ends. exchange->error tells. EXCHANGE_OVER is
	 * the last word about every exchange, when its server has been released. */
	void (*note)(void *context, const struct exchange *exchange, enum exchange_event event);

	/* The conversation is over (both directions done, or broken); the host ends the connection:
	 * in order when the client's write_ended is set (all that was to be said has been said),
	 * else with a reset. The last thing a turn does: the host may free the conversation. */
	void (*finish)(void *context, enum reason reason);
};

struct conversation_settings {
	const struct conversation_host *host;
	void *context;
	struct side *client;
	const struct limits *limits; /* the policy's; outlives the conversation */
	struct allowance *allowance;     /* pays for what is under way; outlives it too; NULL: nobody counts */
	bool http2;		  /* the client speaks HTTP/2 */
	bool leaving; /* as if conversation_retire() were called at once */
	bool secure;		     /* the client speaks TLS with us: scheme https */
	const char *default_host; /* SNI or destination, for journal only; never used for judging */
};

/* NULL when out of memory. Sides stay the host's. */
struct conversation *conversation_new(const struct conversation_settings *settings);

/* A running exchange ends with an error event and reason `cut`; finish() is not called. NULL is
 * fine. */
void conversation_free(struct conversation *conversation);

/* Goes as far as it can; called whenever any of its sides woke. Only here, and as the last thing,
 * finish() is called. */
void conversation_turn(struct conversation *conversation);

/* A leg that speaks HTTP/1, or HTTP/2, to a connected server (its TLS verified), for any number of
 * exchanges. NULL when out of memory. */
struct leg *conversation_speak(struct conversation *conversation, struct side *server);
struct leg *conversation_speak_h2(struct conversation *conversation, struct side *server);

/* True when the leg can take an exchange now. */
bool leg_is_free(const struct leg *leg);

/* True when nothing more can come of it, and nothing is under way. */
bool leg_is_spent(const struct leg *leg);

/* True when the server has said that it takes an extended CONNECT (RFC 8441). */
bool leg_carries_tunnels(const struct leg *leg);

/* True when it can carry several exchanges at a time. */
bool leg_is_shared(const struct leg *leg);

/* The server's side is about to be closed. NULL is fine. */
void leg_retire(struct leg *leg);

/* Answers to host->reach(). They only note it: conversation_turn() goes on (a turn that is running
 * does so by itself). */
void conversation_server_ready(struct exchange *exchange, struct leg *server);
void conversation_server_failed(struct exchange *exchange, enum reason reason);

/* Steady microseconds by which something must have happened; INT64_MAX: never, 0: there is more to
 * do at once, it only stopped to let others have their turn. Expire sees what is overdue (refuses
 * the request, answers 504, ends an idle connection); conversation_turn() goes on with it. */
int64_t conversation_deadline(const struct conversation *conversation);
void conversation_expire(struct conversation *conversation);

/* The client is asked to come again on another connection, but what it has sent or still sends here is answered:
 * in HTTP/1 the next response is the last, in HTTP/2 the client says when. */
void conversation_retire(struct conversation *conversation);

/* Ends after the running exchanges, now when there is none: the gateway is stopping. May call
 * finish(). */
void conversation_drain(struct conversation *conversation);

/* The running exchanges: the one after this (NULL: the first), or NULL. */
const struct exchange *conversation_exchange(const struct conversation *conversation,
					     const struct exchange *after);
