/* What the system says about names: its resolv.conf and hosts file, read as text. Pure. */
#pragma once

#include <stddef.h>

#include "daemon/address.h"
#include "daemon/name.h"

enum {
	NAMESERVERS_MAX = 3, /* as in resolv.conf(5) */
	SEARCHES_MAX = 6,
	ADDRESSES_MAX = 8,   /* of one name and family */
};

struct nameservers {
	size_t count;
	struct address servers[NAMESERVERS_MAX]; /* port 53 where none is given */
	size_t search_count;
	char searches[SEARCHES_MAX][NAME_SIZE];
	unsigned dots; /* a name with as many is asked for as it stands first */
};

/* Reads a resolv.conf (resolv.conf(5)). Lines that are not understood are left out; without a single
 * nameserver it is the one on this machine. */
void nameservers_parse(struct nameservers *nameservers, const char *text, size_t length);

/* Finds the addresses of a canonical name in a hosts file (hosts(5)), at most most of them; returns how many. */
size_t hosts_find(const char *text, size_t length, const char *name, struct address *addresses,
		  size_t most);
