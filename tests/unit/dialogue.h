/* A conversation between a scripted client and recording servers, over real sockets and real sides:
 * what tests of daemon/http say and expect. */
#pragma once

#include "daemon/http/conversation.h"

enum { DIALOGUE_SERVERS = 8, DIALOGUE_TEXT = 1 << 20 };

struct dialogue_server {
	struct side side;
	struct leg *leg;
	int fd; /* the far end; -1: closed */
	const struct rule *rule;
	bool busy;
	bool released;
	char *received; /* all it ever got */
	size_t length;
};

struct dialogue {
	struct conversation *conversation;
	struct allowance allowance; /* of all its storage; nothing may be left at the end */
	struct side client;
	struct limits limits;
	int fd; /* the client's end */
	struct dialogue_server servers[DIALOGUE_SERVERS];
	size_t server_count;
	const struct rule *rule;	  /* what the judge says ... */
	const struct rule *response_rule; /* ... and, when set, says only at the response */
	unsigned judgements;
	enum reason reach_failure; /* the host finds no server */
	bool late;		   /* the host answers only when told to */
	struct exchange *reaching;
	char notes[4096];     /* "request-headers request response-headers response " */
	enum reason finished; /* REASON_NONE: still going on */
	enum reason error; /* of the exchange that ended last */
	unsigned status;
	char *heard; /* all the client ever got */
	size_t heard_length;
	bool heard_end;
	bool heard_reset;
};

extern const struct rule dialogue_pass;

/* What is said most. */
#define HOST  "Host: a.example\r\n"
#define GET   "GET / HTTP/1.1\r\n" HOST "\r\n"
#define OK    "HTTP/1.1 200 OK\r\n"
#define OK_HI OK "Content-Length: 2\r\n\r\nhi"

struct dialogue *dialogue_new(void);
void dialogue_free(struct dialogue *dialogue);

/* The same as a test's set-up and tear-down: *state is the dialogue. */
int dialogue_begin(void **state);
int dialogue_end(void **state);

/* Lets everything run until nothing moves: conversation, client and servers. */
void dialogue_run(struct dialogue *dialogue);

/* Turns only: nobody reads what was sent. */
void dialogue_turn(struct dialogue *dialogue);

/* Says it and lets everything run. */
void client_says(struct dialogue *dialogue, const char *text);
void client_says_bytes(struct dialogue *dialogue, const char *bytes, size_t length);
void server_says(struct dialogue *dialogue, size_t server, const char *text);

/* Half-closes or closes the client's or the server's end. */
void client_ends(struct dialogue *dialogue);
void client_closes(struct dialogue *dialogue);
void server_closes(struct dialogue *dialogue, size_t server);

/* The host's late answer. */
void host_answers(struct dialogue *dialogue);

/* What was received since the last call must be exactly this (NULL-terminated text). */
void client_hears(struct dialogue *dialogue, const char *text);
void server_hears(struct dialogue *dialogue, size_t server, const char *text);

/* A page with this status and nothing else, then the end of the stream. */
void client_hears_page(struct dialogue *dialogue, unsigned status);
