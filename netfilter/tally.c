#include "netfilter/tally.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netfilter/netlink.h"
#include "netfilter/table.h"

struct tally {
	tally_each *each;
	void *context;
};

struct counter_facts {
	const char *name;
	uint64_t packets;
};

static int note_packets(const struct nlattr *attribute, void *context)
{
	uint64_t *packets = context;

	if (mnl_attr_get_type(attribute) == NFTA_COUNTER_PACKETS &&
	    mnl_attr_validate(attribute, MNL_TYPE_U64) == 0)
		*packets = be64toh(mnl_attr_get_u64(attribute));
	return MNL_CB_OK;
}

static int note_attribute(const struct nlattr *attribute, void *context)
{
	struct counter_facts *facts = context;

	switch (mnl_attr_get_type(attribute)) {
	case NFTA_OBJ_NAME:
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
			facts->name = mnl_attr_get_str(attribute);
		break;
	case NFTA_OBJ_DATA:
		mnl_attr_parse_nested(attribute, note_packets, &facts->packets);
		break;
	}
	return MNL_CB_OK;
}

static int note_counter(const struct nlmsghdr *message, void *context)
{
	struct tally *tally = context;
	struct counter_facts facts = { 0 };

	if (message->nlmsg_type != NFT(NFT_MSG_NEWOBJ))
		return 0;
	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_attribute, &facts);
	if (facts.name && facts.packets)
		tally->each(tally->context, facts.name, facts.packets);
	return 0;
}

int tally_take(tally_each *each, void *context)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_put(storage, NFT(NFT_MSG_GETOBJ_RESET), NLM_F_DUMP, NFPROTO_INET);
	struct tally tally = { each, context };
	int result;

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, TABLE_NAME);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	result = netlink_ask_once(NETLINK_NETFILTER, message, note_counter, &tally);
	return result && errno == ENOENT ? 0 : result;
}
