#include "netfilter/shards.h"

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
#include <time.h>

#include "daemon/text.h"
#include "netfilter/intervals.h"
#include "netfilter/netlink.h"
#include "netfilter/table.h"

enum {
	SHARD_INTERVALS = 16384,
	SHARDS_MAX = 1024,
	SHARD_TEXT = 1024, /* of the rules for one, and as much for each set */
	BATCH_ELEMENTS = 56000, /* bytes of one transaction; a nested list holds 65,535 */
	TABLE_TEXT = 40,
};

#define TABLE_PREFIX TABLE_NAME "-lists-"

/* Neighbouring intervals of one sequence. */
struct shard {
	enum interval_sequence sequence;
	struct interval_walk begin;
	struct wide first, last;
	size_t count;
	struct list_set signatures; /* that occur: a bit for each number */
};

struct shards {
	char table[TABLE_TEXT];
	const struct policy *policy;
	const struct signatures *signatures;
	struct netlink *netlink;
	size_t count;
	struct shard shards[SHARDS_MAX];
};

/* Cutting */

static struct shard *begin_shard(struct shards *shards, const struct interval_walk *place,
				 const struct interval *interval)
{
	struct shard *shard;

	if (shards->count == SHARDS_MAX)
		return NULL;
	shard = &shards->shards[shards->count++];
	*shard = (struct shard){ .sequence = place->sequence, .begin = *place,
				 .first = interval->first };
	return shard;
}

static int cut_sequence(struct shards *shards, enum interval_sequence sequence)
{
	struct interval_walk walk, place;
	struct interval interval;
	struct shard *shard = NULL;

	interval_walk_begin(&walk, &shards->policy->compiled->ranges, shards->signatures->of_class,
			    sequence);
	for (place = walk; interval_walk_next(&walk, &interval); place = walk) {
		if (!shard || shard->count == SHARD_INTERVALS)
			shard = begin_shard(shards, &place, &interval);
		if (!shard)
			return -1;
		shard->last = interval.last;
		list_set_add(&shard->signatures, interval.signature);
		shard->count++;
	}
	return 0;
}

static int cut(struct shards *shards)
{
	for (unsigned i = 0; i < INTERVAL_SEQUENCES; i++)
		if (cut_sequence(shards, (enum interval_sequence)i) < 0) {
			errno = E2BIG;
			return -1;
		}
	return 0;
}

size_t shards_count(const struct policy *policy, const struct signatures *signatures)
{
	struct interval_walk walk;
	struct interval interval;
	size_t count = 0;

	for (unsigned i = 0; i < INTERVAL_SEQUENCES; i++) {
		interval_walk_begin(&walk, &policy->compiled->ranges, signatures->of_class,
				    (enum interval_sequence)i);
		while (interval_walk_next(&walk, &interval))
			count++;
	}
	return count;
}

/* Elements */

static void set_name(char name[static NFT_SET_MAXNAMELEN], size_t shard, unsigned signature)
{
	snprintf(name, NFT_SET_MAXNAMELEN, "s%zu_%u", shard, signature);
}

