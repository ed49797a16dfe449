/* What one program leaves to the next that runs in the same process (succession.h): open descriptors, and their
 * meaning as JSON in a file in memory. Programs of different versions meet here: what one does not know it
 * leaves alone, and what has to be understood is in the number. */
#pragma once

#include "daemon/supervisor/doors.h"
#include "daemon/supervisor/elders.h"

enum { ESTATE_VERSION = 1 };

struct estate {
	int lock;                   /* of the run directory; -1: nothing was left */
	int asker;                  /* the client that is told how it went; -1: none */
	enum capture_method method; /* by which the doors are reached */
	struct doors doors;
	struct elders elders;       /* those of before, and the workers of today */
	struct elders packet;       /* the packet doors of today */
	int sightings;              /* names learned from DNS (packet/sightings.h); -1: none were left */
};

/* Nothing in it. */
void estate_begin(struct estate *estate);

/* Writes it where the next program finds it, and lets its descriptors outlive exec(). 0, or -1 with errno:
 * then estate_keep(). */
int estate_leave(const struct estate *estate);

/* The next program has not come: the descriptors close on exec again. */
void estate_keep(const struct estate *estate);

/* Takes over what the program before has left in this process: descriptors are the estate's, and close on exec.
 * False with a logged cause when something was left that cannot be read; the estate is then empty. */
bool estate_take(struct estate *estate);
