/* Numbers that outlive a process: one block per worker in memory shared with the supervisor, written by
 * that worker alone, read by everybody. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "daemon/limits.h"
#include "daemon/reason.h"

/* Durations worth a percentile. */
enum duration {
	DURATION_CONNECT,
	DURATION_TLS_SERVER,
	DURATION_TLS_CLIENT,
	DURATION_SEND,
	DURATION_WAIT,
	DURATION_RECEIVE,
	DURATION_TOTAL,
	DURATION_COUNT,
};

enum { HISTOGRAM_BUCKETS = 128 }; /* four per power of two of microseconds */

struct counters {
	_Atomic uint64_t heartbeat;      /* rises every second while the loop turns */
	_Atomic uint64_t accepted;
	_Atomic uint64_t live;
	_Atomic uint64_t passed;
	_Atomic uint64_t inspected;
	_Atomic uint64_t blocked;
	_Atomic uint64_t routed;
	_Atomic uint64_t answered; /* by `redirect` and `respond` */
	_Atomic uint64_t exchanges;
	_Atomic uint64_t bytes_from_clients;
	_Atomic uint64_t bytes_from_servers;
	_Atomic uint64_t visits;         /* packets that came to the packet door */
	_Atomic uint64_t sees_openings;  /* 1: the packet door sees connections begin without their visit */
	_Atomic uint64_t dns_stripped;   /* answers of DNS from which something was taken */
	_Atomic uint64_t dns_signed;     /* and those that could not be changed unseen */
	_Atomic uint64_t dropped_records;
	_Atomic uint64_t policy_generation;
	_Atomic uint64_t reasons[REASON_COUNT];
	_Atomic uint64_t rule_hits[RULES_MAX];
	_Atomic uint64_t shadow_hits[RULES_MAX];
	_Atomic uint64_t over_hits[RULES_MAX]; /* new connections refused because a rule's rate was exceeded */
	_Atomic uint64_t durations[DURATION_COUNT][HISTOGRAM_BUCKETS];
};

/* Maps count blocks, zeroed, shared across fork. NULL with errno. */
struct counters *counters_new(unsigned count);

/* Adds a duration in microseconds; negative ones are not counted. */
void counters_duration(struct counters *counters, enum duration duration, int64_t microseconds);

/* The p-th percentile (0..100) over count blocks in microseconds, the upper bound of its bucket; -1 when
 * nothing was counted. */
int64_t counters_percentile(const struct counters *blocks, unsigned count, enum duration duration,
			    unsigned percent);

/* "connect", "tls_server", …; static storage. */
const char *duration_word(enum duration duration);