struct batch {
	struct shards *shards;
	const char *set;
	bool ipv6;
	size_t used;
	struct nlmsghdr *message;
	struct nlattr *elements;
	char bytes[BATCH_ELEMENTS + 2048] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void begin_batch(struct batch *batch)
{
	batch->used = netlink_put_mark(batch->bytes, NFNL_MSG_BATCH_BEGIN);
	batch->message = netlink_put(batch->bytes + batch->used, NFT(NFT_MSG_NEWSETELEM),
				     NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK, NFPROTO_INET);
	mnl_attr_put_strz(batch->message, NFTA_SET_ELEM_LIST_TABLE, batch->shards->table);
	mnl_attr_put_strz(batch->message, NFTA_SET_ELEM_LIST_SET, batch->set);
	batch->elements = mnl_attr_nest_start(batch->message, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static int send_batch(struct batch *batch)
{
	if (!batch->used)
		return 0;
	mnl_attr_nest_end(batch->message, batch->elements);
	batch->used += batch->message->nlmsg_len;
	batch->used += netlink_put_mark(batch->bytes + batch->used, NFNL_MSG_BATCH_END);
	int result = netlink_send_batch(batch->shards->netlink, batch->bytes, batch->used);

	batch->used = 0;
	return result;
}

static void put_element(struct batch *batch, struct wide number, bool end)
{
	struct nlattr *element = mnl_attr_nest_start(batch->message, NFTA_LIST_ELEM);
	struct nlattr *key = mnl_attr_nest_start(batch->message, NFTA_SET_ELEM_KEY);
	uint64_t halves[2] = { htobe64(number.upper), htobe64(number.lower) };

	if (batch->ipv6)
		mnl_attr_put(batch->message, NFTA_DATA_VALUE, sizeof(halves), halves);
	else
		mnl_attr_put_u32(batch->message, NFTA_DATA_VALUE, htonl((uint32_t)number.lower));
	mnl_attr_nest_end(batch->message, key);
	if (end)
		mnl_attr_put_u32(batch->message, NFTA_SET_ELEM_FLAGS,
				 htonl(NFT_SET_ELEM_INTERVAL_END));
	mnl_attr_nest_end(batch->message, element);
}

/* The end of an interval is the first address behind it; behind the last of all there is none. */
static bool is_the_last(const struct batch *batch, struct wide number)
{
	return batch->ipv6 ? number.upper == UINT64_MAX && number.lower == UINT64_MAX
			   : number.lower == UINT32_MAX;
}

static int put_interval(struct batch *batch, const struct interval *interval)
{
	if (batch->used && batch->used + batch->message->nlmsg_len > BATCH_ELEMENTS &&
	    send_batch(batch) < 0)
		return -1;
	if (!batch->used)
		begin_batch(batch);
	put_element(batch, interval->first, false);
	if (!is_the_last(batch, interval->last))
		put_element(batch, wide_next(interval->last), true);
	return 0;
}

static int fill_set(struct shards *shards, const struct shard *shard, unsigned signature,
		    struct batch *batch)
{
	struct interval_walk walk = shard->begin;
	char name[NFT_SET_MAXNAMELEN];
	struct interval interval;

	set_name(name, (size_t)(shard - shards->shards), signature);
	batch->set = name;
	batch->ipv6 = shard->sequence != INTERVALS4;
	for (size_t i = 0; i < shard->count && interval_walk_next(&walk, &interval); i++)
		if (interval.signature == signature && put_interval(batch, &interval) < 0)
			return -1;
	return send_batch(batch);
}

static int fill_sets(struct shards *shards)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	int result = batch ? 0 : -1;

	if (batch)
		batch->shards = shards;
	for (size_t i = 0; i < shards->count && result == 0; i++)
		for (unsigned s = 1; s <= shards->signatures->count && result == 0; s++)
			if (list_set_has(&shards->shards[i].signatures, s))
				result = fill_set(shards, &shards->shards[i], s, batch);
	free(batch);
	return result;
}

/* Text: the sets, and later the chains that ask them */

static void add_sets(const struct shards *shards, struct text *text)
{
	char name[NFT_SET_MAXNAMELEN];

	text_addf(text, "add table inet %s\n", shards->table);
	for (size_t i = 0; i < shards->count; i++)
		for (unsigned s = 1; s <= shards->signatures->count; s++) {
			if (!list_set_has(&shards->shards[i].signatures, s))
				continue;
			set_name(name, i, s);
			text_addf(text, "add set inet %s %s { type %s; flags interval; }\n",
				  shards->table, name,
				  shards->shards[i].sequence == INTERVALS4 ? "ipv4_addr"
									   : "ipv6_addr");
		}
}

static const char *const ends[] = { "daddr", "saddr" };

static void add_question(const struct shards *shards, size_t i, const char *end, struct text *text)
{
	uint32_t mask = shards->policy->capture.list_mask;
	const char *family = shards->shards[i].sequence == INTERVALS4 ? "ip" : "ip6";
	char name[NFT_SET_MAXNAMELEN];

	text_addf(text, "\tchain by_%s_%zu {\n", end, i);
	for (unsigned s = 1; s <= shards->signatures->count; s++) {
		if (!list_set_has(&shards->shards[i].signatures, s))
			continue;
		set_name(name, i, s);
		text_addf(text, "\t\t%s %s @%s meta mark set meta mark & 0x%08x | 0x%08x return\n",
			  family, end, name, ~mask, s << __builtin_ctz(mask));
	}
	text_add(text, "\t}\n");
}

static void add_address(const struct shard *shard, struct wide number, struct text *text)
{
	struct address address = { .family = AF_INET };
	uint64_t halves[2] = { htobe64(number.upper), htobe64(number.lower) };
	char printed[ADDRESS_TEXT];

	if (shard->sequence == INTERVALS4) {
		address.v4.s_addr = htonl((uint32_t)number.lower);
	} else {
		address.family = AF_INET6;
		memcpy(address.bytes, halves, sizeof(halves));
	}
	text_add(text, address_print(&address, printed));
}

/* Which shard to ask. */
static void add_way(const struct shards *shards, enum interval_sequence sequence, const char *end,
		    struct text *text)
{
	const char *comma = "";

	for (size_t i = 0; i < shards->count; i++) {
		const struct shard *shard = &shards->shards[i];

		if (shard->sequence != sequence)
			continue;
		if (!*comma)
			text_addf(text, "\t\t%s %s vmap {",
				  sequence == INTERVALS4 ? "ip" : "ip6", end);
		text_addf(text, "%s ", comma);
		add_address(shard, shard->first, text);
		text_add(text, "-");
		add_address(shard, shard->last, text);
		text_addf(text, " : jump by_%s_%zu", end, i);
		comma = ",";
	}
	text_add(text, *comma ? " }\n" : "");
}

static void add_chains(const struct shards *shards, struct text *text)
{
	const struct policy *policy = shards->policy;

	text_addf(text, "table inet %s {\n", shards->table);
	for (unsigned e = 0; e < 2; e++) {
		for (size_t i = 0; i < shards->count; i++)
			add_question(shards, i, ends[e], text);
		text_addf(text, "\tchain by_%s {\n", ends[e]);
		for (unsigned i = 0; i < INTERVAL_SEQUENCES; i++)
			add_way(shards, (enum interval_sequence)i, ends[e], text);
		text_add(text, "\t}\n");
	}
	text_addf(text,
		  "\tchain look {\n"
		  "\t\ttype filter hook prerouting priority mangle - 3; policy accept;\n"
		  "\t\tiif lo return\n"
		  "\t\tct direction reply return\n"
		  "\t\tct state established,related tcp flags & (syn | ack) != syn return\n"
		  "\t\tct state established,related meta l4proto != tcp return\n"
		  "\t\tmeta mark set meta mark & 0x%08x\n"
		  "\t\tiifname {",
		  ~policy->capture.list_mask);
	for (size_t i = 0; i < policy->lan_count; i++)
		text_addf(text, "%s \"%s\"", i ? "," : "", policy->lan[i]);
	text_add(text, " } goto by_daddr\n\t\tgoto by_saddr\n\t}\n}\n");
}

static int load_text(const struct shards *shards,
		     void (*add)(const struct shards *shards, struct text *text),
		     char message[static SHARDS_MESSAGE])
{
	size_t size = 4096;
	char words[TABLE_MESSAGE] = "";
	struct text text;
	char *storage;
	int result;

	for (size_t i = 0; i < shards->count; i++)
		size += SHARD_TEXT;
	size += shards->count * shards->signatures->count * SHARD_TEXT / 2;
	storage = malloc(size);
	if (!storage)
		return -1;
	text_begin(&text, storage, size);
	add(shards, &text);
	errno = E2BIG;
	result = text.full ? -1 : table_load(storage, words);
	words[strcspn(words, "\n")] = 0;
	snprintf(message, SHARDS_MESSAGE, "%.200s", words);
	free(storage);
	return result;
}

/* Generations */

struct sweep {
	const char *kept; /* "" for none */
	size_t count;
	char names[16][TABLE_TEXT];
};

static int note_table(const struct nlattr *attribute, void *context)
{
	struct sweep *sweep = context;
	const char *name;

	if (mnl_attr_get_type(attribute) != NFTA_TABLE_NAME ||
	    mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_OK;
	name = mnl_attr_get_str(attribute);
	if (strncmp(name, TABLE_PREFIX, strlen(TABLE_PREFIX)) == 0 && strcmp(name, sweep->kept) &&
	    sweep->count < 16 && strlen(name) < TABLE_TEXT)
		strcpy(sweep->names[sweep->count++], name);
	return MNL_CB_OK;
}

static int note_message(const struct nlmsghdr *message, void *context)
{
	mnl_attr_parse(message, sizeof(struct nfgenmsg), note_table, context);
	return 0;
}

static int list_tables(struct sweep *sweep)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_put(storage, NFT(NFT_MSG_GETTABLE), NLM_F_DUMP, NFPROTO_INET);

	return netlink_ask_once(NETLINK_NETFILTER, message, note_message, sweep);
}

static int remove_others(const char *kept)
{
	struct sweep sweep = { .kept = kept };
	int result = list_tables(&sweep);

	for (size_t i = 0; i < sweep.count; i++)
		result |= table_remove_named(sweep.names[i]);
	return result;
}

bool shards_are_there(void)
{
	struct sweep sweep = { .kept = "" };

	return list_tables(&sweep) == 0 && sweep.count > 0;
}

int shards_remove(void)
{
	return remove_others("");
}

static int load(struct shards *shards, char message[static SHARDS_MESSAGE])
{
	if (cut(shards) < 0 || load_text(shards, add_sets, message) < 0 || fill_sets(shards) < 0 ||
	    load_text(shards, add_chains, message) < 0)
		return -1;
	return 0;
}

int shards_load(const struct policy *policy, const struct signatures *signatures,
		char message[static SHARDS_MESSAGE])
{
	struct shards *shards = calloc(1, sizeof(*shards));
	struct timespec now;
	int result = -1, error;

	message[0] = 0;
	if (!shards)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(shards->table, sizeof(shards->table), TABLE_PREFIX "%llx",
		 (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000);
	shards->policy = policy;
	shards->signatures = signatures;
	shards->netlink = netlink_open(NETLINK_NETFILTER);
	if (shards->netlink)
		result = load(shards, message);
	error = errno;
	if (result == 0)
		remove_others(shards->table);
	else
		table_remove_named(shards->table);
	netlink_close(shards->netlink);
	free(shards);
	errno = error;
	return result;
}
