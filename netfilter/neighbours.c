#include "netfilter/neighbours.h"

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "netfilter/netlink.h"

enum { MICROSECONDS = 1000000 };

struct neighbour {
	struct address address; /* AF_UNSPEC: the place is free */
	unsigned port;
	bool known;
	uint8_t mac[MAC_SIZE];
	int64_t expires; /* steady microseconds */
};

struct neighbours {
	struct netlink *netlink;
	struct neighbour cached[NEIGHBOURS_CACHED];
};

struct neighbours *neighbours_open(void)
{
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
	if (!neighbours)
		return NULL;
	neighbours->netlink = netlink_open(NETLINK_ROUTE);
	if (neighbours->netlink)
		return neighbours;
	free(neighbours);
	return NULL;
}

void neighbours_close(struct neighbours *neighbours)
{
	if (!neighbours)
		return;
	netlink_close(neighbours->netlink);
	free(neighbours);
}

/* Who forces two addresses into one place only costs us a question to the kernel. */
static struct neighbour *place_of(struct neighbours *neighbours, unsigned port,
				  const struct address *address)
{
	uint32_t hash = port;

	for (unsigned i = 0; i < address_width(address); i++)
		hash = (hash ^ address->bytes[i]) * 16777619u;
	return &neighbours->cached[(hash ^ hash >> 16) % NEIGHBOURS_CACHED];
}

/* The kernel adds the hardware address to entries that are valid and to no others. */
static int note_neighbour(const struct nlmsghdr *message, void *context)
{
	struct neighbour *neighbour = context;
	const struct ndmsg *body = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWNEIGH ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*body))
		return 0;
	mnl_attr_for_each (attribute, message, sizeof(*body)) {
		if (mnl_attr_get_type(attribute) != NDA_LLADDR ||
		    mnl_attr_get_payload_len(attribute) != MAC_SIZE)
			continue;
		memcpy(neighbour->mac, mnl_attr_get_payload(attribute), MAC_SIZE);
		neighbour->known = true;
	}
	return 0;
}

static void ask(struct netlink *netlink, struct neighbour *neighbour)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(storage);
	struct ndmsg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));

	message->nlmsg_type = RTM_GETNEIGH;
	body->ndm_family = (uint8_t)neighbour->address.family;
	body->ndm_ifindex = (int)neighbour->port;
	mnl_attr_put(message, NDA_DST, address_width(&neighbour->address),
		     neighbour->address.bytes);
	if (netlink_ask(netlink, message, note_neighbour, neighbour))
		neighbour->known = false;
}

bool neighbours_find(struct neighbours *neighbours, unsigned port, const struct address *address,
		     uint8_t mac[static MAC_SIZE])
{
	struct neighbour *neighbour = place_of(neighbours, port, address);
	int64_t now = clock_steady();

	if (address_width(address) == 0)
		return false;
	if (now >= neighbour->expires || neighbour->port != port ||
	    !address_same_host(&neighbour->address, address)) {
		*neighbour = (struct neighbour){ .address = *address, .port = port };
		ask(neighbours->netlink, neighbour);
		int64_t life = neighbour->known ? NEIGHBOUR_SECONDS : STRANGER_SECONDS;
		neighbour->expires = now + life * MICROSECONDS;
	}
	if (neighbour->known)
		memcpy(mac, neighbour->mac, MAC_SIZE);
	return neighbour->known;
}
