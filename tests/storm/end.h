/* One end of a run: a socket, plain or TLS, that carries a talk at its own pace and commits the run's fault. */
#pragma once

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "tests/storm/talk.h"

enum outcome {
	NOT_SEEN,
	ORDERLY,   /* both directions ended */
	CUT,	   /* the peer's reset, or TLS without its end */
	AT_FAULT,  /* it did what the plan wanted */
	STUCK,	   /* nothing moved for PATIENCE_SECONDS, neither here nor at the other end */
	WRONG,	   /* something came that should not: talk.wrong */
	UNREACHED, /* no connection, or no TLS */
};

enum { PATIENCE_SECONDS = 20 };

struct end {
	int fd;
	SSL *ssl; /* NULL: plain */
	struct talk *talk;
	uint64_t random;
	size_t carried; /* bytes, both directions */
	bool read_ended, write_ended;
	bool ending; /* close_notify waits for room */
	bool unsaid; /* close_notify could not be said */
	bool severed; /* the socket has failed: what looks like an end from now on is none */
	bool paced; /* by the plan */
	_Atomic double *(*run_moved_at)(uint64_t run); /* when either end of it last moved */
	double moved_at;			       /* this end; seconds, steady */
	int error;  /* errno of what cut it */
	size_t trying; /* the bytes of a write that has to be repeated; 0: none */
	size_t out_start, out_length;
	uint8_t out[16384];
	uint8_t in[131072];
};

/* Carries the talk to its end over a connected, non-blocking socket; closes it. ssl: set up and not yet
 * shaken, or NULL; freed. */
enum outcome end_run(struct end *end, struct talk *talk, int fd, SSL *ssl);

/* Its name; static storage. */
const char *outcome_word(enum outcome outcome);
