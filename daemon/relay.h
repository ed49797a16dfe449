/* Carries bytes between two sides in both directions until each has ended: plain to plain by splice(2)
 * where it is bulk and by one copy where it is not; through TLS by copies. Half-closes and resets
 * are carried as they are. Memory is bounded by one pipe or one chunk a direction. */
#pragma once

#include "daemon/pipes.h"
#include "daemon/side.h"

/* One direction. */
struct flow {
	struct side *from;
	struct side *to;
	struct pipe *pipe; /* lent while bulk */
	bool bulk;         /* the last read filled its buffer */
	bool ended;        /* end of stream has been passed on */
};

struct relay {
	struct flow up;   /* client to server */
	struct flow down; /* server to client */
	struct pipes *pipes;
	char *scratch;    /* CHUNK_SIZE bytes, shared by all connections of the worker: nothing stays in
	                     it between two turns */
};

enum relay_answer {
	RELAY_WAIT,     /* until a side wakes */
	RELAY_AGAIN,    /* there is more, but others are waiting: call once more in the next turn */
	RELAY_FINISHED, /* both directions ended in order */
	RELAY_CLIENT_FAILED, /* the client's side broke: errno; reset the other */
	RELAY_SERVER_FAILED,
};

/* Both sides stay the caller's and must outlive the relay. */
void relay_begin(struct relay *relay, struct side *client, struct side *server,
		 struct pipes *pipes, char *scratch);

/* Goes as far as it can within one turn's share. */
enum relay_answer relay_turn(struct relay *relay);

/* True when one direction has ended: the other may be silent for the limit `half-closed`. */
bool relay_half_closed(const struct relay *relay);

/* Gives the pipes back. */
void relay_end(struct relay *relay);
