/* Lists are compiled so that they spare the networks on the LAN ports (guards.h). Those may come later than the
 * gateway, or change: then the lists are compiled anew. */
#pragma once

#include <stdbool.h>

struct supervisor;
struct netlink;

struct guarding {
	struct netlink *addresses; /* tells when one comes or goes; NULL: not to be had */
	bool changed;
};

/* Begins to listen. */
void guarding_begin(struct guarding *guarding);
void guarding_end(struct guarding *guarding);

/* Once a second. */
void guarding_tick(struct supervisor *supervisor);
