#include "netfilter/sieve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/links.h"
#include "netfilter/marker.h"
#include "netfilter/memory.h"
#include "netfilter/shards.h"

/* Nft sets may take this part of the memory that is available. */
enum { BUDGET_DIVISOR = 4 };

struct sieve {
	enum lists_in wanted;
	enum sieve_way way;
	bool chosen; /* the way: not before it is needed */
	char complaint[SIEVE_MESSAGE]; /* why there is none */
	struct marker *marker;
	struct signatures signatures;
	unsigned generation; /* of the policy whose ranges are in the kernel; 0: none */
	bool doubted;
	size_t intervals; /* of those, in nft sets */
	bool idle;	     /* nothing is asked: no port is looked after */
	bool inherited;	     /* a daemon before this one may have left something */
};

static void uncover_port(void *context, const struct link *link)
{
	(void)context;
	if (!link->loopback)
		marker_detach(link->index);
}

static void uncover_ports(void)
{
	links_each(uncover_port, NULL);
}

static void open_marker(struct sieve *sieve)
{
	bool alone = sieve->wanted == LISTS_IN_BPF;
	char words[MARKER_MESSAGE];

	sieve->marker = marker_open(words);
	if (sieve->marker)
		sieve->way = SIEVE_BPF;
	else if (!alone)
		sieve->way = SIEVE_NFT;
	if (sieve->marker || !alone)
		return;
	snprintf(sieve->complaint, SIEVE_MESSAGE,
		 "`lists-in: bpf` cannot be had (%.150s): rules on lists of addresses are decided by "
		 "workers. The kernel needs CONFIG_NET_CLS_BPF and CONFIG_BPF_SYSCALL; on OpenWrt: "
		 "opkg install kmod-sched-bpf",
		 words);
}

/* Loading the program takes its time, and most owners have no list of addresses. */
static void choose(struct sieve *sieve)
{
	sieve->chosen = true;
	if (sieve->wanted == LISTS_IN_NFT)
		sieve->way = SIEVE_NFT;
	else if (sieve->wanted != LISTS_IN_DAEMON)
		open_marker(sieve);
	/* What a daemon before this one left that went another way. */
	if (sieve->way != SIEVE_NFT)
		shards_remove();
	if (sieve->way != SIEVE_BPF)
		uncover_ports();
}

struct sieve *sieve_new(enum lists_in wanted)
{
	struct sieve *sieve = calloc(1, sizeof(*sieve));

	if (!sieve)
		return NULL;
	sieve->wanted = wanted;
	sieve->idle = sieve->inherited = true;
	return sieve;
}

static bool fits_memory(struct sieve *sieve, const struct policy *policy,
			char message[static SIEVE_MESSAGE])
{
	size_t wanted, budget = memory_left() / BUDGET_DIVISOR;

	if (sieve->way != SIEVE_NFT)
		return true;
	sieve->intervals = shards_count(policy, &sieve->signatures);
	wanted = sieve->intervals * SHARD_INTERVAL_BYTES;
	if (!budget || wanted <= budget)
		return true;
	snprintf(message, SIEVE_MESSAGE,
		 "%zu ranges of addresses would take %zu MB of kernel memory as nft sets, and a quarter of "
		 "what is free is %zu MB: rules on lists are decided by workers, from the file that they "
		 "share. A kernel with CONFIG_NET_CLS_BPF needs %zu MB for them",
		 sieve->intervals, wanted >> 20, budget >> 20, (sieve->intervals * 5 >> 20) + 1);
	return false;
}

bool sieve_take(struct sieve *sieve, const struct policy *policy,
		char message[static SIEVE_MESSAGE])
{
	message[0] = 0;
	sieve->idle = true;
	if (!policy_asks_lists(policy))
		return false;
	if (!sieve->chosen)
		choose(sieve);
	if (sieve->way == SIEVE_DAEMON) {
		memcpy(message, sieve->complaint, SIEVE_MESSAGE);
		return false;
	}
	if (signatures_take(&sieve->signatures, policy) == 0) {
		sieve->idle = !fits_memory(sieve, policy, message);
		return !sieve->idle;
	}
	snprintf(message, SIEVE_MESSAGE,
		 errno == E2BIG
			 ? "The lists that rules ask about by `address` overlap in more than 255 ways: "
			   "these rules are decided by workers until a restart. Fewer lists, or one made of "
			   "several files, go into the kernel"
			 : "The lists are not in the kernel: %s",
		 strerror(errno));
	return false;
}

