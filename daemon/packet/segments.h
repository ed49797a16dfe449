/* The beginning of a stream whose pieces arrive in any order, more than once, and overlapping: the
 * first segments of a TCP connection (RFC 9293), CRYPTO frames of QUIC (RFC 9000 section 19.6).
 * Pure but for the memory that grows with what was received.
 *
 * Two pieces that say different things about the same byte are a conflict: no honest sender does
 * that, and which of the two a server would believe depends on its system. Nobody has to guess: it
 * is refused. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/limits.h"

enum {
	SEGMENT_RUNS_MAX = 32,	       /* received stretches with holes between them */
	SEGMENT_BYTES_MAX = HELLO_MAX, /* from the stream's first byte */
};

enum segments_answer {
	SEGMENTS_TAKEN,
	SEGMENTS_CONFLICT, /* the same byte, said twice and differently */
	SEGMENTS_TOO_MUCH, /* beyond SEGMENT_BYTES_MAX or in too many pieces: nothing was taken */
	SEGMENTS_NO_MEMORY,
};

struct segment_run {
	uint32_t from; /* offset of its first byte; runs are sorted and never touch */
	uint32_t to;   /* behind its last */
};

struct segments {
	uint8_t *bytes; /* owned; NULL before the first piece */
	size_t size;
	size_t run_count;
	struct segment_run runs[SEGMENT_RUNS_MAX];
};

void segments_begin(struct segments *segments);
void segments_end(struct segments *segments);

/* Takes a piece that starts offset bytes behind the stream's first. */
enum segments_answer segments_add(struct segments *segments, size_t offset, const uint8_t *bytes,
				  size_t length);

/* Bytes known from the first on without a hole. */
size_t segments_ready(const struct segments *segments);
