#include "daemon/packet/ledger.h"

#include <stdlib.h>

enum {
	BUCKETS = LEDGER_MAX, /* a power of two */
	NOBODY = 0,	      /* numbers of entries begin at 1 */
};

struct entry {
	struct ledger_flow flow;
	uint64_t id;	/* 0: free */
	uint16_t next;	/* in its bucket, or of the free ones */
	uint16_t newer; /* by age */
	uint16_t older;
};

struct ledger {
	uint64_t seed; /* so that nobody can fill one bucket on purpose */
	uint16_t fresh; /* entries from this one on were never used */
	uint16_t free;	/* the first of those given back */
	uint16_t newest;
	uint16_t oldest;
	uint16_t buckets[BUCKETS];
	struct entry entries[LEDGER_MAX + 1];
};

struct ledger *ledger_new(void)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));

	if (!ledger)
		return NULL;
	ledger->seed = (uint64_t)(uintptr_t)ledger * 0x9e3779b97f4a7c15ULL;
	ledger->fresh = NOBODY + 1;
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	free(ledger);
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
	const uint8_t *byte = bytes;

	for (; length; byte++, length--)
		hash = (hash ^ *byte) * 0x100000001b3ULL;
	return hash ^ hash >> 29;
}

static uint16_t *bucket(struct ledger *ledger, const struct ledger_flow *flow)
{
	uint64_t hash = mix(ledger->seed, &flow->client.port, sizeof(flow->client.port));

	hash = mix(hash, flow->client.bytes, address_width(&flow->client));
	hash = mix(hash, flow->server.bytes, address_width(&flow->server));
	hash = mix(hash, &flow->server.port, sizeof(flow->server.port));
	return &ledger->buckets[(hash ^ hash >> 32) % BUCKETS];
}

static bool is_same(const struct ledger_flow *a, const struct ledger_flow *b)
{
	return a->datagrams == b->datagrams && address_equal(&a->client, &b->client) &&
	       address_equal(&a->server, &b->server);
}

/* Where its number stands, or the end of its bucket. */
static uint16_t *place_of(struct ledger *ledger, const struct ledger_flow *flow)
{
	uint16_t *place = bucket(ledger, flow);

	while (*place && !is_same(&ledger->entries[*place].flow, flow))
		place = &ledger->entries[*place].next;
	return place;
}

static void unlink_age(struct ledger *ledger, const struct entry *entry)
{
	*(entry->newer ? &ledger->entries[entry->newer].older : &ledger->newest) = entry->older;
	*(entry->older ? &ledger->entries[entry->older].newer : &ledger->oldest) = entry->newer;
}

static void link_newest(struct ledger *ledger, uint16_t number)
{
	struct entry *entry = &ledger->entries[number];

	entry->newer = NOBODY;
	entry->older = ledger->newest;
	*(entry->older ? &ledger->entries[entry->older].newer : &ledger->oldest) = number;
	ledger->newest = number;
}

uint64_t ledger_take(struct ledger *ledger, const struct ledger_flow *flow)
{
	uint16_t *place = place_of(ledger, flow);
	uint16_t number = *place;
	struct entry *entry = &ledger->entries[number];
	uint64_t id = entry->id;

	if (!number)
		return 0;
	unlink_age(ledger, entry);
	*place = entry->next;
	entry->next = ledger->free;
	entry->id = 0;
	ledger->free = number;
	return id;
}

bool ledger_is_empty(const struct ledger *ledger)
{
	return !ledger->oldest;
}

static uint16_t free_entry(struct ledger *ledger)
{
	uint16_t number = ledger->free;

	if (!number)
		return ledger->fresh++;
	ledger->free = ledger->entries[number].next;
	return number;
}

uint64_t ledger_note(struct ledger *ledger, const struct ledger_flow *flow, uint64_t id)
{
	uint64_t displaced = ledger_take(ledger, flow);
	struct entry *entry;
	uint16_t number, *place;

	if (!displaced && !ledger->free && ledger->fresh > LEDGER_MAX) {
		const struct ledger_flow oldest = ledger->entries[ledger->oldest].flow;

		displaced = ledger_take(ledger, &oldest);
	}
	number = free_entry(ledger);
	entry = &ledger->entries[number];
	place = bucket(ledger, flow);
	*entry = (struct entry){ .flow = *flow, .id = id, .next = *place };
	*place = number;
	link_newest(ledger, number);
	return displaced;
}
