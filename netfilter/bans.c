#include "netfilter/bans.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "daemon/text.h"
#include "netfilter/netlink.h"
#include "netfilter/table.h"

#define BANS_TABLE TABLE_NAME "-bans"

enum { BANS_TEXT = 4096 };

static const char *set_of(const struct address *address)
{
	return address->family == AF_INET ? "banned" : "banned6";
}

/* Devices of the LAN are answered, others are not. */
static void add_rules(struct text *text, const struct policy *policy)
{
	/* Our own refusals come back that way. */
	text_add(text, "add rule inet " BANS_TABLE " enter iif lo return\n"
		       "add rule inet " BANS_TABLE " enter iifname {");
	for (size_t i = 0; i < policy->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", policy->lan[i]);
	text_add(text, " } goto inside\n");
	for (unsigned i = 0; i < 4; i++)
		text_addf(text, "add rule inet " BANS_TABLE " inside ip%s %s @banned%s goto refuse\n",
			  i & 1 ? "6" : "", i & 2 ? "saddr" : "daddr", i & 1 ? "6" : "");
	for (unsigned i = 0; i < 4; i++)
		text_addf(text, "add rule inet " BANS_TABLE " enter ip%s %s @banned%s drop\n",
			  i & 1 ? "6" : "", i & 2 ? "daddr" : "saddr", i & 1 ? "6" : "");
	for (unsigned i = 0; i < 2; i++)
		text_addf(text, "add rule inet " BANS_TABLE " leave ip%s daddr @banned%s goto refuse\n",
			  i & 1 ? "6" : "", i & 1 ? "6" : "");
	text_add(text, "add rule inet " BANS_TABLE " refuse meta l4proto tcp reject with tcp reset\n"
		       "add rule inet " BANS_TABLE " refuse reject\n");
}

/* Again and again: what is there stays, rules are written anew. */
static int load(const struct policy *policy, char message[static TABLE_MESSAGE])
{
	static const char *const chains[] = { "enter", "inside", "leave", "refuse" };
	char storage[BANS_TEXT];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_addf(&text,
		  "add table inet " BANS_TABLE "\n"
		  "add set inet " BANS_TABLE " banned { type ipv4_addr; flags timeout; size %d; }\n"
		  "add set inet " BANS_TABLE " banned6 { type ipv6_addr; flags timeout; size %d; }\n"
		  "add chain inet " BANS_TABLE " refuse\n"
		  "add chain inet " BANS_TABLE " inside\n"
		  "add chain inet " BANS_TABLE
		  " enter { type filter hook prerouting priority mangle - 4; }\n"
		  "add chain inet " BANS_TABLE
		  " leave { type filter hook output priority mangle - 4; }\n",
		  BANS_MAX, BANS_MAX);
	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++)
		text_addf(&text, "flush chain inet " BANS_TABLE " %s\n", chains[i]);
	add_rules(&text, policy);
	errno = E2BIG;
	return text.full ? -1 : table_load(storage, message);
}

/* Elements */

static void put_set(struct nlmsghdr *message, const char *set)
{
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, BANS_TABLE);
	mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set);
}

static void put_element(struct nlmsghdr *message, const struct address *address, unsigned seconds)
{
	struct nlattr *elements = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nlattr *element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);

	mnl_attr_put(message, NFTA_DATA_VALUE, address_width(address), address->bytes);
	mnl_attr_nest_end(message, key);
	if (seconds)
		mnl_attr_put_u64(message, NFTA_SET_ELEM_TIMEOUT, htobe64(seconds * 1000ull));
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, elements);
}

