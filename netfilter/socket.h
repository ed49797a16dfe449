/* Sockets as capturing needs them: listeners that accept connections meant for others, and upstream
 * sockets that speak with the client's address. Linux: ip(7), Documentation/networking/tproxy.rst.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/address.h"

/* Opens a non-blocking, close-on-exec TCP listener on all addresses, dual-stack (IPv4 alone where
 * IPv6 is off), SO_REUSEPORT so that each worker has its own on the same port. port 0: the kernel
 * chooses (see socket_port()). Transparent, for TPROXY: needs CAP_NET_RAW or CAP_NET_ADMIN.
 * Descriptor, or -1 with errno. */
int socket_listen_transparent(uint16_t port);

/* The same without transparency, for REDIRECT; needs no privilege. */
int socket_listen_plain(uint16_t port);

/* Opens a non-blocking, close-on-exec TCP listener at one address, which need not be there yet (IP_FREEBIND), for
 * what comes in by one port of the machine alone ("": by any; the kernel notes the port's index). One of ours may
 * listen there still, on its way out (SO_REUSEPORT). Descriptor, or -1 with errno. */
int socket_listen_at(const struct address *address, const char *port);

/* True when someone listens on the TCP port of any address of ours already; to find a conflict
 * before it happens, as SO_REUSEPORT would share silently with another process of the same user. */
bool socket_port_is_taken(uint16_t port);

/* The local port of a socket, 0 when it has none. */
uint16_t socket_port(int descriptor);

/* Ports from which we speak with a client's address: below those that devices take for their own connections (Linux
 * and Android from 32768 on, Windows and Apple's systems from 49152). One that both take towards the same server would
 * be one connection to conntrack and to the server (decisions/0016). */
enum { SOCKET_PORT_FIRST = 10240, SOCKET_PORT_END = 32768 };

/* The one that is tried first for a client's port, never the same: as hard to foresee as that, and free again when that
 * is. */
uint16_t socket_port_for(uint16_t client);

/* Begins to connect a new TCP socket, non-blocking, close-on-exec and tuned (socket_tune()), to an address: as client,
 * where one is given and is of the same family, on one of these ports and never the client's own; where eight tries
 * find none free, on any. Else as the gateway itself. The answers to a client's address come back only with the table and
 * the routes in place. Needs CAP_NET_RAW or CAP_NET_ADMIN for a client. Descriptor, or -1 with errno. */
int socket_dial(const struct address *to, const struct address *client);

/* The same for an unconnected UDP socket of the client's family, which stays for the caller to connect. 0, or -1 with
 * errno. */
int socket_keep_source(int descriptor, const struct address *client);

/* Sets the mark of the packets a socket sends (SO_MARK; CAP_NET_RAW since Linux 5.17, before that
 * CAP_NET_ADMIN). 0, or -1 with errno. */
int socket_mark(int descriptor, uint32_t mark);

/* Small pieces go out at once, and a peer that is silently gone is noticed (TCP_NODELAY, keep-alive). What a
 * listener accepts inherits it, which saves the calls for every connection. */
void socket_tune(int descriptor);
