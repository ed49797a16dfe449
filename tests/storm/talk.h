/* What one end of a run says and hears: bytes that can be told from all others, bare or as HTTP/1.1. */
#pragma once

#include "tests/storm/plan.h"

enum { HEAD_ROOM = 4096, SAY_ROOM = 1024 /* least room for what is said at once */ };

/* A message on its way, in one direction. */
struct progress {
	unsigned exchange;
	enum { AT_HEAD, AT_BODY, AT_SIZE, AT_CHUNK, AT_CHUNK_END, AT_TRAILER } at;
	enum framing framing; /* heard */
	size_t body;	      /* bytes so far */
	size_t left;	      /* of the chunk, or of the body as announced */
};

struct talk {
	enum who who;
	bool http;
	bool greets;	  /* the server says a byte at once */
	bool known;	  /* plan is set: a server hears first which run it is in */
	struct plan plan;
	struct progress said, heard;
	char head[HEAD_ROOM]; /* being heard */
	size_t head_length;
	bool greeted;
	bool all_heard, end_heard;
	bool refused;	 /* the gateway answered in the server's place */
	char wrong[160]; /* what should not have been heard; empty: all was right */
};

/* A client's talk, and that of a server that knows only at which port it was called. */
void talk_begin_client(struct talk *talk, const struct plan *plan);
void talk_begin_server(struct talk *talk, enum way way);

/* The next bytes, at most room (SAY_ROOM or more); 0: nothing now. */
size_t talk_say(struct talk *talk, uint8_t *bytes, size_t room);

/* Takes what has come; false when it should not have come: wrong tells. */
bool talk_hear(struct talk *talk, const uint8_t *bytes, size_t length);

/* The peer's direction has ended in order. False when it should not have. */
bool talk_hear_end(struct talk *talk);

/* True when there is nothing left to say, and when our direction should end. */
bool talk_is_said(const struct talk *talk);
bool talk_should_end(const struct talk *talk);
