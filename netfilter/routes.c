#include "netfilter/routes.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>

#include "netfilter/netlink.h"

static const uint8_t families[] = { AF_INET, AF_INET6 };

static void put_rule(struct nlmsghdr *message, uint8_t family, const struct capture *capture)
{
	struct fib_rule_hdr *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));

	body->family = family;
	body->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_PRIORITY, ROUTES_PRIORITY);
	mnl_attr_put_u32(message, FRA_FWMARK, capture->mark);
	mnl_attr_put_u32(message, FRA_FWMASK, capture->mark_mask);
	mnl_attr_put_u32(message, FRA_TABLE, capture->table);
}

static void put_route(struct nlmsghdr *message, uint8_t family, const struct capture *capture)
{
	struct rtmsg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));

	body->rtm_family = family;
	body->rtm_table = RT_TABLE_UNSPEC; /* the attribute holds it, as it may be above 255 */
	body->rtm_protocol = RTPROT_STATIC;
	body->rtm_scope = RT_SCOPE_HOST;
	body->rtm_type = RTN_LOCAL;
	mnl_attr_put_u32(message, RTA_TABLE, capture->table);
	mnl_attr_put_u32(message, RTA_OIF, if_nametoindex("lo"));
}

/* Sends one request of four for each family: rule or route, to add or to remove. */
typedef void put(struct nlmsghdr *message, uint8_t family, const struct capture *capture);

static int send_one(struct netlink *netlink, uint16_t type, put *put_body, uint8_t family,
		    const struct capture *capture)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(storage);

	message->nlmsg_type = type;
	if (type == RTM_NEWRULE || type == RTM_NEWROUTE)
		message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	put_body(message, family, capture);
	return netlink_request(netlink, message);
}

/* What the kernel says of a family it does not have, or that is switched off on lo. */
static bool family_is_missing(uint8_t family, int error)
{
	return family == AF_INET6 &&
	       (error == EAFNOSUPPORT || error == EOPNOTSUPP || error == EACCES);
}

static int add_one(struct netlink *netlink, uint16_t type, put *put_body, uint8_t family,
		   const struct capture *capture)
{
	if (send_one(netlink, type, put_body, family, capture) == 0 || errno == EEXIST)
		return 0;
	return family_is_missing(family, errno) ? 0 : -1;
}

static int remove_one(struct netlink *netlink, uint16_t type, put *put_body, uint8_t family,
		      const struct capture *capture)
{
	if (send_one(netlink, type, put_body, family, capture) == 0)
		return 0;
	return errno == ENOENT || errno == ESRCH || family_is_missing(family, errno) ? 0 : -1;
}

int routes_add(const struct capture *capture)
{
	struct netlink *netlink = netlink_open(NETLINK_ROUTE);
	int result = 0;

	if (!netlink)
		return -1;
	/* The route first: a rule that finds an empty table goes on to the next. */
	for (size_t i = 0; i < sizeof(families) && !result; i++) {
		result = add_one(netlink, RTM_NEWROUTE, put_route, families[i], capture);
		if (!result)
			result = add_one(netlink, RTM_NEWRULE, put_rule, families[i], capture);
	}
	int error = errno;
	netlink_close(netlink);
	errno = error;
	return result;
}

int routes_remove(const struct capture *capture)
{
	struct netlink *netlink = netlink_open(NETLINK_ROUTE);
	int result = 0;
	int error = 0;

	if (!netlink)
		return -1;
	for (size_t i = 0; i < sizeof(families); i++) {
		if (remove_one(netlink, RTM_DELRULE, put_rule, families[i], capture) ||
		    remove_one(netlink, RTM_DELROUTE, put_route, families[i], capture)) {
			error = errno;
			result = -1;
		}
	}
	netlink_close(netlink);
	errno = error;
	return result;
}
