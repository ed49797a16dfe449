/* What the supervisor tells a worker: messages over a SOCK_SEQPACKET pair, descriptors beside them. The
 * worker answers by its counters alone. */
#pragma once

#include <stdint.h>

#include "daemon/address.h"
#include "daemon/limits.h"
#include "daemon/policy/policy.h"

/* A worker may be older than the supervisor (supervisor/succession.h): numbers and the layout of what has shipped
 * stay. */
enum order_kind { ORDER_POLICY, ORDER_CUT, ORDER_NAMES, ORDER_RETIRE };

/* The policy in force from now on and the doors to accept at. Descriptors beside it: the packed sources
 * (source.h), the compiled lists when list_files is 1, then one listener for each of lan[] (for a worker). */
struct policy_order {
	uint32_t kind;
	uint32_t generation;
	uint32_t list_files; /* 0 or 1 */
	uint32_t lan_count;
	char lan[LAN_PORTS_MAX][PORT_NAME];
	uint32_t lan_index[LAN_PORTS_MAX]; /* interface indexes */
	uint16_t rule_count;
	uint16_t slots[RULES_MAX];
};

/* Ends live connections at once: those of one id, or of one client or destination address, or all. */
struct cut_order {
	uint32_t kind;
	bool all;
	uint64_t id;            /* 0: any */
	struct address address; /* AF_UNSPEC: any */
};

/* The system's files about names have changed: resolv.conf and hosts, beside it. */
struct names_order {
	uint32_t kind;
};

/* To accept nothing any more, and to end with the last connection: there is a worker of a newer program. A packet
 * door says it back, with its queue's socket beside it, and ends. */
struct retire_order {
	uint32_t kind;
	uint32_t queue; /* its number, in the answer */
};

union order {
	uint32_t kind;
	struct policy_order policy;
	struct cut_order cut;
	struct names_order names;
	struct retire_order retire;
};

enum { ORDER_DESCRIPTORS_MAX = 2 + LAN_PORTS_MAX };

/* Makes the pair of one worker: [0] the supervisor's end, [1] the worker's; non-blocking, close-on-exec.
 * 0, or -1 with errno. */
int orders_open(int channel[static 2]);

/* Sends an order with its descriptors, which stay the caller's. 0, or -1 with errno: EAGAIN when the worker
 * does not read. */
int order_send(int channel, const union order *order, size_t size, const int *descriptors,
	       size_t count);

/* Receives one order; descriptors (at least ORDER_DESCRIPTORS_MAX) become the caller's, *count of them. 1: an
 * order; 0: the supervisor is gone; -1 with errno, EAGAIN: none now, EBADMSG: not an order. */
int order_receive(int channel, union order *order, int *descriptors, size_t *count);

/* The order that tells of a policy; indexes: the interfaces of its LAN ports, in their order. Its descriptors are the
 * caller's business. */
struct policy_order order_of_policy(const struct policy *policy,
				    const unsigned indexes[static LAN_PORTS_MAX]);

/* Makes the policy of an order out of its first descriptors, which stay the caller's. One holder; NULL with a logged
 * cause. */
struct policy *order_read_policy(const struct policy_order *order, const int *descriptors);
