/* Which name a device asked for before it speaks to an address: learned from DNS answers that pass
 * by, for as long as they say (at least a minute, at most a day). A table of fixed size in memory
 * that all processes share: what one has learned, all know. What is new takes the place of what is
 * old. No locks: who is killed while it writes leaves a place that counts as free. */
#pragma once

#include "daemon/address.h"
#include "daemon/name.h"

enum {
	SIGHTINGS_MAX = 4096,
	SIGHTINGS_SEED = 16, /* bytes */
	SIGHTING_SECONDS_MIN = 60,
	SIGHTING_SECONDS_MAX = 86400,
};

struct sightings;

/* Empty; processes forked afterwards share it. 1.2 MB of address space, of which only what is used
 * takes memory. seed: nobody else's, so that nobody can crowd out others on purpose, or forge a
 * whole entry out of halves. NULL with errno. */
struct sightings *sightings_new(const uint8_t seed[static SIGHTINGS_SEED]);
void sightings_free(struct sightings *sightings);

/* Notes that an answer gave this address for this (canonical) name. now: seconds of a clock that
 * all processes share and nobody sets. */
void sightings_note(struct sightings *sightings, const struct address *address, const char *name,
		    uint32_t ttl, int64_t now);

/* The name last seen for an address. False: none, or its time is over; name is then "". */
bool sightings_find(const struct sightings *sightings, const struct address *address, int64_t now,
		    char name[static NAME_SIZE]);
