/* UDP sockets as capturing needs them: one that receives what is meant for others, those that answer in
 * their name, and those that go on to them. Linux: ip(7), ipv6(7), Documentation/networking/tproxy.rst. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/address.h"
#include "daemon/reader.h"

struct datagram {
	struct address client;
	struct address origin; /* where the client wanted to go */
	unsigned port;	       /* index of the interface it came in by; 0: unknown */
	struct span bytes;
};

/* Opens a non-blocking, close-on-exec UDP socket for TPROXY on all addresses, dual-stack (IPv4 alone where
 * IPv6 is off), SO_REUSEPORT so that each worker has its own on the same port; the kernel gives all datagrams
 * of one client to one origin to the same. port 0: the kernel chooses. Needs CAP_NET_RAW or CAP_NET_ADMIN.
 * Descriptor, or -1 with errno. */
int datagram_listen(uint16_t port);

/* Receives one into storage. 1; 0: there is none, or it cannot be told where it wanted to go (then
 * datagram->bytes are NULL and another may wait); -1 with errno. */
int datagram_receive(int descriptor, struct datagram *datagram, void *storage, size_t size);

/* A socket that sends in an origin's name. Needs CAP_NET_RAW. Descriptor, or -1 with errno. */
int datagram_impersonate(const struct address *origin);

/* A socket connected to an address, shown the client's address unless that is NULL or of the other family.
 * Descriptor, or -1 with errno. */
int datagram_connect(const struct address *to, const struct address *client);
