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

/* An empty table, as a file in memory whose size is fixed for ever: 1.2 MB, of which only what is used takes
 * memory. seed: nobody else's, so that nobody can crowd out others on purpose, or forge a whole entry out of halves. The
 * descriptor is the caller's, and closes on exec; -1 with errno. */
int sightings_make(const uint8_t seed[static SIGHTINGS_SEED]);

/* The table in such a file, which stays the caller's; processes forked afterwards share it, and so does whoever opens
 * the same file. NULL with errno, EPROTO: another program has made it, in another form. */
struct sightings *sightings_open(int file);

/* NULL is fine. */
void sightings_close(struct sightings *sightings);

/* Notes that an answer gave this address for this (canonical) name. now: seconds of a clock that
 * all processes share and nobody sets. */
void sightings_note(struct sightings *sightings, const struct address *address, const char *name,
		    uint32_t ttl, int64_t now);

/* The name last seen for an address. False: none, or its time is over; name is then "". */
bool sightings_find(const struct sightings *sightings, const struct address *address, int64_t now,
		    char name[static NAME_SIZE]);
