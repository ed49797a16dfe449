/* The rule that sends packets to our queue. nft has a statement for it (`queue`) where the kernel
 * has one (CONFIG_NFT_QUEUE, OpenWrt: kmod-nft-queue). Where it has not, but has iptables' target
 * NFQUEUE, the same rule is made of that: no text can say it, so it is added to a chain that the
 * text leaves empty and jumps to. Needs CAP_NET_ADMIN. */
#pragma once

#include <stdint.h>

enum queue_way {
	QUEUE_NOT_AT_ALL,
	QUEUE_NATIVE, /* the statement `queue` */
	QUEUE_TARGET, /* the target NFQUEUE, by queue_rule_add() */
};

/* "nft queue", "NFQUEUE target" or "none"; static storage. */
const char *queue_way_word(enum queue_way way);

/* Asks the kernel which way it knows; changes nothing. QUEUE_TARGET says that the kernel has the target,
 * not that a table of family inet takes it: that shows queue_rule_add(). */
enum queue_way queue_rule_probe(void);

/* Put `mark` into the bits of `mask` of a packet's mark, then queue it; pass it by when nobody listens. */
struct queue_rule {
	uint32_t mark;
	uint32_t mask;
	unsigned queues; /* from QUEUE_NUMBER on; all packets between two addresses go to the same */
};

/* Adds it to a chain of the table `inet headgate`, at its end. 0, or -1 with errno. */
int queue_rule_add(const struct queue_rule *rule, const char *chain);
