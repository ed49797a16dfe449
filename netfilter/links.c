#include "netfilter/links.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netfilter/netlink.h"

struct walk {
	links_each_call *each;
	void *context;
};

static int note_attribute(const struct nlattr *attribute, void *context)
{
	struct link *link = context;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
			strncpy(link->name, mnl_attr_get_str(attribute), sizeof(link->name) - 1);
		break;
	case IFLA_MASTER:
		link->member = true;
		break;
	}
	return MNL_CB_OK;
}

static int note_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *body = mnl_nlmsg_get_payload(message);
	struct walk *walk = context;
	struct link link = { 0 };

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	link.index = (unsigned)body->ifi_index;
	link.loopback = body->ifi_flags & IFF_LOOPBACK;
	mnl_attr_parse(message, sizeof(*body), note_attribute, &link);
	walk->each(walk->context, &link);
	return 0;
}

int links_each(links_each_call *each, void *context)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(storage);
	struct walk walk = { each, context };

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_DUMP;
	struct ifinfomsg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
	body->ifi_family = AF_UNSPEC;
	return netlink_ask_once(NETLINK_ROUTE, message, note_link, &walk);
}
