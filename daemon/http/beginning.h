/* The first bytes of a connection, looked at as an HTTP/1 request: is it one, and whose? It only guesses, for the first
 * judgement and the journal; the codec's guard has the last word. Pure. */
#pragma once

#include "daemon/fit.h"

/* Whether they are a request's, however odd: one that some lenient server would take must not be carried past rules
 * that read HTTP. At least one byte; HTTP/2's preface is for the caller to know. */
enum fit http_fit(struct span bytes);

struct http_peek {
	char host[256]; /* canonical (name_authority()); "": none, or more than one */
	uint16_t port;	/* of the Host field; 0: none */
	char method[32]; /* "": unreadable */
};

/* Looks for the end of the head and for its Host. True when the head is complete or can no longer be one: more bytes
 * would tell nothing more. */
bool http_peek(const uint8_t *bytes, size_t length, struct http_peek *peek);
