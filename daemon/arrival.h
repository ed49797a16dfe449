/* Where a packet came in, and from whose hardware: what a flow knows from its first on. */
#pragma once

#include "daemon/visit.h"

void arrival_note(const struct visits *visits, const struct queue_packet *arrival,
		  struct flow *flow);

/* Begins the flow of a packet, in the place of what is known under its ends. NULL when out of memory. */
struct flow *arrival_begin(struct visits *visits, const struct queue_packet *arrival,
			   const struct packet *packet, enum flow_kind kind);
