/* Traces of one side of a connection, for whoever looks into it with Wireshark: the secrets of its TLS as
 * an NSS key log, and what went over its socket as the segments of a capture file, still encrypted but
 * with the secrets beside them. All goes to the recorder; while it is behind, the side is not read, within the bounds
 * of journal/trace_queue.h. At most one chunk is kept here. */
#pragma once

#include "daemon/journal/journal.h"
#include "daemon/journal/pcapng.h"
#include "daemon/side.h"

/* Follows the open, plain side from now on, until it is closed. captures: TRACE_… bits. Out of memory: it
 * is not followed. */
void trace_follow(struct journal *journal, unsigned captures, struct side *side,
		  enum pcapng_interface interface);
