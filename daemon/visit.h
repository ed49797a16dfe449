/* One packet's visit at the packet door: it is read, the judge is asked, and the kernel hears by
 * mark what becomes of its connection. Passed connections are the kernel's from then on. */
#pragma once

#include "daemon/greeting.h"
#include "daemon/ids.h"
#include "daemon/journal/journal.h"
#include "daemon/packet/flow.h"
#include "daemon/packet/ledger.h"
#include "daemon/packet/openings.h"
#include "daemon/packet/packet.h"
#include "daemon/packet/sightings.h"
#include "netfilter/lookout.h"
#include "netfilter/marks.h"
#include "netfilter/queue.h"

/* A port of the gateway whose devices are captured. */
struct visit_port {
	char name[PORT_NAME];
	unsigned index;
};

/* What all visits share. */
struct visits {
	struct policy *policy; /* held */
	struct marks marks;
	struct queue *queue;
	struct lookout *lookout; /* NULL: not to be had */
	struct openings *openings;
	struct flows *flows;
	struct ledger *ledger; /* of what the kernel carries on and the journal wants to hear the end of; NULL: nothing yet */
	struct sightings *sightings; /* shared by all who judge */
	char sighted[NAME_SIZE];     /* room for a name out of them */
	struct counters *counters;
	struct journal *journal;
	int raw4; /* sends packets with a header of our own making; -1: none */
	int raw6;
	size_t port_count;
	struct visit_port ports[LAN_PORTS_MAX];
	struct ids ids;
	struct week_time time; /* of the minute beginning at time_minute */
	int64_t time_minute;
	struct greeting_room room;
	uint8_t changed[65536]; /* a packet on its way back with something taken out */
};

/* Receives a packet of the queue (queue_each); context: the visits. */
void visit_packet(void *context, const struct queue_packet *arrival);
