#include "daemon/packet/openings.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/lists/hash.h"

struct entry {
	uint64_t hash; /* of both ends; 0: the place is free */
	uint32_t sequence;
	bool contested;
};

struct openings {
	bool doubts; /* somebody is in doubt: nobody is, but for those who mean harm */
	uint8_t seed[HASH_SEED];
	struct entry entries[OPENINGS_MAX];
};

struct openings *openings_new(const uint8_t seed[static 16])
{
	struct openings *openings = calloc(1, sizeof(*openings));

	if (openings)
		memcpy(openings->seed, seed, sizeof(openings->seed));
	return openings;
}

void openings_free(struct openings *openings)
{
	free(openings);
}

static uint64_t hash_ends(const struct openings *openings, const struct address *client,
			  const struct address *server)
{
	struct hash hash;

	hash_begin(&hash, openings->seed);
	hash_add(&hash, client->bytes, address_width(client));
	hash_add(&hash, server->bytes, address_width(server));
	hash_add(&hash, &client->port, sizeof(client->port));
	hash_add(&hash, &server->port, sizeof(server->port));
	return hash_value(&hash) | 1;
}

static size_t place_of(uint64_t hash)
{
	return hash >> 32 & (OPENINGS_MAX - 1);
}

void openings_note(struct openings *openings, const struct address *client,
		   const struct address *server, uint32_t sequence)
{
	uint64_t hash = hash_ends(openings, client, server);
	struct entry *entry = &openings->entries[place_of(hash)];

	if (entry->hash != hash)
		*entry = (struct entry){ .hash = hash, .sequence = sequence };
	else if (entry->sequence != sequence)
		entry->contested = true;
}

static struct address without_port(const struct address *address)
{
	struct address whole = *address;

	whole.port = 0;
	return whole;
}

void openings_doubt(struct openings *openings, const struct address *client,
		    const struct address *server)
{
	const struct address from = without_port(client), to = without_port(server);

	openings->doubts = true;
	openings_note(openings, &from, &to, 0);
}

static bool is_doubted(const struct openings *openings, const struct address *client,
		       const struct address *server)
{
	const struct address from = without_port(client), to = without_port(server);
	uint64_t hash = hash_ends(openings, &from, &to);

	return openings->entries[place_of(hash)].hash == hash;
}

enum opening openings_find(const struct openings *openings, const struct address *client,
			   const struct address *server, uint32_t *first)
{
	uint64_t hash = hash_ends(openings, client, server);
	const struct entry *entry = &openings->entries[place_of(hash)];

	if (openings->doubts && is_doubted(openings, client, server))
		return OPENING_CONTESTED;
	if (entry->hash != hash)
		return OPENING_UNKNOWN;
	*first = entry->sequence + 1;
	return entry->contested ? OPENING_CONTESTED : OPENING_KNOWN;
}

void openings_forget(struct openings *openings, const struct address *client,
		     const struct address *server)
{
	uint64_t hash = hash_ends(openings, client, server);
	struct entry *entry = &openings->entries[place_of(hash)];

	if (entry->hash == hash)
		entry->hash = 0;
}
