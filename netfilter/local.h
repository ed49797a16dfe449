/* The gateway's own addresses, followed as they change. A captured connection must never be sent to
 * one of them together with one of our listening ports (reason `loop`). */
#pragma once

#include <stdbool.h>

#include "daemon/address.h"

enum { LOCAL_ADDRESSES_MAX = 1024 };

struct local_addresses;

/* Reads the addresses and begins to listen for changes. All sockets are open afterwards: it may be
 * called before privileges are dropped; needs none itself. NULL with errno. */
struct local_addresses *local_addresses_open(void);

/* NULL is fine. */
void local_addresses_close(struct local_addresses *addresses);

/* Becomes readable when addresses may have changed: then call local_addresses_update(). */
int local_addresses_descriptor(const struct local_addresses *addresses);

/* Reads what changed; also mends itself after lost messages. 0, or -1 with errno: the addresses
 * known before stay. */
int local_addresses_update(struct local_addresses *addresses);

/* True for an address of any interface, all of 127.0.0.0/8, ::1 and the unspecified addresses. The
 * port is not looked at; a link-local address counts whatever its scope. */
bool local_addresses_contain(const struct local_addresses *addresses,
			     const struct address *address);
