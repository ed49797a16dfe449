/* What the owner may bound under `limits`. One line here is one limit: the key of the policy file, its
 * unit, default and range, what it bounds (for messages, the schema and the manual). Bounds that are not
 * the owner's to change stand in daemon/limits.h. */
#pragma once

#include <stdint.h>

#include "daemon/limits.h"

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
	LIMIT(REQUEST, "request", TIME, 10 * LIMIT_SECOND, LIMIT_SECOND, LIMIT_HOUR,               \
	      "how long the head of a request may take")                                           \
	LIMIT(RESPONSE, "response", TIME, 120 * LIMIT_SECOND, LIMIT_SECOND / 10, 24 * LIMIT_HOUR,  \
	      "how long a server may take for the head of its response")                           \
	LIMIT(KEEP_ALIVE, "keep-alive", TIME, 60 * LIMIT_SECOND, LIMIT_SECOND, LIMIT_HOUR,         \
	      "how long a connection may wait for its next request")                               \
	LIMIT(IDLE, "idle", TIME, LIMIT_HOUR, LIMIT_SECOND, 168 * LIMIT_HOUR,                      \
	      "how long a connection may be silent in both directions")                            \
	LIMIT(HALF_CLOSED, "half-closed", TIME, 300 * LIMIT_SECOND, LIMIT_SECOND, 24 * LIMIT_HOUR, \
	      "how long a connection that one end has finished may be silent")                     \
	LIMIT(BODY_RATE, "body-rate", BYTES, 256, 0, 1 << 20,                                      \
	      "how much of a request's body must come each second, after the grace")               \
	LIMIT(READ_RATE, "read-rate", BYTES, 256, 0, 1 << 20,                                      \
	      "how much of a response a client must take each second, after the grace")            \
	LIMIT(GRACE, "grace", TIME, 20 * LIMIT_SECOND, LIMIT_SECOND, LIMIT_HOUR,                   \
	      "how long body-rate and read-rate wait before they count")                           \
	LIMIT(URL_LENGTH, "url-length", BYTES, TARGET_MAX, 256, TARGET_MAX,                        \
	      "how long the target of a request may be")                                           \
	LIMIT(HEADER_SIZE, "header-size", BYTES, HEAD_MAX, 1024, HEAD_MAX,                         \
	      "how long the head of a request or a response may be")                               \
	LIMIT(HEADER_COUNT, "header-count", COUNT, FIELDS_MAX, 16, FIELDS_MAX,                     \
	      "how many header fields a message may have")                                         \
	LIMIT(STREAMS, "streams", COUNT, STREAMS_MAX, 1, STREAMS_MAX,                              \
	      "how many requests of an HTTP/2 connection may run at a time")                       \
	LIMIT(GLITCHES, "glitches", COUNT, GLITCHES_MAX, 64, 1000 * GLITCHES_MAX,                  \
	      "how many HTTP/2 frames may ask for work and bring nothing; 32 a second are forgiven") \
	LIMIT(STREAM_MEMORY, "stream-memory", BYTES, WINDOW_GROWTH_MAX, 0, 256 << 20,              \
	      "how much of an HTTP/2 connection may wait for slow readers, beside 64 KiB a stream") \
	LIMIT(CONNECTION_MEMORY, "connection-memory", BYTES, 16 << 20, 256 << 10, 1 << 30,         \
	      "how much memory one connection may hold for heads and bodies under way")            \
	LIMIT(DEVICE_CONNECTIONS, "connections-per-device", COUNT, 1024, 1, 1000000,               \
	      "how many connections one device may have at a time")                                \
	LIMIT(DEVICE_HANDSHAKES, "handshakes-per-device", COUNT, 100, 1, 1000000,                  \
	      "how many TLS connections of one device may be opened each second")

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
