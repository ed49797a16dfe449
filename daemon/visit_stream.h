/* A segment's visit: the beginning of its stream is put together until the judge can be asked. */
#pragma once

#include "daemon/visit.h"

/* The fate of its stream, UNDECIDED while it has not said enough. */
enum fate visit_stream(struct visits *visits, const struct queue_packet *arrival,
		       const struct packet *packet);

/* Looks at what has come by since the last time: meant to be called now and then, also when nobody
 * visits. */
void visits_look_out(struct visits *visits);
