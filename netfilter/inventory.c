#include "netfilter/inventory.h"

#include <arpa/inet.h>
#include <ctype.h>
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

enum {
	ITEMS_MAX = 1 << 16, /* more than any policy makes */
	TRIES = 8,	     /* somebody may change rules while we ask */
};

struct taking {
	struct inventory *inventory;
	size_t room;
	int error;
};

/* What the kernel says of one; names live as long as the message. */
struct facts {
	const char *table;
	const char *name;
	bool hooked;
	bool anonymous;
};

/* The attributes of the three messages have the same places where it matters. */
_Static_assert((int)NFTA_CHAIN_TABLE == (int)NFTA_SET_TABLE &&
		       (int)NFTA_CHAIN_TABLE == (int)NFTA_OBJ_TABLE &&
		       (int)NFTA_SET_NAME == (int)NFTA_OBJ_NAME,
	       "one attribute names the table, and one a set or an object");

static int note_string(const struct nlattr *attribute, const char **string)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		*string = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

static int note_of_chain(const struct nlattr *attribute, void *context)
{
	struct facts *facts = context;

	switch (mnl_attr_get_type(attribute)) {
	case NFTA_CHAIN_TABLE:
		return note_string(attribute, &facts->table);
	case NFTA_CHAIN_NAME:
		return note_string(attribute, &facts->name);
	case NFTA_CHAIN_HOOK:
		facts->hooked = true;
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

static int note_of_set(const struct nlattr *attribute, void *context)
{
	struct facts *facts = context;

	switch (mnl_attr_get_type(attribute)) {
	case NFTA_SET_TABLE:
		return note_string(attribute, &facts->table);
	case NFTA_SET_NAME:
		return note_string(attribute, &facts->name);
	case NFTA_SET_FLAGS:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			facts->anonymous = ntohl(mnl_attr_get_u32(attribute)) & NFT_SET_ANONYMOUS;
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
}

static int note_of_object(const struct nlattr *attribute, void *context)
{
	struct facts *facts = context;

	switch (mnl_attr_get_type(attribute)) {
	case NFTA_OBJ_TABLE:
		return note_string(attribute, &facts->table);
	case NFTA_OBJ_NAME:
		return note_string(attribute, &facts->name);
	default:
		return MNL_CB_OK;
	}
}

static bool is_plain(const char *name)
{
	if (!*name || strlen(name) >= INVENTORY_NAME)
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '.')
			return false;
	return true;
}

static struct inventory_item *add_item(struct taking *taking)
{
	struct inventory *inventory = taking->inventory;

	if (inventory->count == taking->room) {
		size_t room = taking->room ? 2 * taking->room : 64;
		struct inventory_item *items =
			room > ITEMS_MAX ? NULL : realloc(inventory->items, room * sizeof(*items));

		if (!items) {
			taking->error = ENOMEM;
			return NULL;
		}
		inventory->items = items;
		taking->room = room;
	}
	return &inventory->items[inventory->count++];
}

static void note(struct taking *taking, const char *kind, const struct facts *facts)
{
	struct inventory_item *item;

	if (!facts->table || strcmp(facts->table, TABLE_NAME) || !facts->name ||
	    !is_plain(facts->name) || facts->anonymous)
		return;
	item = add_item(taking);
	if (!item)
		return;
	item->kind = kind;
	item->hooked = facts->hooked;
	strcpy(item->name, facts->name);
}

static int note_message(const struct nlmsghdr *message, void *context)
{
	struct taking *taking = context;
	struct facts facts = { 0 };

	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWCHAIN:
		mnl_attr_parse(message, sizeof(struct nfgenmsg), note_of_chain, &facts);
		note(taking, "chain", &facts);
		break;
	case NFT_MSG_NEWSET:
		mnl_attr_parse(message, sizeof(struct nfgenmsg), note_of_set, &facts);
		note(taking, "set", &facts);
		break;
	case NFT_MSG_NEWOBJ:
		mnl_attr_parse(message, sizeof(struct nfgenmsg), note_of_object, &facts);
		note(taking, "counter", &facts);
		break;
	}
	return taking->error;
}

static int ask(struct netlink *netlink, struct taking *taking, uint16_t type)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_put(storage, NFT(type), NLM_F_DUMP, NFPROTO_INET);

	mnl_attr_put_strz(message, NFTA_CHAIN_TABLE, TABLE_NAME);
	if (type == NFT_MSG_GETOBJ)
		mnl_attr_put_u32(message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return netlink_ask(netlink, message, note_message, taking);
}

static int take(struct netlink *netlink, struct taking *taking)
{
	static const uint16_t questions[] = { NFT_MSG_GETCHAIN, NFT_MSG_GETSET, NFT_MSG_GETOBJ };

	taking->inventory->count = 0;
	taking->error = 0;
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions) && !taking->error; i++)
		if (ask(netlink, taking, questions[i]) < 0 && errno != ENOENT && !taking->error)
			taking->error = errno;
	return taking->error;
}

int inventory_take(struct inventory *inventory)
{
	struct taking taking = { .inventory = inventory };
	struct netlink *netlink = netlink_open(NETLINK_NETFILTER);
	unsigned tries = 1;

	*inventory = (struct inventory){ 0 };
	if (!netlink)
		return -1;
	while (take(netlink, &taking) == EINTR && tries++ < TRIES)
		;
	netlink_close(netlink);
	if (!taking.error)
		return 0;
	inventory_free(inventory);
	errno = taking.error;
	return -1;
}

void inventory_free(struct inventory *inventory)
{
	free(inventory->items);
	*inventory = (struct inventory){ 0 };
}
