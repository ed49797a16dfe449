#include "tests/storm/plan.h"

#include <string.h>

/* splitmix64 */
uint64_t random_next(uint64_t *state)
{
	uint64_t value = *state += 0x9e3779b97f4a7c15;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_next(state) % limit;
}

static bool one_in(uint64_t *state, unsigned count)
{
	return random_below(state, count) == 0;
}

/* Mostly small, now and then large: every power of two is as likely as any other. */
static size_t skewed(uint64_t *state, unsigned bits)
{
	return random_below(state, (uint64_t)1 << random_below(state, bits + 1));
}

static void make_pace(struct pace *pace, uint64_t *state)
{
	pace->read_max = 1 + (unsigned)skewed(state, 17);
	pace->write_max = 1 + (unsigned)skewed(state, 17);
	if (one_in(state, 2)) {
		pace->pause_one_in = 2 + (unsigned)random_below(state, 50);
		pace->pause_micros = 1 + (unsigned)skewed(state, 14);
	}
	if (one_in(state, 2))
		pace->sndbuf = 2048 + (int)skewed(state, 16);
	if (one_in(state, 2))
		pace->rcvbuf = 16384 + (int)skewed(state, 17); /* less, and TCP itself crawls */
}

/* A run of single bytes through a slow end should not last for ever. */
static size_t bounded(size_t length, const struct plan *plan)
{
	size_t most = 1000000;

	for (enum who who = CLIENT; who <= SERVER; who++) {
		const struct pace *pace = &plan->pace[who];
		size_t call = pace->read_max < pace->write_max ? pace->read_max : pace->write_max;
		size_t calls = 1000;

		if (pace->pause_one_in)
			calls = 200 + 1000000ULL * pace->pause_one_in / (pace->pause_micros + 50);
		if (calls * call < most)
			most = calls * call;
	}
	return length < most ? length : most;
}

static void make_messages(struct plan *plan, uint64_t *state)
{
	plan->exchanges = plan_is_http(plan) ? 1 + (unsigned)random_below(state, EXCHANGES_MAX) : 1;
	for (unsigned i = 0; i < plan->exchanges; i++) {
		bool last = i + 1 == plan->exchanges;

		plan->up[i].length = bounded(skewed(state, 21), plan);
		plan->down[i].length = bounded(skewed(state, 21), plan);
		plan->up[i].framing = (enum framing)random_below(state, 2);
		plan->down[i].framing = (enum framing)random_below(state, last ? 3 : 2);
	}
}

static void make_fault(struct plan *plan, uint64_t *state)
{
	if (!one_in(state, 3))
		return;
	plan->fault = (enum fault)(1 + random_below(state, 3));
	plan->faulty = (enum who)random_below(state, 2);
	plan->fault_at = skewed(state, 20);
}

void plan_make(struct plan *plan, uint64_t run)
{
	uint64_t state = run * 0x2545f4914f6cdd1d;

	memset(plan, 0, sizeof(*plan));
	plan->run = run;
	plan->way = (enum way)random_below(&state, WAYS);
	make_pace(&plan->pace[CLIENT], &state);
	make_pace(&plan->pace[SERVER], &state);
	make_messages(plan, &state);
	plan->pipelined = one_in(&state, 3);
	plan->answers_early = one_in(&state, 3);
	plan->half_closes = one_in(&state, 2);
	if (one_in(&state, 8))
		plan->hesitation = 140 + (unsigned)random_below(&state, 40);
	make_fault(plan, &state);
}

bool plan_is_http(const struct plan *plan)
{
	return plan->way == READ || plan->way == INSPECTED;
}

bool plan_is_tls(const struct plan *plan)
{
	return plan->way == PASSED_TLS || plan->way == INSPECTED;
}

/* No two stretches of a stream, and no two streams, are alike. */
uint8_t plan_byte(const struct plan *plan, enum who who, unsigned exchange, size_t at)
{
	uint64_t state = plan->run ^ ((uint64_t)who << 62) ^ ((uint64_t)exchange << 56) ^
			 ((uint64_t)(at / 8) << 24);

	return (uint8_t)(random_next(&state) >> (at % 8 * 8));
}
