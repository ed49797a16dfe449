/* Which name a device asked for before it speaks to an address: learned from DNS answers that pass
 * by, for as long as they say (at least a minute, at most a day). A table of fixed size; what is
 * new takes the place of what is old. */
#pragma once

#include "daemon/address.h"
#include "daemon/name.h"

enum { SIGHTINGS_MAX = 4096, SIGHTING_SECONDS_MIN = 60, SIGHTING_SECONDS_MAX = 86400 };

struct sightings;

/* NULL when out of memory. */
struct sightings *sightings_new(void);
void sightings_free(struct sightings *sightings);

/* Notes that an answer gave this address for this (canonical) name. now: seconds of a steady clock.
 */
void sightings_note(struct sightings *sightings, const struct address *address, const char *name,
		    uint32_t ttl, int64_t now);

/* The name last seen for an address; NULL: none, or its time is over. Valid until the next note. */
const char *sightings_find(const struct sightings *sightings, const struct address *address,
			   int64_t now);
