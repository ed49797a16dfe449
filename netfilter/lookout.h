/* Sees TCP connections begin without holding them up: the kernel writes every SYN that comes in by
 * chosen ports into memory that we share with it (packet(7), PACKET_RX_RING), before it goes on.
 * No wake-up, no system call. Opening needs CAP_NET_RAW. */
#pragma once

#include <stddef.h>

#include "daemon/packet/packet.h"

/* 2,496 SYNs; what comes beyond that while nobody reads is not seen. */
enum { LOOKOUT_BLOCKS = 32, LOOKOUT_BLOCK = 16384, LOOKOUT_FRAME = 208 };

struct lookout;

/* Receives a SYN (PACKET_TCP), or a piece of TCP whose whole nobody has seen yet (PACKET_FRAGMENT). */
typedef void lookout_each(void *context, const struct packet *packet);

/* Sees nothing yet. NULL with errno. */
struct lookout *lookout_open(void);

/* NULL is fine. */
void lookout_close(struct lookout *lookout);

/* Looks at these interfaces (by index) from now on, at most LAN_PORTS_MAX. 0, or -1 with errno. */
int lookout_choose(struct lookout *lookout, const unsigned *ports, size_t count);

/* Hands over what has come by since the last time, in its order. Every SYN is there before its
 * connection's next packet can be. */
void lookout_read(struct lookout *lookout, lookout_each *each, void *context);
