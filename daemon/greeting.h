/* What a client says first: protocol, name, what it offers. One reader for both doors: the bytes
 * lie in a worker's socket, or came in packets. Pure. */
#pragma once

#include "daemon/http/beginning.h"
#include "daemon/limits.h"
#include "daemon/packet/dns.h"
#include "daemon/protocol.h"
#include "daemon/tls/hello.h"

/* Room to put a handshake message together; the spans of a hello point into it. */
struct greeting_room {
	uint8_t message[HELLO_MAX];
};

enum greeting_answer {
	GREETING_MORE,	   /* a good beginning; protocol may be known already */
	GREETING_READ,	   /* everything that it says is set */
	GREETING_BROKEN,   /* TLS, but not a hello that can be read */
	GREETING_TOO_LONG, /* TLS, and longer than HELLO_MAX */
};

struct greeting {
	enum protocol protocol;
	struct hello hello;    /* of PROTOCOL_TLS */
	struct http_peek http; /* of PROTOCOL_HTTP */
	struct dns_message question; /* of PROTOCOL_DNS: the first; its name is "" when it cannot be read */
};

/* Reads the first bytes of a stream. HELLO_MAX bytes are the end: what is a beginning by then is
 * taken for what it looks like, a TLS hello for too long. */
enum greeting_answer greeting_read(const uint8_t *stream, size_t length, struct greeting_room *room,
				   struct greeting *greeting);

/* The name in it, canonical; NULL: none. */
const char *greeting_host(const struct greeting *greeting);
