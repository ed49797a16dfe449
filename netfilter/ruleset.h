/* The nft table `inet headgate` as readable text, made from plain facts. Pure: what the kernel does
 * with the text is table.h.
 *
 * TPROXY: packets of our own connections first, in both directions; then only the LAN ports; then what
 * the rules let go on before; then the rules. nft's tproxy leaves its rule when nobody listens, so the rule after it says what
 * happens while the daemon is down. REDIRECT is for kernels without nft_tproxy or nft_socket: the
 * owner's `when-down: open` and `source: keep` cannot be had there (the kernel itself refuses
 * captured connections when nobody listens), and the table says so. */
#pragma once

#include "daemon/policy/policy.h"
#include "netfilter/marks.h"
#include "netfilter/queue_rule.h"

/* One port of the gateway whose devices are captured, with the listener that serves it: the socket
 * that accepts a connection tells where it came in. */
struct lan_port {
	char name[PORT_NAME];
	uint16_t listener; /* TCP port, never 0 */
};

struct ruleset {
	enum capture_method method; /* CAPTURE_TPROXY or CAPTURE_REDIRECT */
	enum when_down when_down;
	uint32_t mark; /* value and mask of the bits that send a packet to us */
	uint32_t mark_mask;
	size_t lan_count;
	struct lan_port lan[LAN_PORTS_MAX];
	size_t tcp_count; /* captured */
	struct port_range tcp[PORT_RANGES_MAX];
	size_t udp_count;
	struct port_range udp[PORT_RANGES_MAX];
	/* What the kernel decides alone (plan_print.h): objects and chains as text. NULL: all TCP that is
	 * captured comes to us, and no UDP is. */
	const char *objects;
	const char *rules;
	bool carries;	    /* the rules have the chain `carried` */
	bool keeps_source;  /* servers see the device's address */
	uint16_t datagram_listener; /* UDP port of the workers, where rules carry datagrams */
	bool guards;	    /* the rules have the chains `guard` and `outside` */
	uint32_t list_mask; /* bits of the packet mark that said which lists hold its far end, to be
			       cleared behind the rules; 0: none */
	/* How packets get to the packet door; only with rules. QUEUE_TARGET: the table has the
	 * empty chain QUEUE_CHAIN, for ruleset_queue_rule(). */
	enum queue_way queue;
	unsigned queues; /* of the packet doors, from QUEUE_NUMBER on; 0: nothing is watched */
	bool openings_visit; /* SYNs are queued, too; else the packet door sees them from its lookout */
};

/* Where the rule goes that no text can say (queue_rule.h). */
#define QUEUE_CHAIN "queuing"

/* Fills the facts from a policy and the method the probe chose. Listener ports stay 0 and there are no
 * rules: both are the caller's to add. */
void ruleset_from_policy(struct ruleset *ruleset, const struct policy *policy,
			 enum capture_method method);

/* Writes the whole table as a file for `nft -f`, which adds it to what is there; rewriting.h puts it in its
 * place, and so the sets that rules ask have no names: each generation has its own. Returns text to free(), or NULL with errno: ENOMEM, or EINVAL when the facts make no table (no LAN port, no listener port, no
 * captured port, a mark outside its mask, a mask of one bit). */
char *ruleset_print(const struct ruleset *ruleset);

/* The rule of the chain QUEUE_CHAIN. False: the table has no such chain. */
bool ruleset_queue_rule(const struct ruleset *ruleset, struct queue_rule *rule);

/* The same for a gateway that is about to stop: captures nothing new, and what was captured stays ours.
 * Without it the kernel would neither bring us the packets of a connection that still ends in us, nor
 * forward them. */
char *ruleset_print_ebb(const struct ruleset *ruleset);
