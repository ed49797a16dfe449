/* What one run of the storm does: everything follows from a seed, so that both ends, and whoever repeats it,
 * know the same. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum way { PASSED, GREETED, PASSED_TLS, READ, INSPECTED, WAYS };

/* Who speaks; also the direction of what is said: a client's bytes go up. */
enum who { CLIENT, SERVER };

enum framing { BY_LENGTH, BY_CHUNKS, BY_CLOSING };

struct message {
	size_t length;
	enum framing framing;
};

enum { EXCHANGES_MAX = 4, RUN_BYTES = 8 };

/* How an end treats its socket. */
struct pace {
	unsigned read_max, write_max; /* bytes in one call */
	unsigned pause_one_in;	      /* calls; 0: never */
	unsigned pause_micros;
	int sndbuf, rcvbuf; /* 0: as the kernel likes */
};

enum fault {
	NO_FAULT,
	RESETS, /* closes with a reset */
	LEAVES, /* closes, whatever it has not read */
	ENDS,	/* says no more, and reads on */
};

struct plan {
	uint64_t run;
	enum way way;
	struct pace pace[2];
	unsigned exchanges; /* one where bytes are only carried */
	struct message up[EXCHANGES_MAX], down[EXCHANGES_MAX];
	bool pipelined;	    /* the next request does not wait for the response */
	bool answers_early; /* what goes down does not wait for what comes up */
	bool half_closes;   /* the client ends its direction when it has said all */
	unsigned hesitation; /* milliseconds before the client's first byte */
	enum fault fault;
	enum who faulty;
	size_t fault_at; /* bytes the faulty end has carried in both directions */
};

/* The plan of this run. */
void plan_make(struct plan *plan, uint64_t run);

/* True where HTTP is spoken, and where TLS is. */
bool plan_is_http(const struct plan *plan);
bool plan_is_tls(const struct plan *plan);

/* Byte number `at` of what `who` says in an exchange. */
uint8_t plan_byte(const struct plan *plan, enum who who, unsigned exchange, size_t at);

/* A generator of random numbers: the next one, and one below a limit (not 0). */
uint64_t random_next(uint64_t *state);
uint64_t random_below(uint64_t *state, uint64_t limit);
