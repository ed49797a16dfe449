/* The servers of one upstream, tried one after the other: first those that are well, then the one that soonest may be
 * asked again. What becomes of each is told to health, where all workers see it. */
#pragma once

#include "daemon/endpoint.h"
#include "daemon/health.h"
#include "daemon/policy/upstream.h"

struct candidates {
	const struct upstream *upstream; /* NULL: the original destination, and no choice */
	uint16_t port;		 /* of the original destination, where a server has none of its own */
	struct health *health;
	unsigned tried;			 /* bits of those that have had their turn */
	const struct station *current;	 /* NULL: the original destination */
};

/* Makes the next one current: NULL when there is no upstream, or all of its servers have been tried. */
void candidates_advance(struct candidates *candidates);

/* True when there is still another one to try. */
bool candidates_are_left(const struct candidates *candidates);

/* Tells health what became of the current one, where there are several, and logs a change. Faults of our own say
 * nothing about a server. */
void candidates_note_failure(const struct candidates *candidates, enum reason reason);
void candidates_note_success(const struct candidates *candidates);

/* Adds the current one, which has failed, to what the journal says of its successor (endpoint->tried). */
void candidates_add_tried(const struct candidates *candidates, struct endpoint *endpoint,
			  enum reason reason);

/* Whether this reason is about the server. */
bool candidates_blames_server(enum reason reason);
