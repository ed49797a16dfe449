/* The tc program of marker.bpf.c: loads it with a table of ranges, and attaches it to ports. What is
 * attached stays when the process ends, with its table: the kernel holds both. Needs CAP_BPF and
 * CAP_NET_ADMIN, or root. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "netfilter/signatures.h"

enum { MARKER_MESSAGE = 256 };

struct marker;

/* Looks at the packet's destination, or at its source. */
enum marker_side { MARKER_DESTINATION, MARKER_SOURCE };

/* Loads the program, without any ranges. NULL with errno and a sentence for people in message: ENOSYS, it is
 * not built in; else what the kernel lacks. */
struct marker *marker_open(char message[static MARKER_MESSAGE]);

/* Forgets about it. What is attached stays. NULL is fine. */
void marker_close(struct marker *marker);

/* Makes a new table of the ranges and switches to it in one step; mark_mask (adjoining bits) is where the
 * signature goes. 0, or -1 with errno: the table before stays. */
int marker_load(struct marker *marker, const struct ranges *ranges,
		const struct signatures *signatures, uint32_t mark_mask);

/* Bytes of kernel memory that the table takes. */
size_t marker_size(const struct marker *marker);

/* Attaches to what comes in by the port, or takes the place of what we (or a process before us) attached
 * there. 0, or -1 with errno. */
int marker_attach(struct marker *marker, unsigned port, enum marker_side side);

/* True when what is attached to the port is this program. */
bool marker_is_attached(const struct marker *marker, unsigned port, enum marker_side side);

/* Takes ours off the port, whoever attached it. 0 also when there is none; -1 with errno. */
int marker_detach(unsigned port);

/* Runs the program over one packet (Ethernet header first) count times, for tests and measurements: the
 * mark it leaves, and how long one run took in nanoseconds. 0, or -1 with errno. */
int marker_try(const struct marker *marker, enum marker_side side, const void *packet, size_t length,
	       unsigned count, uint32_t *mark, uint32_t *nanoseconds);
