#include "daemon/counters.h"

#include <stddef.h>
#include <sys/mman.h>

enum { STEPS_PER_DOUBLING = 4 };

struct counters *counters_new(unsigned count)
{
	size_t size = (size_t)count * sizeof(struct counters);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Buckets 0 to 3 hold exactly that many microseconds; after that every power of two is cut into
 * four. */
static unsigned bucket_of(uint64_t microseconds)
{
	unsigned power, bucket;

	if (microseconds < STEPS_PER_DOUBLING)
		return (unsigned)microseconds;
	power = 63 - (unsigned)__builtin_clzll(microseconds);
	bucket = (power - 1) * STEPS_PER_DOUBLING + (unsigned)(microseconds >> (power - 2) & 3);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The largest duration that falls into the bucket. */
static int64_t bucket_bound(unsigned bucket)
{
	unsigned power = bucket / STEPS_PER_DOUBLING + 1;
	uint64_t step = bucket % STEPS_PER_DOUBLING;

	if (bucket < STEPS_PER_DOUBLING)
		return bucket;
	return (int64_t)(((STEPS_PER_DOUBLING + step + 1) << (power - 2)) - 1);
}

void counters_duration(struct counters *counters, enum duration duration, int64_t microseconds)
{
	if (microseconds < 0 || (unsigned)duration >= DURATION_COUNT)
		return;
	atomic_fetch_add_explicit(&counters->durations[duration][bucket_of((uint64_t)microseconds)],
				  1, memory_order_relaxed);
}

static uint64_t load(const struct counters *block, enum duration duration, unsigned bucket)
{
	return atomic_load_explicit(&block->durations[duration][bucket], memory_order_relaxed);
}

/* Sums the blocks bucket by bucket; returns how many durations there are. */
static uint64_t sum(const struct counters *blocks, unsigned count, enum duration duration,
		    uint64_t sums[static HISTOGRAM_BUCKETS])
{
	uint64_t total = 0;

	for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
		sums[bucket] = 0;
		for (unsigned i = 0; i < count; i++)
			sums[bucket] += load(&blocks[i], duration, bucket);
		total += sums[bucket];
	}
	return total;
}

int64_t counters_percentile(const struct counters *blocks, unsigned count, enum duration duration,
			    unsigned percent)
{
	uint64_t sums[HISTOGRAM_BUCKETS];
	uint64_t total = sum(blocks, count, duration, sums);
	uint64_t wanted = total / 100 * percent + (total % 100 * percent + 99) / 100;
	uint64_t passed = 0;
	unsigned bucket = 0;

	if (!total)
		return -1;
	if (!wanted)
		wanted = 1;
	while (bucket < HISTOGRAM_BUCKETS - 1 && passed + sums[bucket] < wanted)
		passed += sums[bucket++];
	return bucket_bound(bucket);
}

const char *duration_word(enum duration duration)
{
	static const char *const words[DURATION_COUNT] = {
		[DURATION_CONNECT] = "connect",
		[DURATION_TLS_SERVER] = "tls_server",
		[DURATION_TLS_CLIENT] = "tls_client",
		[DURATION_SEND] = "send",
		[DURATION_WAIT] = "wait",
		[DURATION_RECEIVE] = "receive",
		[DURATION_TOTAL] = "total",
	};

	return words[(unsigned)duration < DURATION_COUNT ? duration : DURATION_TOTAL];
}
