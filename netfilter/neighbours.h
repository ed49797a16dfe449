/* The hardware address behind a LAN address, from the kernel's neighbour table, with a small cache:
 * an answer serves for 30 s, "not known" for 1 s. One per process; no privilege needed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/address.h"

enum { MAC_SIZE = 6, NEIGHBOURS_CACHED = 512, NEIGHBOUR_SECONDS = 30, STRANGER_SECONDS = 1 };

struct neighbours;

/* Opens the netlink socket; NULL with errno. */
struct neighbours *neighbours_open(void);

/* NULL is fine. */
void neighbours_close(struct neighbours *neighbours);

/* Writes the Ethernet address of the neighbour with this address on the port with this interface
 * index. False when the kernel knows none (a client behind another router, a port without Ethernet
 * addresses). A cached answer costs no system call; else one RTM_GETNEIGH (Linux 5.0). */
bool neighbours_find(struct neighbours *neighbours, unsigned port, const struct address *address,
		     uint8_t mac[static MAC_SIZE]);
