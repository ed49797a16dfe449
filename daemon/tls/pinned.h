/* Who refuses our certificate: apps that know their servers' certificates by heart, devices that were
 * never given our authority. One table in memory shared by all workers and the supervisor, so that
 * whatever worker a device meets knows; it outlives them all, and the policy too. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/name.h"
#include "daemon/tls/ja4.h"

enum {
	PINNED_MAX = 512,    /* kept; the one refused longest ago goes first */
	PINNED_REFUSALS = 3, /* in a row, before a rule with `learn` lets it pass */
	PINNED_DEVICE_SIZE = 64,
	PINNED_ALERT_SIZE = 40,
};

/* One program of one device with one server. */
struct pinned_subject {
	const char *device; /* the policy's name for it, its MAC or its address */
	const char *name;   /* of the server, as asked for; an address where there is none */
	const char *ja4;    /* of the program */
};

struct pinned_entry {
	char device[PINNED_DEVICE_SIZE];
	char name[NAME_SIZE];
	char ja4[JA4_SIZE];
	char alert[PINNED_ALERT_SIZE]; /* the last refusal's, in words */
	unsigned refusals;	       /* in a row */
	uint64_t passed;	       /* connections let pass since */
	int64_t first, last;	       /* refusals, seconds since 1970 */
	int64_t until;		       /* passed until then; 0: not learned by any rule */
};

struct pinned;

/* The table, empty, shared across fork. NULL with errno. */
struct pinned *pinned_new(void);

/* Counts a refusal. period: seconds that the rule lets such clients pass, 0 for a rule without
 * `learn`. True when this refusal made, or renewed, a pass. */
bool pinned_refuse(struct pinned *table, const struct pinned_subject *subject, const char *alert,
		   int64_t period, int64_t now);

/* The client has taken our certificate: it is not pinned, whatever was thought. */
void pinned_accept(struct pinned *table, const struct pinned_subject *subject);

/* True when this client is to be let pass now, which is counted. False also when the time is over:
 * then it is tried again. */
bool pinned_passes(struct pinned *table, const struct pinned_subject *subject, int64_t now);

/* Copies the entry in a place from 0 to PINNED_MAX - 1; false when there is none. */
bool pinned_read(const struct pinned *table, unsigned place, struct pinned_entry *entry);
