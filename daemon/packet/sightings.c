#include "daemon/packet/sightings.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS = SIGHTINGS_MAX / WAYS };

struct sighting {
	struct address address;
	int64_t until; /* seconds; 0: free */
	char *name;    /* owned */
};

struct sightings {
	uint64_t seed;
	struct sighting sets[SETS][WAYS];
};

struct sightings *sightings_new(void)
{
	struct sightings *sightings = calloc(1, sizeof(*sightings));

	if (sightings)
		sightings->seed = (uint64_t)(uintptr_t)sightings * 0x9e3779b97f4a7c15ULL;
	return sightings;
}

void sightings_free(struct sightings *sightings)
{
	if (!sightings)
		return;
	for (size_t i = 0; i < SIGHTINGS_MAX; i++)
		free(sightings->sets[i / WAYS][i % WAYS].name);
	free(sightings);
}

static size_t set_of(const struct sightings *sightings, const struct address *address)
{
	uint64_t hash = sightings->seed;

	for (unsigned i = 0; i < address_width(address); i++)
		hash = (hash ^ address->bytes[i]) * 0x100000001b3ULL;
	return (hash ^ hash >> 32) % SETS;
}

/* The place of this address, or the one whose time is over first. */
static struct sighting *place_for(struct sighting *set, const struct address *address)
{
	struct sighting *place = set;

	for (unsigned i = 0; i < WAYS; i++) {
		if (set[i].until && address_same_host(&set[i].address, address))
			return &set[i];
		if (set[i].until < place->until)
			place = &set[i];
	}
	return place;
}

void sightings_note(struct sightings *sightings, const struct address *address, const char *name,
		    uint32_t ttl, int64_t now)
{
	struct sighting *place = place_for(sightings->sets[set_of(sightings, address)], address);
	char *copy;

	ttl = ttl < SIGHTING_SECONDS_MIN ? SIGHTING_SECONDS_MIN : ttl;
	ttl = ttl > SIGHTING_SECONDS_MAX ? SIGHTING_SECONDS_MAX : ttl;
	if (!place->name || strcmp(place->name, name) != 0) {
		copy = strdup(name);
		if (!copy)
			return;
		free(place->name);
		place->name = copy;
	}
	place->address = *address;
	place->until = now + ttl;
}

const char *sightings_find(const struct sightings *sightings, const struct address *address,
			   int64_t now)
{
	const struct sighting *set = sightings->sets[set_of(sightings, address)];

	for (unsigned i = 0; i < WAYS; i++)
		if (set[i].until > now && address_same_host(&set[i].address, address))
			return set[i].name;
	return NULL;
}
