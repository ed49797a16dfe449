/* A packet door's process: packets that wait in a queue of the kernel are looked at and answered. There are as
 * many as workers, at most PACKET_DOORS_MAX; the kernel brings all packets between two addresses to the same.
 * Runs as an account of its own; holds CAP_NET_ADMIN, which the kernel asks for with every verdict,
 * and two raw sockets that were opened before, for resets and for answers of DNS. */
#pragma once

#include "daemon/counters.h"
#include "daemon/policy/policy.h"

struct packet_door_settings {
	unsigned index;		 /* of its pairs, which are behind the workers' */
	uint16_t queue;		 /* the number of its queue in the kernel */
	int inherited;		 /* the socket of that queue, taken over; -1: it opens one */
	const char *account;
	struct policy *policy;		 /* as inherited from the supervisor; a hold is taken */
	int orders;			 /* from the supervisor (orders.h) */
	int journal;			 /* its end of the pair to the recorder */
	unsigned indexes[LAN_PORTS_MAX]; /* interfaces of policy->lan */
	struct counters *counters;	 /* its own block */
	struct sightings *sightings;	 /* shared by all */
	int ready;			 /* one byte is written here when it looks */
};

/* Runs in a forked child and never returns. Serves until SIGTERM or until the supervisor is gone.
 */
void packet_door_run(const struct packet_door_settings *settings) __attribute__((noreturn));
