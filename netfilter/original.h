/* Where a captured client wanted to go. All the ways of the kernel to say so are behind this file.
 */
#pragma once

#include "daemon/address.h"

/* Finds the original destination of an accepted TCP socket: its own local address when the socket
 * is transparent (conntrack may be stale and is not asked), else what conntrack remembers from
 * before the redirect (SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST). 0, or -1 with errno; ENOENT: nobody
 * redirected this connection. Whether the destination is the gateway itself is for local.h to say.
 */
int original_find(int descriptor, struct address *original);

/* The same where the listener is known to be transparent: one question less to the kernel. */
int original_local(int descriptor, struct address *original);
