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

/* Prepares an unconnected upstream TCP socket of the given family (AF_INET or AF_INET6) to speak as
 * client: transparent, bound to the client's address, the port chosen at connect()
 * (IP_BIND_ADDRESS_NO_PORT) and never the client's own, if that is given. The answers come back
 * only with the table and the routes in place. Needs CAP_NET_RAW or CAP_NET_ADMIN. 0, or -1 with
 * errno. */
int socket_keep_source(int descriptor, sa_family_t family, const struct address *client);

/* Sets the mark of the packets a socket sends (SO_MARK; CAP_NET_RAW since Linux 5.17, before that
 * CAP_NET_ADMIN). 0, or -1 with errno. */
int socket_mark(int descriptor, uint32_t mark);

/* Small pieces go out at once, and a peer that is silently gone is noticed (TCP_NODELAY, keep-alive). What a
 * listener accepts inherits it, which saves the calls for every connection. */
void socket_tune(int descriptor);
