#include "netfilter/queue_rule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdbool.h>
#include <stdio.h>

#include "netfilter/netlink.h"
#include "netfilter/queue.h"
#include "netfilter/table.h"

enum { TARGET_REVISION = 3, TARGET_ALIGNED = 8, COMPAT_TARGET = 1 };

#define TRIAL "headgate-trial"

static struct nlattr *begin_expression(struct nlmsghdr *message, const char *name,
				       struct nlattr **element)
{
	*element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
	return mnl_attr_nest_start(message, NFTA_EXPR_DATA);
}

static void end_expression(struct nlmsghdr *message, struct nlattr *data, struct nlattr *element)
{
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, element);
}

static void put_mark_access(struct nlmsghdr *message, uint16_t direction)
{
	struct nlattr *element, *data = begin_expression(message, "meta", &element);

	mnl_attr_put_u32(message, NFTA_META_KEY, htonl(NFT_META_MARK));
	mnl_attr_put_u32(message, direction, htonl(NFT_REG_1));
	end_expression(message, data, element);
}

static void put_value(struct nlmsghdr *message, uint16_t type, uint32_t value)
{
	struct nlattr *nest = mnl_attr_nest_start(message, type);

	mnl_attr_put_u32(message, NFTA_DATA_VALUE, value);
	mnl_attr_nest_end(message, nest);
}

static void put_masking(struct nlmsghdr *message, uint32_t mark, uint32_t mask)
{
	struct nlattr *element, *data = begin_expression(message, "bitwise", &element);

	mnl_attr_put_u32(message, NFTA_BITWISE_SREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(message, NFTA_BITWISE_DREG, htonl(NFT_REG_1));
	mnl_attr_put_u32(message, NFTA_BITWISE_LEN, htonl(sizeof(uint32_t)));
	put_value(message, NFTA_BITWISE_MASK, ~mask);
	put_value(message, NFTA_BITWISE_XOR, mark);
	end_expression(message, data, element);
}

static void put_target(struct nlmsghdr *message, unsigned queues)
{
	struct {
		struct xt_NFQ_info_v3 info;
		char padding[TARGET_ALIGNED - sizeof(struct xt_NFQ_info_v3) % TARGET_ALIGNED];
	} target = { .info = { QUEUE_NUMBER, (uint16_t)queues, NFQ_FLAG_BYPASS } };
	struct nlattr *element, *data = begin_expression(message, "target", &element);

	mnl_attr_put_strz(message, NFTA_TARGET_NAME, "NFQUEUE");
	mnl_attr_put_u32(message, NFTA_TARGET_REV, htonl(TARGET_REVISION));
	mnl_attr_put(message, NFTA_TARGET_INFO, sizeof(target), &target);
	end_expression(message, data, element);
}

static char *put_rule(char *end, const struct queue_rule *rule, const char *chain)
{
	struct nlmsghdr *message =
		netlink_put(end, NFT(NFT_MSG_NEWRULE), NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK, NFPROTO_INET);
	struct nlattr *expressions;

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, TABLE_NAME);
	mnl_attr_put_strz(message, NFTA_RULE_CHAIN, chain);
	expressions = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
	put_mark_access(message, NFTA_META_DREG);
	put_masking(message, rule->mark, rule->mask);
	put_mark_access(message, NFTA_META_SREG);
	put_target(message, rule->queues);
	mnl_attr_nest_end(message, expressions);
	return end + message->nlmsg_len;
}

static int send_batch(char *batch, const char *end)
{
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	int result, error;

	if (!netlink)
		return -1;
	result = netlink_send_batch(netlink, batch, (size_t)(end - batch));
	error = errno;
	netlink_close(netlink);
	errno = error;
	return result;
}

int queue_rule_add(const struct queue_rule *rule, const char *chain)
{
	char batch[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	char *end = batch + netlink_put_mark(batch, NFNL_MSG_BATCH_BEGIN);

	end = put_rule(end, rule, chain);
	end += netlink_put_mark(end, NFNL_MSG_BATCH_END);
	return send_batch(batch, end);
}

/* Iptables asks in the same way. A trial would tell more, but whoever makes a transaction waits for all
 * processors. */
static int ask_for_target(void)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	const uint16_t type = NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET;
	struct nlmsghdr *message = netlink_put(storage, type, 0, AF_INET);
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	int result;

	if (!netlink)
		return -1;
	mnl_attr_put_strz(message, NFTA_COMPAT_NAME, "NFQUEUE");
	mnl_attr_put_u32(message, NFTA_COMPAT_REV, htonl(TARGET_REVISION));
	mnl_attr_put_u32(message, NFTA_COMPAT_TYPE, htonl(COMPAT_TARGET));
	result = netlink_request(netlink, message);
	netlink_close(netlink);
	return result;
}

enum queue_way queue_rule_probe(void)
{
	char message[TABLE_MESSAGE], rules[256];

	snprintf(rules, sizeof(rules),
		 "table inet " TRIAL " {\n\tchain watch {\n\t\tqueue flags bypass to %d\n\t}\n}\n",
		 QUEUE_NUMBER);
	if (table_check(rules, message) == 0)
		return QUEUE_NATIVE;
	return ask_for_target() == 0 ? QUEUE_TARGET : QUEUE_NOT_AT_ALL;
}

const char *queue_way_word(enum queue_way way)
{
	static const char *const words[] = { "none", "nft queue", "NFQUEUE target" };

	return words[way];
}
