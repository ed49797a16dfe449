#include "daemon/health.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

enum { PROBES = 16 };

struct failing {
	_Atomic uint64_t key;  /* of the server's name; 0: unused */
	_Atomic int64_t until; /* steady microseconds; 0: it is well */
	_Atomic uint64_t pause;
};

struct health {
	struct failing failing[HEALTH_MAX];
};

struct health *health_open(void)
{
	struct health *health = mmap(NULL, sizeof(*health), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return health == MAP_FAILED ? NULL : health;
}

void health_close(struct health *health)
{
	if (health)
		munmap(health, sizeof(*health));
}

/* FNV-1a: the names are the owner's, nobody aims at it. */
static uint64_t hash(const char *server)
{
	uint64_t key = UINT64_C(14695981039346656037);

	for (; *server; server++)
		key = (key ^ (unsigned char)*server) * UINT64_C(1099511628211);
	return key ? key : 1;
}

static struct failing *find(const struct health *health, uint64_t key)
{
	for (unsigned i = 0; i < PROBES; i++) {
		const struct failing *place = &health->failing[(key + i) % HEALTH_MAX];

		if (atomic_load(&place->key) == key)
			return (struct failing *)place;
	}
	return NULL;
}

int64_t health_wait(const struct health *health, const char *server)
{
	const struct failing *failing = find(health, hash(server));

	return failing ? atomic_load(&failing->until) : 0;
}

/* A free place near where the key belongs, else that of the one which may soonest be asked again.
 */
static struct failing *claim(struct health *health, uint64_t key)
{
	struct failing *soonest = &health->failing[key % HEALTH_MAX];

	for (unsigned i = 0; i < PROBES; i++) {
		struct failing *place = &health->failing[(key + i) % HEALTH_MAX];
		uint64_t unused = 0;

		if (atomic_compare_exchange_strong(&place->key, &unused, key))
			return place;
		if (atomic_load(&place->until) < atomic_load(&soonest->until))
			soonest = place;
	}
	atomic_store(&soonest->key, key);
	atomic_store(&soonest->until, 0);
	return soonest;
}

bool health_failed(struct health *health, const char *server, int64_t now, uint64_t most)
{
	uint64_t key = hash(server);
	struct failing *failing = find(health, key);
	int64_t until;
	uint64_t pause;

	if (!failing)
		failing = claim(health, key);
	until = atomic_load(&failing->until);
	/* Many that failed at once are one failure. */
	if (until > now)
		return false;
	pause = until ? 2 * atomic_load(&failing->pause) : BACK_OFF_FIRST;
	if (pause > most)
		pause = most;
	atomic_store(&failing->pause, pause);
	return atomic_exchange(&failing->until, now + (int64_t)pause) == 0;
}

bool health_hold(struct health *health, const char *server, int64_t until)
{
	uint64_t key = hash(server);
	struct failing *failing = find(health, key);

	if (!failing)
		failing = claim(health, key);
	atomic_store(&failing->pause, BACK_OFF_FIRST);
	return atomic_exchange(&failing->until, until) == 0;
}

bool health_reached(struct health *health, const char *server)
{
	struct failing *failing = find(health, hash(server));

	return failing && atomic_exchange(&failing->until, 0) != 0;
}
