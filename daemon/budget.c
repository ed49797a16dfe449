#include "daemon/budget.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, MILLION = 1000000 };

struct budget {
	size_t count;
	struct share *buckets[BUCKETS];
};

struct budget *budget_new(void)
{
	return calloc(1, sizeof(struct budget));
}

static void forget(struct budget *budget, bool all)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct share **link = &budget->buckets[i];

		while (*link) {
			struct share *share = *link;

			if (share->live && !all) {
				link = &share->next;
				continue;
			}
			*link = share->next;
			free(share);
			budget->count--;
		}
	}
}

void budget_free(struct budget *budget)
{
	if (!budget)
		return;
	forget(budget, true);
	free(budget);
}

static void make_key(uint8_t key[static 17], const struct address *address, const uint8_t *mac)
{
	memset(key, 0, 17);
	key[0] = mac ? 1 : (uint8_t)address->family;
	if (mac)
		memcpy(key + 1, mac, 6);
	else
		memcpy(key + 1, address->bytes, address_width(address));
}

static size_t hash(const uint8_t key[static 17])
{
	uint64_t value = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < 17; i++)
		value = (value ^ key[i]) * UINT64_C(1099511628211);
	return (value >> 20) % BUCKETS;
}

static struct share *find(struct budget *budget, const uint8_t key[static 17])
{
	struct share *share = budget->buckets[hash(key)];

	while (share && memcmp(share->key, key, 17) != 0)
		share = share->next;
	return share;
}

static struct share *add(struct budget *budget, const uint8_t key[static 17])
{
	struct share **bucket = &budget->buckets[hash(key)];
	struct share *share;

	if (budget->count >= SHARES_MAX)
		forget(budget, false);
	share = calloc(1, sizeof(*share));
	if (!share)
		return NULL;
	memcpy(share->key, key, 17);
	share->next = *bucket;
	*bucket = share;
	budget->count++;
	return share;
}

struct share *budget_join(struct budget *budget, const struct address *address, const uint8_t *mac,
			  uint64_t most)
{
	uint8_t key[17];
	struct share *share;

	make_key(key, address, mac);
	share = find(budget, key);
	if (!share)
		share = add(budget, key);
	if (!share || share->live >= most)
		return NULL;
	share->live++;
	return share;
}

void budget_leave(struct share *share)
{
	if (share)
		share->live--;
}

bool budget_handshake(struct share *share, uint64_t rate, int64_t now)
{
	int64_t full = (int64_t)rate * BUDGET_BURST * MILLION;
	int64_t passed = share->refilled ? now - share->refilled : BUDGET_BURST * MILLION;

	if (passed > BUDGET_BURST * MILLION)
		passed = BUDGET_BURST * MILLION;
	share->refilled = now;
	share->tokens += passed * (int64_t)rate;
	if (share->tokens > full)
		share->tokens = full;
	if (share->tokens < MILLION)
		return false;
	share->tokens -= MILLION;
	return true;
}
