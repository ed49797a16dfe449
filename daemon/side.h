/* One side of a connection: a non-blocking socket, plain or TLS, with its public model. All reading,
 * writing and TLS code takes a side and works for the client's and the server's alike.
 *
 * The descriptor is watched once, edge-triggered, for both directions: a turn goes as far as it can
 * (until EAGAIN) and then waits; nothing is armed or disarmed. */
#pragma once

#include <event2/event_struct.h>
#include <openssl/types.h>
#include <sys/types.h>

#include "daemon/allowance.h"
#include "daemon/endpoint.h"
#include "daemon/tls/wire.h"

struct side {
	struct endpoint endpoint;
	int fd;              /* -1: not open */
	struct wire wire;    /* over fd */
	SSL *tls;            /* owned; NULL: plain */
	struct carrier *carrier; /* owned: TLS with a proxy below all this; NULL */
	struct event event;
	bool watched;
	void (*wake)(void *context);
	void *context;
	bool read_ended;     /* the peer's FIN or close_notify has been read */
	bool write_ended;    /* ours has been sent */
	bool shutdown_wanted; /* to be sent when pending is empty */
	struct allowance *allowance; /* pays for pending; NULL: nobody counts */
	char *pending;       /* bytes accepted by side_send() and not yet written; owned */
	size_t pending_start;
	size_t pending_length;
};

/* Makes an unopened side; allowance pays for what waits to be written (NULL: nobody counts). */
void side_begin(struct side *side, struct allowance *allowance);

/* Gives the side its connected or connecting, non-blocking socket; the side owns it from now on. */
void side_open(struct side *side, int fd);

/* Watches the socket: wake(context) is called, once per turn of the loop, whenever anything may have
 * changed in either direction. 0 or -1. */
int side_watch(struct side *side, struct event_base *base, void (*wake)(void *context),
	       void *context);

/* Speaks TLS from now on; takes tls (made by tls/origin.h or tls/terminator.h) over. 0; -1 when out of
 * memory: then there is none. */
int side_secure(struct side *side, SSL *tls);

/* The TLS spoken so far, handshake done, was with a proxy: from now on everything goes inside it. 0; -1 when out
 * of memory. */
int side_nest(struct side *side);

/* Reads up to size bytes. >0: bytes; 0: orderly end of stream; -1 with errno: EAGAIN nothing now,
 * ECONNRESET the peer reset, EPROTO TLS was violated or cut short (RFC 8446 section 6.1). Counts bytes and
 * keeps endpoint.state true. */
ssize_t side_read(struct side *side, void *bytes, size_t size);

/* Like side_read(), but leaves the bytes where they are and counts nothing. */
ssize_t side_peek(struct side *side, void *bytes, size_t size);

/* Bytes that TLS has decrypted already and the socket will not announce again; 0 for plain sides. */
size_t side_buffered(const struct side *side);

/* True when the peer has reset the connection, asked of the kernel when an edge has come. For whoever does not read the side now:
 * reading would tell, an edge does not say so, and poll(2) tells without taking the error away. */
bool side_is_broken(struct side *side);

/* What was read last ended a message: until the peer is announced again there is no use in asking for more.
 * Not for the middle of one: a reset that came with the bytes is not announced again. */
void side_rest(struct side *side);

/* Writes all bytes, keeping what the socket does not take. 0, or -1 with errno as side_read(). Callers keep the
 * bound: nothing is sent while side_pending() is not 0, except the end of a message already begun. */
int side_send(struct side *side, const void *bytes, size_t length);

/* Writes pending bytes. 0 even when some remain; -1 with errno. */
int side_flush(struct side *side);

/* Bytes accepted by side_send() and not yet taken by the socket, and 1 for an end that waits for room. */
size_t side_pending(const struct side *side);

/* Ends our direction after pending bytes: FIN, before it close_notify on TLS. The other direction goes
 * on. 0 or -1 with errno. */
int side_shutdown(struct side *side);

enum side_progress { SIDE_DONE, SIDE_WAIT, SIDE_FAILED };

/* Drives the TLS handshake. */
enum side_progress side_handshake(struct side *side);

/* Closes in order (FIN): what was written still arrives. Frees TLS and buffers; the model stays. */
void side_close(struct side *side);

/* Closes with a reset: the peer is told at once that something failed. */
void side_reset(struct side *side);

/* Gives the open socket, and what speaks TLS over it (NULL: plain), to the caller; to this side and its model it is
 * closed. Nothing may be pending. */
int side_release(struct side *side, SSL **tls);

/* Frees everything, the model too. The side is as after side_begin(). */
void side_end(struct side *side);
