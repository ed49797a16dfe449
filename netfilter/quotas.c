#include "netfilter/quotas.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"
#include "netfilter/netlink.h"
#include "netfilter/table.h"

#define QUOTAS_TABLE TABLE_NAME "-quotas"
#define RULE "add rule inet " QUOTAS_TABLE " "
#define DEVICE "device_"
#define DAY "day_" /* a quota that counts nothing: its name is the date that the others are of */

enum {
	QUOTA_TEXT = 4096, /* for one device, and as much for the rest */
	ADDRESS_TEXT_SIZE = 192, /* of a rule for one address */
	FOLLOWED_MAX = 64, /* addresses of one device known by MAC */
};

static void add_macs(struct text *text, const struct device *device)
{
	char printed[MAC_TEXT];

	text_add(text, "{");
	for (size_t i = 0; i < device->mac_count; i++)
		text_addf(text, "%s %s", i ? "," : "", mac_print(device->macs[i], printed));
	text_add(text, " }");
}

/* One by one: a set takes no prefixes that overlap. */
static void add_by_address(struct text *text, const struct device *device, const char *chain,
			   const char *end)
{
	char printed[PREFIX_TEXT];

	for (size_t i = 0; i < device->prefix_count; i++) {
		const struct prefix *prefix = &device->prefixes[i];

		text_addf(text, RULE "%s %s %s %s goto %s_%s\n", chain,
			  prefix->base.family == AF_INET ? "ip" : "ip6", end,
			  prefix_print(prefix, printed), chain, device->name);
	}
}

/* By MAC, and by the addresses that were seen behind it. */
static void add_by_mac(struct text *text, const struct device *device)
{
	for (unsigned family = 4; family <= 6 && device->mac_count; family += 2) {
		const char *ip = family == 4 ? "ip" : "ip6";

		text_addf(text, RULE "up ether saddr ");
		add_macs(text, device);
		text_addf(text, " update @at%u_%s { %s saddr } goto up_%s\n", family, device->name, ip,
			  device->name);
		text_addf(text, RULE "down %s daddr @at%u_%s goto down_%s\n", ip, family, device->name,
			  device->name);
	}
}

static void add_device(struct text *text, const struct device *device, uint64_t used)
{
	text_addf(text, "add quota inet " QUOTAS_TABLE " " DEVICE "%s { over %llu bytes",
		  device->name, (unsigned long long)device->quota);
	if (used)
		text_addf(text, " used %llu bytes", (unsigned long long)used);
	text_add(text, "; }\n");
	for (unsigned family = 4; family <= 6 && device->mac_count; family += 2)
		text_addf(text,
			  "add set inet " QUOTAS_TABLE
			  " at%u_%s { type ipv%u_addr; size %d; flags dynamic,timeout; timeout 1d; }\n",
			  family, device->name, family, FOLLOWED_MAX);
	text_addf(text,
		  "add chain inet " QUOTAS_TABLE " up_%s\n"
		  "add chain inet " QUOTAS_TABLE " down_%s\n"
		  "flush chain inet " QUOTAS_TABLE " up_%s\n"
		  "flush chain inet " QUOTAS_TABLE " down_%s\n" RULE
		  "up_%s quota name \"" DEVICE "%s\" goto refuse\n" RULE
		  "down_%s quota name \"" DEVICE "%s\" drop\n",
		  device->name, device->name, device->name, device->name, device->name, device->name,
		  device->name, device->name);
	add_by_address(text, device, "up", "saddr");
	add_by_address(text, device, "down", "daddr");
	add_by_mac(text, device);
}

static void add_lan(struct text *text, const struct policy *policy)
{
	text_add(text, " != {");
	for (size_t i = 0; i < policy->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", policy->lan[i]);
	text_add(text, " } return\n");
}

/* What the gateway itself serves (names, addresses) costs nothing. */
static void add_table(struct text *text, const struct policy *policy)
{
	text_add(text,
		 "add table inet " QUOTAS_TABLE "\n"
		 "add chain inet " QUOTAS_TABLE
		 " up { type filter hook prerouting priority mangle - 4; }\n"
		 "add chain inet " QUOTAS_TABLE
		 " down { type filter hook postrouting priority mangle; }\n"
		 "add chain inet " QUOTAS_TABLE " refuse\n"
		 "flush chain inet " QUOTAS_TABLE " up\n"
		 "flush chain inet " QUOTAS_TABLE " down\n"
		 "flush chain inet " QUOTAS_TABLE " refuse\n" RULE
		 "refuse meta l4proto tcp reject with tcp reset\n" RULE "refuse reject\n" RULE
		 "up iifname");
	add_lan(text, policy);
	text_add(text, RULE "up fib daddr type { local, broadcast, multicast } return\n" RULE
			    "down oifname");
	add_lan(text, policy);
	/* Our own refusals must reach the device. */
	text_add(text, RULE "down fib saddr type local return\n" RULE
			    "down tcp flags & rst == rst return\n");
}

/* counted: the day whose counters are there already. */
static void add_day(struct text *text, uint32_t date, uint32_t counted)
{
	if (counted && counted != date)
		text_addf(text, "delete quota inet " QUOTAS_TABLE " " DAY "%u\n", counted);
	text_addf(text, "add quota inet " QUOTAS_TABLE " " DAY "%u { over 1 bytes; }\n", date);
}

static size_t text_size(const struct policy *policy, size_t *devices)
{
	size_t size = QUOTA_TEXT;

	*devices = 0;
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct device *device = &policy->devices[i];

		if (!device->quota)
			continue;
		++*devices;
		size += QUOTA_TEXT +
			2 * ADDRESS_TEXT_SIZE * (device->prefix_count + device->mac_count);
	}
	return size;
}

