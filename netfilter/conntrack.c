#include "netfilter/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "netfilter/netlink.h"

/* The type of a message of conntrack (IPCTNL_MSG_CT_…). */
#define CONNTRACK(type) ((uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | (type)))

struct cutting {
	flow_choice *choose;
	void *context;
	size_t *count;
	uint32_t mark, mask;
	struct netlink *netlink; /* for the deletions, while the other one reads */
	int error;
};

/* One object of the dump. */
struct record {
	struct tuple flow;
	const struct nlattr *tuple, *id, *zone;
	uint32_t mark;
};

static int note_attribute(const struct nlattr *attribute, void *context)
{
	struct record *record = context;

	switch (mnl_attr_get_type(attribute)) {
	case CTA_TUPLE_ORIG:
		record->tuple = attribute;
		tuple_read(&record->flow, attribute);
		break;
	case CTA_MARK:
		if (mnl_attr_get_payload_len(attribute) == 4)
			record->mark = ntohl(mnl_attr_get_u32(attribute));
		break;
	case CTA_ID:
		record->id = attribute;
		break;
	case CTA_ZONE:
		record->zone = attribute;
		break;
	}
	return MNL_CB_OK;
}

static void copy_attribute(struct nlmsghdr *message, const struct nlattr *attribute)
{
	if (attribute)
		mnl_attr_put(message, attribute->nla_type, mnl_attr_get_payload_len(attribute),
			     mnl_attr_get_payload(attribute));
}

/* One that has ended by itself meanwhile is fine. */
static void take_out(struct cutting *cutting, const struct record *record)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_put(storage, CONNTRACK(IPCTNL_MSG_CT_DELETE), 0,
					       (uint8_t)record->flow.client.family);

	if (mnl_attr_get_payload_len(record->tuple) > NETLINK_MESSAGE / 2)
		return;
	copy_attribute(message, record->tuple);
	copy_attribute(message, record->id);
	copy_attribute(message, record->zone);
	if (netlink_request(cutting->netlink, message) == 0)
		++*cutting->count;
	else if (errno != ENOENT)
		cutting->error = errno;
}

static int note_flow(const struct nlmsghdr *message, void *context)
{
	struct cutting *cutting = context;
	struct record record = { 0 };

	if (message->nlmsg_type != CONNTRACK(IPCTNL_MSG_CT_NEW))
		return 0;
	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_attribute, &record);
	if (record.tuple && (record.mark & cutting->mask) == cutting->mark &&
	    cutting->choose(cutting->context, &record.flow))
		take_out(cutting, &record);
	return 0;
}

static int walk(struct netlink *netlink, struct cutting *cutting)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_put(storage, CONNTRACK(IPCTNL_MSG_CT_GET), NLM_F_DUMP, AF_UNSPEC);

	/* The kernel leaves out what does not carry the mark. */
	if (cutting->mask) {
		mnl_attr_put_u32(message, CTA_MARK, htonl(cutting->mark));
		mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(cutting->mask));
	}
	if (netlink_ask(netlink, message, note_flow, cutting) < 0 && errno != EINTR)
		return -1;
	errno = cutting->error;
	return cutting->error ? -1 : 0;
}

int conntrack_cut(uint32_t mark, uint32_t mask, flow_choice *choose, void *context, size_t *count)
{
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	struct cutting cutting = {
		.choose = choose, .context = context, .count = count, .mark = mark, .mask = mask,
		.netlink = netlink ? netlink_open(NETLINK_NETFILTER) : NULL,
	};
	int result = cutting.netlink ? walk(netlink, &cutting) : -1;
	int error = errno;

	netlink_close(cutting.netlink);
	netlink_close(netlink);
	errno = error;
	return result;
}
