/* WebSocket as far as a gateway has to know it (RFC 6455): frames are counted as they pass, and the
 * opening handshake of HTTP/1 is made and checked where HTTP/2 asked for it. Pure, but for the key. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/reader.h"

/* Where one direction stands between two frames. */
struct websocket_counter {
	uint64_t messages; /* whole ones, text or binary; control frames do not count */
	uint64_t left;	   /* payload bytes of this frame */
	uint8_t header[14];
	uint8_t have;
	bool lost; /* it was no WebSocket after all: nothing more is counted */
};

/* Looks at the next bytes of the stream, however they are cut. */
void websocket_count(struct websocket_counter *counter, struct span bytes);

enum { WEBSOCKET_KEY_SIZE = 25, WEBSOCKET_ACCEPT_SIZE = 29 };

/* A new random Sec-WebSocket-Key. False when there is no randomness. */
bool websocket_key(char key[static WEBSOCKET_KEY_SIZE]);

/* The Sec-WebSocket-Accept that answers a key (RFC 6455 section 4.2.2). */
void websocket_accept(const char *key, char accept[static WEBSOCKET_ACCEPT_SIZE]);
