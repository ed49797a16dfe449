#include "netfilter/endings.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "netfilter/netlink.h"

enum { WAITING_MAX = 4 << 20 }; /* bytes of messages between two readings */

struct endings {
	struct netlink *netlink;
	endings_each *each;
	void *context;
	bool wanted;
};

struct endings *endings_open(void)
{
	struct endings *endings = calloc(1, sizeof(*endings));
	const int size = WAITING_MAX;

	if (!endings)
		return NULL;
	endings->netlink = netlink_listen(NETLINK_NETFILTER, 0);
	if (!endings->netlink) {
		free(endings);
		return NULL;
	}
	setsockopt(netlink_descriptor(endings->netlink), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		   sizeof(size));
	return endings;
}

int endings_want(struct endings *endings, bool wanted)
{
	const int group = NFNLGRP_CONNTRACK_DESTROY;
	int change = wanted ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;

	if (wanted == endings->wanted)
		return 0;
	if (setsockopt(netlink_descriptor(endings->netlink), SOL_NETLINK, change, &group,
		       sizeof(group)) < 0)
		return -1;
	endings->wanted = wanted;
	return 0;
}

static int note_counter(const struct nlattr *attribute, void *context)
{
	if (mnl_attr_get_type(attribute) == CTA_COUNTERS_BYTES &&
	    mnl_attr_get_payload_len(attribute) == sizeof(uint64_t))
		*(uint64_t *)context = be64toh(mnl_attr_get_u64(attribute));
	return MNL_CB_OK;
}

static int note_attribute(const struct nlattr *attribute, void *context)
{
	struct ending *ending = context;

	switch (mnl_attr_get_type(attribute)) {
	case CTA_TUPLE_ORIG:
		tuple_read(&ending->tuple, attribute);
		break;
	case CTA_COUNTERS_ORIG:
		mnl_attr_parse_nested(attribute, note_counter, &ending->from_client);
		break;
	case CTA_COUNTERS_REPLY:
		mnl_attr_parse_nested(attribute, note_counter, &ending->to_client);
		break;
	}
	return MNL_CB_OK;
}

static int note_message(const struct nlmsghdr *message, void *context)
{
	const struct endings *endings = context;
	struct ending ending = { 0 };

	if (message->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE))
		return 0;
	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_attribute, &ending);
	endings->each(endings->context, &ending);
	return 0;
}

int endings_read(struct endings *endings, endings_each *each, void *context)
{
	endings->each = each;
	endings->context = context;
	return netlink_drain(endings->netlink, note_message, endings);
}
