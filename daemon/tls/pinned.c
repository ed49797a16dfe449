#include "daemon/tls/pinned.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* A place is written by whoever makes its turn odd; readers copy and look whether it has moved. A
 * worker that is killed while it writes costs this place, until somebody needs it. */
struct place {
	_Atomic uint32_t turn;
	struct pinned_entry entry; /* entry.device "": empty */
};

struct pinned {
	struct place places[PINNED_MAX];
};

enum { READ_ATTEMPTS = 8 };

struct pinned *pinned_new(void)
{
	void *memory = mmap(NULL, sizeof(struct pinned), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static bool copy(const struct place *place, struct pinned_entry *entry, uint32_t *turn)
{
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		*turn = atomic_load_explicit(&place->turn, memory_order_acquire);
		if (*turn & 1)
			continue;
		memcpy(entry, &place->entry, sizeof(*entry));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&place->turn, memory_order_relaxed) == *turn)
			return entry->device[0];
	}
	return false;
}

/* Only who still sees the place as it was copied may write: else somebody was faster, and what was to
 * be noted is not worth another try. */
static bool put(struct place *place, const struct pinned_entry *entry, uint32_t turn)
{
	if (!atomic_compare_exchange_strong(&place->turn, &turn, turn + 1))
		return false;
	memcpy(&place->entry, entry, sizeof(*entry));
	atomic_store_explicit(&place->turn, turn + 2, memory_order_release);
	return true;
}

static bool is_about(const struct pinned_entry *entry, const struct pinned_subject *subject)
{
	return strcmp(entry->name, subject->name) == 0 && strcmp(entry->ja4, subject->ja4) == 0 &&
	       strncmp(entry->device, subject->device, sizeof(entry->device) - 1) == 0;
}

static struct place *find(struct pinned *table, const struct pinned_subject *subject,
			  struct pinned_entry *entry, uint32_t *turn)
{
	for (unsigned i = 0; i < PINNED_MAX; i++)
		if (copy(&table->places[i], entry, turn) && is_about(entry, subject))
			return &table->places[i];
	return NULL;
}

/* An empty one, or the one refused longest ago. */
static struct place *vacant(struct pinned *table, uint32_t *turn)
{
	struct place *oldest = NULL;
	int64_t last = INT64_MAX;

	for (unsigned i = 0; i < PINNED_MAX; i++) {
		struct pinned_entry entry;
		uint32_t seen;

		if (!copy(&table->places[i], &entry, &seen)) {
			*turn = seen & ~1U; /* of a dead writer: taken from it */
			if (seen & 1)
				atomic_store(&table->places[i].turn, *turn);
			return &table->places[i];
		}
		if (entry.last < last) {
			last = entry.last;
			oldest = &table->places[i];
			*turn = seen;
		}
	}
	return oldest;
}

static void begin(struct pinned_entry *entry, const struct pinned_subject *subject, int64_t now)
{
	memset(entry, 0, sizeof(*entry));
	snprintf(entry->device, sizeof(entry->device), "%s", subject->device);
	snprintf(entry->name, sizeof(entry->name), "%s", subject->name);
	snprintf(entry->ja4, sizeof(entry->ja4), "%s", subject->ja4);
	entry->first = now;
}

bool pinned_refuse(struct pinned *table, const struct pinned_subject *subject, const char *alert,
		   int64_t period, int64_t now)
{
	struct pinned_entry entry;
	uint32_t turn;
	struct place *place = find(table, subject, &entry, &turn);
	bool learned;

	if (!place) {
		place = vacant(table, &turn);
		begin(&entry, subject, now);
	}
	entry.refusals++;
	entry.last = now;
	snprintf(entry.alert, sizeof(entry.alert), "%s", alert);
	learned = period > 0 && entry.refusals >= PINNED_REFUSALS;
	entry.until = learned ? now + period : 0;
	return place && put(place, &entry, turn) && learned;
}

void pinned_accept(struct pinned *table, const struct pinned_subject *subject)
{
	struct pinned_entry entry;
	uint32_t turn;
	struct place *place = find(table, subject, &entry, &turn);

	if (!place)
		return;
	memset(&entry, 0, sizeof(entry));
	put(place, &entry, turn);
}

bool pinned_passes(struct pinned *table, const struct pinned_subject *subject, int64_t now)
{
	struct pinned_entry entry;
	uint32_t turn;
	struct place *place = find(table, subject, &entry, &turn);

	if (!place || now >= entry.until || now < entry.first)
		return false;
	entry.passed++;
	put(place, &entry, turn);
	return true;
}

bool pinned_read(const struct pinned *table, unsigned place, struct pinned_entry *entry)
{
	uint32_t turn;

	return place < PINNED_MAX && copy(&table->places[place], entry, &turn);
}
