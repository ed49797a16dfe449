/* What the files of a conversation share, and nobody else: the legs, the couriers between them, and
 * what a turn has to remember. */
#pragma once

#include "daemon/http/conversation.h"
#include "daemon/http/courier.h"

struct conversation {
	struct conversation_settings settings;
	struct leg *front;	 /* the client's */
	struct leg *backs;	 /* servers' */
	struct leg *retired;	 /* servers' that ended within this turn */
	struct courier *running; /* newest first */
	enum reason reason;	 /* for finish() */
	int64_t moved;  /* steady microseconds of the last turn in which something did */
	bool unsettled; /* and there may be memory to give back when nothing does */
	bool leaving;  /* the client shall come again on another connection */
	bool draining; /* and no request is waited for */
	bool turning;
	bool answered; /* the host has said something about a server since the last step */
	bool again; /* stopped only to be fair */
	bool over;
	bool told; /* finish() has been called */
};

/* The client's leg has nothing more to do: the conversation ends with this reason, if it is the
 * first. */
void hub_end(struct conversation *conversation, enum reason reason);

void hub_add_courier(struct courier *courier);
void hub_remove_courier(struct courier *courier);

/* The owner's limit: for times, microseconds. */
int64_t hub_limit(const struct conversation *conversation, enum limit limit);

/* What the connection's storage is taken from. */
struct allowance *hub_allowance(const struct conversation *conversation);

/* Seconds as steady microseconds. */
int64_t hub_seconds(int64_t count);
