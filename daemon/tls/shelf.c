#include "daemon/tls/shelf.h"

#include <stdlib.h>
#include <string.h>

struct shelf {
	void (*drop)(struct shelf_item *item);
	struct shelf_item *newest;
	struct shelf_item *oldest;
	size_t room;
	size_t count;
	size_t mask;
	struct shelf_item *buckets[];
};

struct shelf *shelf_new(size_t room, void (*drop)(struct shelf_item *item))
{
	struct shelf *shelf;
	size_t buckets = 1;

	while (buckets < room)
		buckets *= 2;
	shelf = calloc(1, sizeof(*shelf) + buckets * sizeof(shelf->buckets[0]));
	if (!shelf)
		return NULL;
	shelf->drop = drop;
	shelf->room = room;
	shelf->mask = buckets - 1;
	return shelf;
}

void shelf_clear(struct shelf *shelf)
{
	while (shelf->oldest) {
		struct shelf_item *item = shelf->oldest;

		shelf_remove(shelf, item);
		shelf->drop(item);
	}
}

void shelf_free(struct shelf *shelf)
{
	if (!shelf)
		return;
	shelf_clear(shelf);
	free(shelf);
}

static struct shelf_item **bucket(struct shelf *shelf, const uint8_t *key)
{
	uint32_t hash;

	memcpy(&hash, key, sizeof(hash));
	return &shelf->buckets[hash & shelf->mask];
}

static void unlink_age(struct shelf *shelf, struct shelf_item *item)
{
	*(item->newer ? &item->newer->older : &shelf->newest) = item->older;
	*(item->older ? &item->older->newer : &shelf->oldest) = item->newer;
}

static void link_newest(struct shelf *shelf, struct shelf_item *item)
{
	item->newer = NULL;
	item->older = shelf->newest;
	*(shelf->newest ? &shelf->newest->newer : &shelf->oldest) = item;
	shelf->newest = item;
}

struct shelf_item *shelf_find(struct shelf *shelf, const uint8_t key[static DIGEST_SIZE])
{
	struct shelf_item *item = *bucket(shelf, key);

	while (item && memcmp(item->key, key, DIGEST_SIZE) != 0)
		item = item->next;
	if (item) {
		unlink_age(shelf, item);
		link_newest(shelf, item);
	}
	return item;
}

void shelf_put(struct shelf *shelf, struct shelf_item *item)
{
	struct shelf_item **place = bucket(shelf, item->key);

	item->next = *place;
	*place = item;
	link_newest(shelf, item);
	if (++shelf->count > shelf->room) {
		struct shelf_item *oldest = shelf->oldest;

		shelf_remove(shelf, oldest);
		shelf->drop(oldest);
	}
}

void shelf_remove(struct shelf *shelf, struct shelf_item *item)
{
	struct shelf_item **place = bucket(shelf, item->key);

	while (*place != item)
		place = &(*place)->next;
	*place = item->next;
	unlink_age(shelf, item);
	shelf->count--;
}

size_t shelf_count(const struct shelf *shelf)
{
	return shelf->count;
}