int quotas_remove(void)
{
	return table_remove_named(QUOTAS_TABLE);
}

/* Reading */

struct walk {
	quota_visit *visit; /* may be NULL */
	void *context;
	uint32_t date;
};

struct quota {
	const char *name;
	uint64_t limit, used;
};

static int note_number(const struct nlattr *attribute, void *context)
{
	struct quota *quota = context;

	if (mnl_attr_get_payload_len(attribute) != 8)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attribute) == NFTA_QUOTA_BYTES)
		quota->limit = be64toh(mnl_attr_get_u64(attribute));
	if (mnl_attr_get_type(attribute) == NFTA_QUOTA_CONSUMED)
		quota->used = be64toh(mnl_attr_get_u64(attribute));
	return MNL_CB_OK;
}

static int note_attribute(const struct nlattr *attribute, void *context)
{
	struct quota *quota = context;

	if (mnl_attr_get_type(attribute) == NFTA_OBJ_NAME &&
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		quota->name = mnl_attr_get_str(attribute);
	if (mnl_attr_get_type(attribute) == NFTA_OBJ_DATA)
		mnl_attr_parse_nested(attribute, note_number, quota);
	return MNL_CB_OK;
}

static int note_quota(const struct nlmsghdr *message, void *context)
{
	struct walk *walk = context;
	struct quota quota = { 0 };

	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_attribute, &quota);
	if (quota.name && strncmp(quota.name, DAY, strlen(DAY)) == 0)
		walk->date = (uint32_t)strtoul(quota.name + strlen(DAY), NULL, 10);
	if (quota.name && walk->visit && strncmp(quota.name, DEVICE, strlen(DEVICE)) == 0)
		walk->visit(walk->context, quota.name + strlen(DEVICE), quota.used, quota.limit);
	return 0;
}

static int ask(uint16_t type, struct walk *walk)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_put(storage, NFT(type), NLM_F_DUMP, NFPROTO_INET);
	int result;

	mnl_attr_put_strz(message, NFTA_OBJ_TABLE, QUOTAS_TABLE);
	mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_QUOTA));
	result = netlink_ask_once(NETLINK_NETFILTER, message, note_quota, walk);
	return result && errno == ENOENT ? 0 : result;
}

int quotas_each(quota_visit *visit, void *context)
{
	struct walk walk = { visit, context, 0 };

	return ask(NFT_MSG_GETOBJ, &walk);
}

uint32_t quotas_date(void)
{
	struct walk walk = { NULL, NULL, 0 };

	return ask(NFT_MSG_GETOBJ, &walk) < 0 ? 0 : walk.date;
}

static void forget_uses(void)
{
	struct walk walk = { NULL, NULL, 0 };

	ask(NFT_MSG_GETOBJ_RESET, &walk);
}

/* Loading */

static int load(const struct policy *policy, uint32_t date, const struct quota_book *book,
		struct text *text, char words[static TABLE_MESSAGE])
{
	uint32_t counted = quotas_date();

	if (counted && counted != date)
		forget_uses();
	add_table(text, policy);
	add_day(text, date, counted);
	for (size_t i = 0; i < policy->device_count; i++) {
		const struct device *device = &policy->devices[i];

		if (device->quota)
			add_device(text, device, quota_book_used(book, date, device->name));
	}
	errno = E2BIG;
	return text->full ? -1 : table_load(text->bytes, words);
}

int quotas_load(const struct policy *policy, uint32_t date, const struct quota_book *book,
		char message[static QUOTAS_MESSAGE])
{
	char words[TABLE_MESSAGE] = "";
	size_t devices, size = text_size(policy, &devices);
	struct text text;
	char *storage;
	int result, error;

	message[0] = 0;
	if (!devices)
		return quotas_remove();
	storage = malloc(size);
	if (!storage)
		return -1;
	text_begin(&text, storage, size);
	result = load(policy, date, book, &text, words);
	error = errno;
	free(storage);
	words[strcspn(words, "\n")] = 0;
	snprintf(message, QUOTAS_MESSAGE, "%.200s", words[0] ? words : strerror(error));
	errno = error;
	return result;
}
