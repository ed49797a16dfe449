/* A datagram's visit: QUIC's hello is put together until the judge can be asked. */
#pragma once

#include "daemon/visit.h"

/* The fate of its flow, UNDECIDED while it has not said enough. */
enum fate visit_datagram(struct visits *visits, const struct queue_packet *arrival,
			 const struct packet *packet);
