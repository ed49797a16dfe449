#include "netfilter/sieve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/links.h"
#include "netfilter/marker.h"

struct sieve {
	enum sieve_way way;
	struct marker *marker;
	struct signatures signatures;
	unsigned generation; /* of the policy whose ranges are in the kernel; 0: none */
	bool idle;	     /* nothing is asked: no port is looked after */
};

static void open_marker(struct sieve *sieve, char message[static SIEVE_MESSAGE])
{
	char words[MARKER_MESSAGE];

	sieve->marker = marker_open(words);
	if (sieve->marker) {
		sieve->way = SIEVE_BPF;
		return;
	}
	snprintf(message, SIEVE_MESSAGE,
		 "The kernel takes no BPF program for lists of addresses (%.150s): rules on lists are "
		 "decided by workers. It wants CONFIG_NET_CLS_BPF and CONFIG_BPF_SYSCALL; on OpenWrt: "
		 "opkg install kmod-sched-bpf. `lists-in: daemon` says that this is meant",
		 words);
}

struct sieve *sieve_new(enum lists_in wanted, char message[static SIEVE_MESSAGE])
{
	struct sieve *sieve = calloc(1, sizeof(*sieve));

	message[0] = 0;
	if (!sieve)
		return NULL;
	sieve->idle = true;
	if (wanted == LISTS_IN_AUTO || wanted == LISTS_IN_BPF)
		open_marker(sieve, message);
	return sieve;
}

bool sieve_take(struct sieve *sieve, const struct policy *policy,
		char message[static SIEVE_MESSAGE])
{
	message[0] = 0;
	sieve->idle = sieve->way == SIEVE_DAEMON || !policy_asks_lists(policy);
	if (sieve->idle)
		return false;
	if (signatures_take(&sieve->signatures, policy) == 0)
		return true;
	sieve->idle = true;
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

int sieve_switch(struct sieve *sieve, const struct policy *policy)
{
	if (sieve->idle || sieve->generation == policy->generation)
		return 0;
	if (marker_load(sieve->marker, &policy->compiled->ranges, &sieve->signatures,
			policy->capture.list_mask) < 0)
		return -1;
	sieve->generation = policy->generation;
	return 0;
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

static void uncover_port(void *context, const struct link *link)
{
	(void)context;
	if (!link->loopback)
		marker_detach(link->index);
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
	static const char *const words[] = { "daemon", "bpf" };

	return words[way];
}

size_t sieve_size(const struct sieve *sieve)
{
	return sieve->generation ? marker_size(sieve->marker) : 0;
}

void sieve_remove(struct sieve *sieve)
{
	if (!sieve->generation)
		return;
	links_each(uncover_port, NULL);
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