const struct signatures *sieve_signatures(const struct sieve *sieve)
{
	return &sieve->signatures;
}

static int load(struct sieve *sieve, const struct policy *policy,
		char message[static SIEVE_MESSAGE])
{
	char words[SHARDS_MESSAGE] = "";
	int result;

	if (sieve->way == SIEVE_BPF)
		result = marker_load(sieve->marker, &policy->compiled->ranges, &sieve->signatures,
				     policy->capture.list_mask);
	else
		result = shards_load(policy, &sieve->signatures, words);
	if (result < 0)
		snprintf(message, SIEVE_MESSAGE,
			 "The lists cannot be loaded into the kernel (%.200s): rules on lists are "
			 "decided by workers",
			 words[0] ? words : strerror(errno));
	return result;
}

int sieve_switch(struct sieve *sieve, const struct policy *policy,
		 char message[static SIEVE_MESSAGE])
{
	message[0] = 0;
	if (sieve->idle || (sieve->generation == policy->generation && !sieve->doubted))
		return 0;
	if (load(sieve, policy, message) < 0)
		return -1;
	sieve->generation = policy->generation;
	sieve->doubted = sieve->inherited = false;
	return 0;
}

void sieve_prepare(struct sieve *sieve, const struct policy *policy)
{
	char message[SIEVE_MESSAGE];

	/* Nft sets would be asked from then on; a program is asked where it is attached. What fails is tried
	 * again in its turn, and told then. */
	if (sieve_take(sieve, policy, message) && sieve->way == SIEVE_BPF)
		sieve_switch(sieve, policy, message);
}

void sieve_doubt(struct sieve *sieve)
{
	sieve->doubted = true;
}

void sieve_rest(struct sieve *sieve)
{
	sieve->idle = true;
}

/* Ports */

struct cover {
	struct sieve *sieve;
	const struct policy *policy;
	size_t ports;
	int error;
};

static enum marker_side side_of(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->lan_count; i++)
		if (strcmp(policy->lan[i], name) == 0)
			return MARKER_DESTINATION;
	return MARKER_SOURCE;
}

static void cover_port(void *context, const struct link *link)
{
	struct cover *cover = context;
	struct marker *marker = cover->sieve->marker;
	enum marker_side side = side_of(cover->policy, link->name);

	if (link->loopback || (link->member && side != MARKER_DESTINATION))
		return;
	if (!marker_is_attached(marker, link->index, side) &&
	    marker_attach(marker, link->index, side) < 0)
		cover->error = errno;
	else
		cover->ports++;
}

int sieve_cover(struct sieve *sieve, const struct policy *policy, size_t *ports)
{
	struct cover cover = { .sieve = sieve, .policy = policy };

	if (ports)
		*ports = 0;
	if (sieve->idle) {
		sieve_remove(sieve);
		return 0;
	}
	if (sieve->way == SIEVE_NFT) {
		sieve->doubted |= !shards_are_there();
		return 0;
	}
	if (links_each(cover_port, &cover) < 0)
		return -1;
	if (ports)
		*ports = cover.ports;
	errno = cover.error;
	return cover.error ? -1 : 0;
}

enum sieve_way sieve_way(const struct sieve *sieve)
{
	return sieve->way;
}

const char *sieve_word(enum sieve_way way)
{
	static const char *const words[] = { "daemon", "bpf", "nft" };

	return words[way];
}

size_t sieve_size(const struct sieve *sieve)
{
	if (!sieve->generation)
		return 0;
	return sieve->way == SIEVE_BPF ? marker_size(sieve->marker)
				       : sieve->intervals * SHARD_INTERVAL_BYTES;
}

void sieve_remove(struct sieve *sieve)
{
	if (!sieve->generation && !sieve->inherited)
		return;
	if (sieve->way == SIEVE_BPF || !sieve->chosen)
		uncover_ports();
	if (sieve->way != SIEVE_BPF)
		shards_remove();
	sieve->inherited = false;
	sieve->generation = 0;
}

void sieve_free(struct sieve *sieve)
{
	if (!sieve)
		return;
	marker_close(sieve->marker);
	signatures_end(&sieve->signatures);
	free(sieve);
}
