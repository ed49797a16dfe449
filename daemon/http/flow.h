/* What the files of a conversation share, and nobody else: its state, and the steps by which they
 * hand over to one another. conversation.c holds the phases together, request.c brings requests to
 * servers, response.c brings the answers back. */
#pragma once

#include "daemon/http/conversation.h"
#include "daemon/http/h1_reader.h"

enum phase {
	PHASE_IDLE,	 /* between two exchanges */
	PHASE_READING,	 /* a request head */
	PHASE_REACHING,	 /* the host looks for a server */
	PHASE_CARRYING,	 /* request and response, in both directions */
	PHASE_CLOSING,	 /* the last bytes to the client, then our FIN */
	PHASE_LINGERING, /* reads away what the client still sends: no reset may overtake a page,
			    and who is dropped hears nothing */
	PHASE_UPGRADED,	 /* the host has taken over */
	PHASE_OVER,
};

struct conversation {
	struct conversation_settings settings;
	struct exchange exchange;
	struct h1_reader request_reader;
	struct h1_reader response_reader;
	struct span input;   /* of the client, read and not yet parsed: at most CHUNK_SIZE */
	char *kept;	     /* owned; holds input between two turns */
	struct side *server; /* NULL until the host has one ready */
	enum phase phase;
	enum reason failure; /* why the host has no server */
	enum reason reason;  /* for finish() */
	unsigned interim;    /* 1xx responses of this exchange */
	int64_t moved;	     /* steady microseconds when bytes last moved */
	bool running;	     /* there is an exchange */
	bool wants_server;   /* the host has been asked for one and has it, or is about to */
	bool undecided;	     /* the judge asked for a later moment */
	bool reused;	     /* the server has answered before */
	bool retried;
	bool upgrade_sent;
	bool request_done;     /* all of it has been sent on */
	bool request_given_up; /* the server takes no more of it */
	bool response_begun;   /* its final head has been sent on */
	bool stays;	       /* the client's connection goes on after this exchange */
	bool draining;
	bool turning;
	bool again; /* stopped only to be fair */
	bool told;  /* finish() or upgrade() has been called */
};

enum { OUTPUT_MAX = 2 * HEAD_MAX + 2 * CHUNK_SIZE };

/* Working storage of one turn, the same for all conversations of the process; nothing in it
 * outlives the turn. */
struct scratch {
	char client[CHUNK_SIZE];
	char server[CHUNK_SIZE];
	char output[OUTPUT_MAX];
	struct head head; /* on its way to the printer */
};
extern struct scratch flow_scratch;

enum filled { FILLED, FILL_WAIT, FILL_ENDED, FILL_BROKEN };

/* Reads input from the client when there is none. */
enum filled flow_fill(struct conversation *conversation);

/* Notices a client that has gone while it has nothing to say; ends the conversation then. Reads
 * ahead at most one chunk. */
void flow_watch_client(struct conversation *conversation);

/* Answers the request with a page of our own and closes; after a response has begun there is only
 * flow_break(). detail is static text or NULL. */
void flow_refuse(struct conversation *conversation, unsigned status, enum reason reason,
		 const char *detail);

/* Ends the exchange with an error and the client's connection with a reset. */
void flow_break(struct conversation *conversation, enum reason reason);

/* Ends the exchange with an error and the client's connection in order. */
void flow_cut_short(struct conversation *conversation, enum reason reason);

/* Ends the client's connection in order between two exchanges. */
void flow_close(struct conversation *conversation, enum reason reason);

/* The exchange is complete; reusable: the server may be asked again. */
void flow_complete(struct conversation *conversation, bool reusable);

/* Gives the server back to the host. */
void flow_release(struct conversation *conversation, bool reusable);

/* What a block verdict does to a request. */
void flow_block(struct conversation *conversation);

/* One direction's bytes on their way from a reader to a side. */
struct carriage {
	struct h1_reader *reader;
	struct span *input;
	struct text *output; /* what goes before it (a head), and storage for chunks */
	struct side *to;
	uint64_t *count;
	bool chunked; /* as sent */
};

enum carried { CARRIED_MORE, CARRIED_ALL, CARRIED_BROKEN, CARRIED_UNSENT };

/* Sends output and the body as far as input goes. BROKEN: input breaks the rules, output has not
 * been sent. UNSENT: the side failed. */
enum carried flow_carry(const struct carriage *carriage);

/* request.c: the two phases before a server is there. */
void request_read(struct conversation *conversation);
void request_reach(struct conversation *conversation);

/* A used server closed instead of answering: asks another one, once, when the request may be
 * repeated. False when it may not. */
bool request_repeat(struct conversation *conversation);

/* Carries one step of the body; true when something moved. */
bool request_carry(struct conversation *conversation);

/* response.c: carries one step of the response; true when something moved. */
bool response_carry(struct conversation *conversation);
