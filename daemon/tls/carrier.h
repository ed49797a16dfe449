/* TLS with a proxy, through which everything else of a connection goes: what lies above sees a stream, plain or
 * TLS of its own. */
#pragma once

#include "daemon/tls/wire.h"

struct carrier;

/* Takes over the TLS session of a wire, handshake done, and gives the wire back as a stream inside it. NULL
 * when out of memory; nothing has changed then. */
struct carrier *carrier_new(struct wire *wire, SSL *tls);

/* Ends the session, without a word, and frees it; the socket stays open. NULL is fine. */
void carrier_free(struct carrier *carrier);

/* As wire_read(), wire_peek() and wire_write(), inside the session. */
ssize_t carrier_read(struct carrier *carrier, void *bytes, size_t size);
ssize_t carrier_peek(struct carrier *carrier, void *bytes, size_t size);
ssize_t carrier_write(struct carrier *carrier, const void *bytes, size_t length);

/* The loop has announced something for the socket below. */
void carrier_announce(struct carrier *carrier, bool ending);

/* Tells the proxy that nothing more comes (close_notify). */
void carrier_finish(struct carrier *carrier);
