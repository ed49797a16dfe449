/* Questions and answers of DNS in datagrams. Each is a visit of its own, for one socket of a device may ask for many
 * names; each gives its verdict itself, for packets are answered and changed here. */
#pragma once

#include "daemon/visit.h"

void visit_query(struct visits *visits, const struct queue_packet *arrival,
		 const struct packet *packet);
void visit_answer(struct visits *visits, const struct queue_packet *arrival,
		  const struct packet *packet);
