/* A socket as TLS and plain reading see it: it remembers that there is nothing to read before the
 * event loop says so, and lets a short last word travel with what follows it. */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <sys/types.h>

/* Handshake messages of a peer in a row with not a byte of data between them: a handshake has some
 * ten, a long connection renews its keys now and then. */
enum { CHATTER_MAX = 100 };

struct carrier;

/* Whoever wants to know what goes over a wire. Owned by the side, which calls end() when it closes. While it has no
 * room nothing is read; it wakes the side when it has. */
struct tap {
	bool (*has_room)(struct tap *tap);
	void (*bytes)(struct tap *tap, bool sent, const void *bytes, size_t length);
	void (*keys)(struct tap *tap, const char *line); /* of an NSS key log, no newline */
	void (*end)(struct tap *tap);
};

struct wire {
	int fd;
	struct carrier *carrier; /* what goes over it goes inside TLS with a proxy (carrier.h); NULL */
	bool announced; /* an edge tells when there is something new; without it nothing is remembered */
	bool drained;	/* nothing to read before the next edge */
	bool fresh;	/* an edge has come since the last read */
	bool news;	/* and it may have been a reset, for which nobody has looked yet */
	bool told;	/* the loop has announced anything at all */
	bool full;	/* the last read filled its room: there may be more */
	bool ending;	/* the peer's FIN has been announced */
	bool ended;	/* and read */
	bool severed;	/* writing has failed: what looks like a FIN from now on was a reset */
	bool more;	/* what is written now is followed by more at once (MSG_MORE) */
	struct tap *tap;  /* NULL: nobody listens */
	unsigned chatter; /* handshake messages since the last data */
};

/* A wire over fd, which stays the caller's. */
void wire_begin(struct wire *wire, int fd);

/* As recv() and send() on the non-blocking socket, without a call where it would be in vain. */
ssize_t wire_read(struct wire *wire, void *bytes, size_t size);
ssize_t wire_peek(struct wire *wire, void *bytes, size_t size);
ssize_t wire_write(struct wire *wire, const void *bytes, size_t length);

/* The loop has announced something to read; ending: the peer's FIN among it. */
void wire_announce(struct wire *wire, bool ending);

/* The loop has announced something, but nothing to read. */
void wire_announce_room(struct wire *wire);

/* Lets TLS read and write over the wire, which must outlive it. A peer that keeps TLS busy with
 * more than CHATTER_MAX messages (KeyUpdate, HelloRequest, tickets) finds reading broken with
 * EPROTO. 0; -1 when out of memory. */
int wire_attach(struct wire *wire, SSL *tls);
