/* Sockets that send datagrams in the names of the servers that devices wanted: one for each server's
 * address and port, kept for the next answer. Bounded; the one that was used longest ago gives way. */
#pragma once

#include "daemon/address.h"
#include "daemon/reader.h"

enum { REPLY_SOCKETS_MAX = 256, REPLY_SOCKET_WAYS = 4 };

struct reply_sockets;

/* NULL when out of memory. */
struct reply_sockets *reply_sockets_new(void);
void reply_sockets_free(struct reply_sockets *sockets);

/* Sends a datagram to a client in an origin's name. 0, or -1 with errno; EAGAIN: the kernel has no room,
 * and it is lost, as datagrams are. */
int reply_sockets_send(struct reply_sockets *sockets, const struct address *origin,
		       const struct address *client, struct span bytes);
