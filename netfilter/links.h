/* The machine's network ports, by one rtnetlink dump. */
#pragma once

#include <net/if.h>
#include <stdbool.h>

struct link {
	unsigned index;
	char name[IF_NAMESIZE];
	bool loopback;
	bool member; /* of a bridge, a bond or the like: its packets enter IP by the other */
};

typedef void links_each_call(void *context, const struct link *link);

/* Hears of every port of this network namespace. 0, or -1 with errno. */
int links_each(links_each_call *each, void *context);
