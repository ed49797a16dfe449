/* A connection as conntrack knows it: how it began, ports included. Of other protocols than TCP and
 * UDP ports are 0. */
#pragma once

#include "daemon/address.h"

struct tuple {
	struct address client, destination;
	uint8_t protocol; /* IPPROTO_… */
};

struct nlattr;

/* Fills the tuple from a CTA_TUPLE_… attribute; what is missing there stays as it is. */
void tuple_read(struct tuple *tuple, const struct nlattr *attribute);
