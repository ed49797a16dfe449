/* A device of the owner's network, known by addresses, prefixes and MACs. */
#pragma once

#include <stddef.h>

#include "daemon/address.h"

struct device {
	char *name;
	bool by_host;	/* leases said some of the rest, or will */
	uint64_t quota; /* bytes a day, both ways together; 0: any number */
	size_t prefix_count;
	struct prefix *prefixes;
	size_t mac_count;
	uint8_t (*macs)[6];
};

/* True when the client address lies in one of the prefixes, or mac (6 bytes, may be NULL) is one of
 * the device's. Pure. */
bool device_matches(const struct device *device, const struct address *client, const uint8_t *mac);

/* Frees what the device holds, not the device itself. */
void device_end(struct device *device);

/* Reads "02:00:00:00:00:10" (or with '-'). 0 or -1. */
int mac_parse(uint8_t mac[static 6], const char *text);

enum { MAC_TEXT = 18 };

/* Writes "02:00:00:00:00:10" and returns text. */
char *mac_print(const uint8_t mac[static 6], char text[static MAC_TEXT]);
