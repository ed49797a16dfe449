/* What a DHCP server has written down of its leases: which hardware and which addresses a host name stands for.
 * The names are what devices say of themselves. Reads dnsmasq's file and odhcpd's. Pure. */
#pragma once

#include "daemon/address.h"
#include "daemon/reader.h"

/* Hears of one lease: its MAC (6 bytes; NULL: not told), its address (NULL: not told). */
typedef void lease_visit(void *context, const uint8_t *mac, const struct address *address);

/* Visits the leases under this host name, compared without case. What is not understood is stepped over. */
void leases_find(struct span leases, const char *host, lease_visit *visit, void *context);
