#include "netfilter/watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/netlink.h"
#include "netfilter/table.h"

struct watch {
	struct netlink *netlink;
	bool alarmed; /* look at the table; stays until the kernel has answered */
};

struct watch *watch_open(void)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->netlink = netlink_listen(NETLINK_NETFILTER, 1u << (NFNLGRP_NFTABLES - 1));
	if (watch->netlink)
		return watch;
	free(watch);
	return NULL;
}

void watch_close(struct watch *watch)
{
	if (!watch)
		return;
	netlink_close(watch->netlink);
	free(watch);
}

int watch_descriptor(const struct watch *watch)
{
	return netlink_descriptor(watch->netlink);
}

static bool is_deletion(const struct nlmsghdr *message)
{
	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct nfgenmsg))
		return false;
	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_DELRULE:
		return true;
	default:
		return false;
	}
}

/* The first attribute type of all three messages is the table's name. */
_Static_assert((int)NFTA_TABLE_NAME == (int)NFTA_CHAIN_TABLE &&
		       (int)NFTA_TABLE_NAME == (int)NFTA_RULE_TABLE,
	       "one attribute names the table");

static bool names_our_table(const struct nlmsghdr *message)
{
	const struct nfgenmsg *body = mnl_nlmsg_get_payload(message);
	const struct nlattr *attribute;

	if (body->nfgen_family != NFPROTO_INET)
		return false;
	mnl_attr_for_each (attribute, message, sizeof(*body))
		if (mnl_attr_get_type(attribute) == NFTA_TABLE_NAME)
			return mnl_attr_get_payload_len(attribute) == sizeof(TABLE_NAME) &&
			       memcmp(mnl_attr_get_payload(attribute), TABLE_NAME,
				      sizeof(TABLE_NAME)) == 0;
	return false;
}

static int note_deletion(const struct nlmsghdr *message, void *context)
{
	struct watch *watch = context;

	if (is_deletion(message) && names_our_table(message))
		watch->alarmed = true;
	return 0;
}

enum watch_news watch_read(struct watch *watch)
{
	if (netlink_drain(watch->netlink, note_deletion, watch)) {
		if (errno != ENOBUFS)
			return WATCH_FAILED;
		watch->alarmed = true;
	}
	if (!watch->alarmed)
		return WATCH_QUIET;

	enum table_state state = table_look();
	if (state == TABLE_UNKNOWN)
		return WATCH_FAILED;
	watch->alarmed = false;
	return state == TABLE_ABSENT ? WATCH_TABLE_GONE : WATCH_QUIET;
}
