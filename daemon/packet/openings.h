/* How connections began that have not said anything yet: the sequence number of the SYN (RFC 9293
 * section 3.4), so that the first segment of a stream is known as such, whatever the order in which
 * segments come by. A table of fixed size; what is new takes the place of what is old. Pure. */
#pragma once

#include "daemon/address.h"

enum { OPENINGS_MAX = 16384 }; /* connections; a power of two */

struct openings;

/* NULL when out of memory. seed: nobody else's, so that nobody can crowd out others on purpose. */
struct openings *openings_new(const uint8_t seed[static 16]);
void openings_free(struct openings *openings);

/* Notes a SYN. */
void openings_note(struct openings *openings, const struct address *client,
		   const struct address *server, uint32_t sequence);

/* Notes that something between the two addresses could not be read: from now on nobody knows where
 * their streams begin. */
void openings_doubt(struct openings *openings, const struct address *client,
		    const struct address *server);

enum opening {
	OPENING_UNKNOWN,
	OPENING_KNOWN,
	OPENING_CONTESTED, /* two SYNs with different numbers, or doubt: where the stream begins
			      is anybody's guess */
};

/* On OPENING_KNOWN, *first is the number of the stream's first byte. */
enum opening openings_find(const struct openings *openings, const struct address *client,
			   const struct address *server, uint32_t *first);

/* It has said something and is judged. */
void openings_forget(struct openings *openings, const struct address *client,
		     const struct address *server);
