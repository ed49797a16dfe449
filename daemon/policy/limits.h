/* What the owner may bound under `limits`. One line here is one limit: the key of the policy file, its
 * unit, default and range, what it bounds (for messages, the schema and the manual). Bounds that are not
 * the owner's to change stand in daemon/limits.h. */
#pragma once

#include <stdint.h>

enum limit_unit {
	LIMIT_OF_TIME,  /* microseconds; written "10 s" */
	LIMIT_OF_BYTES, /* written "64 KB" */
	LIMIT_OF_COUNT,
};

#define LIMIT_SECOND UINT64_C(1000000)
#define LIMIT_HOUR (3600 * LIMIT_SECOND)

#define LIMITS(LIMIT)                                                                              \
	LIMIT(HELLO, "hello", TIME, 10 * LIMIT_SECOND, LIMIT_SECOND, LIMIT_HOUR,                   \
	      "how long a client may take for its first bytes")                                    \
	LIMIT(CONNECT, "connect", TIME, 10 * LIMIT_SECOND, LIMIT_SECOND / 10, LIMIT_HOUR,          \
	      "how long it may take to find and reach a server")                                   \
	LIMIT(TLS, "tls", TIME, 10 * LIMIT_SECOND, LIMIT_SECOND / 10, LIMIT_HOUR,                  \
	      "how long a TLS handshake may take")                                                 \
	LIMIT(IDLE, "idle", TIME, LIMIT_HOUR, LIMIT_SECOND, 168 * LIMIT_HOUR,                      \
	      "how long a connection may be silent in both directions")                            \
	LIMIT(HALF_CLOSED, "half-closed", TIME, 300 * LIMIT_SECOND, LIMIT_SECOND, 24 * LIMIT_HOUR, \
	      "how long a connection that one end has finished may be silent")

enum limit {
#define LIMIT_ENUM(name, word, unit, normal, least, most, what) LIMIT_##name,
	LIMITS(LIMIT_ENUM)
#undef LIMIT_ENUM
	LIMIT_COUNT
};

struct limits {
	uint64_t value[LIMIT_COUNT]; /* in the limit's unit */
};

/* Sets every limit to its default. */
void limits_begin(struct limits *limits);

/* The key of a limit in the policy file; static storage. */
const char *limit_word(enum limit limit);