static int change(uint16_t type, uint16_t flags, const struct address *address, unsigned seconds)
{
	char batch[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	struct nlmsghdr *message;
	char *end = batch;
	int result, error;

	if (!netlink)
		return -1;
	end += netlink_put_mark(end, NFNL_MSG_BATCH_BEGIN);
	message = netlink_put(end, NFT(type), (uint16_t)(flags | NLM_F_ACK), NFPROTO_INET);
	put_set(message, set_of(address));
	put_element(message, address, seconds);
	end += message->nlmsg_len;
	end += netlink_put_mark(end, NFNL_MSG_BATCH_END);
	result = netlink_send_batch(netlink, batch, (size_t)(end - batch));
	error = errno;
	netlink_close(netlink);
	errno = error;
	return result;
}

int ban_remove(const struct address *address)
{
	return change(NFT_MSG_DELSETELEM, 0, address, 0);
}

int ban_add(const struct policy *policy, const struct address *address, unsigned seconds,
	    char message[static BANS_MESSAGE])
{
	char words[TABLE_MESSAGE] = "";
	int result;

	message[0] = 0;
	result = load(policy, words);
	if (result < 0) {
		snprintf(message, BANS_MESSAGE, "%.200s", words[0] ? words : strerror(errno));
		return -1;
	}
	/* An element that is there keeps its old timeout. */
	ban_remove(address);
	result = change(NFT_MSG_NEWSETELEM, NLM_F_CREATE, address, seconds);
	if (result < 0)
		snprintf(message, BANS_MESSAGE, "%s",
			 errno == ENFILE ? "there are 4096 bans already; a list takes more"
					 : strerror(errno));
	return result;
}

struct walk {
	ban_visit *visit;
	void *context;
	struct address address;
	uint64_t left; /* milliseconds */
};

static int note_key(const struct nlattr *attribute, void *context)
{
	struct address *address = context;
	size_t length = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != NFTA_DATA_VALUE || (length != 4 && length != 16))
		return MNL_CB_OK;
	address->family = length == 4 ? AF_INET : AF_INET6;
	memcpy(address->bytes, mnl_attr_get_payload(attribute), length);
	return MNL_CB_OK;
}

static int note_element_attribute(const struct nlattr *attribute, void *context)
{
	struct walk *walk = context;

	if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_KEY)
		mnl_attr_parse_nested(attribute, note_key, &walk->address);
	if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_EXPIRATION &&
	    mnl_attr_get_payload_len(attribute) == 8)
		walk->left = be64toh(mnl_attr_get_u64(attribute));
	return MNL_CB_OK;
}

static int note_element(const struct nlattr *attribute, void *context)
{
	struct walk *walk = context;

	walk->address = (struct address){ 0 };
	walk->left = 0;
	mnl_attr_parse_nested(attribute, note_element_attribute, walk);
	if (walk->address.family)
		walk->visit(walk->context, &walk->address, (unsigned)((walk->left + 999) / 1000));
	return MNL_CB_OK;
}

static int note_list(const struct nlattr *attribute, void *context)
{
	if (mnl_attr_get_type(attribute) == NFTA_SET_ELEM_LIST_ELEMENTS)
		mnl_attr_parse_nested(attribute, note_element, context);
	return MNL_CB_OK;
}

static int note_message(const struct nlmsghdr *message, void *context)
{
	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_list, context);
	return 0;
}

static int walk_set(struct netlink *netlink, const char *set, struct walk *walk)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message =
		netlink_put(storage, NFT(NFT_MSG_GETSETELEM), NLM_F_DUMP, NFPROTO_INET);

	put_set(message, set);
	return netlink_ask(netlink, message, note_message, walk);
}

int bans_each(ban_visit *visit, void *context)
{
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	struct walk walk = { .visit = visit, .context = context };
	int result, error;

	if (!netlink)
		return -1;
	result = walk_set(netlink, "banned", &walk);
	if (result == 0)
		result = walk_set(netlink, "banned6", &walk);
	error = errno;
	netlink_close(netlink);
	errno = error;
	return result && error == ENOENT ? 0 : result;
}

static void count_ban(void *context, const struct address *address, unsigned left)
{
	(void)address;
	(void)left;
	++*(size_t *)context;
}

int bans_refresh(const struct policy *policy)
{
	char message[TABLE_MESSAGE];
	size_t count = 0;

	if (bans_each(count_ban, &count) < 0)
		return -1;
	/* The last one has run out: its table is not needed any more. */
	if (!count)
		return bans_remove();
	return load(policy, message);
}

int bans_remove(void)
{
	return table_remove_named(BANS_TABLE);
}
