/* sing-box's binary rule sets, versions 1 to 4: "SRS", version, then zlib over a count of rules. A
 * rule is a 0 and items until 0xff and an inversion, or a 1 and further rules tied by and/or.
 * Lengths are varints, integers big-endian. */
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/decompress.h"
#include "daemon/lists/families.h"
#include "daemon/lists/succinct.h"
#include "daemon/reader.h"

enum {
	SRS_VERSION_MAX = 4,
	SRS_DEPTH_MAX = 8, /* rules inside of rules */
	SRS_RATIO_MAX = 200,
};

enum item {
	ITEM_QUERY_TYPE,
	ITEM_NETWORK,
	ITEM_DOMAIN,
	ITEM_DOMAIN_KEYWORD,
	ITEM_DOMAIN_REGEX,
	ITEM_SOURCE_ADDRESS,
	ITEM_ADDRESS,
	ITEM_SOURCE_PORT,
	ITEM_SOURCE_PORT_RANGE,
	ITEM_PORT,
	ITEM_PORT_RANGE,
	ITEM_PROCESS_NAME,
	ITEM_PROCESS_PATH,
	ITEM_PACKAGE_NAME,
	ITEM_WIFI_SSID,
	ITEM_WIFI_BSSID,
	ITEM_ADGUARD_DOMAIN,
	ITEM_PROCESS_PATH_REGEX,
	ITEM_NETWORK_TYPE,
	ITEM_NETWORK_IS_EXPENSIVE,
	ITEM_NETWORK_IS_CONSTRAINED,
	ITEM_NETWORK_INTERFACE_ADDRESS,
	ITEM_DEFAULT_INTERFACE_ADDRESS,
	ITEM_PACKAGE_NAME_REGEX,
	ITEM_FINAL = 0xff,
};

/* Every item's size must be known to find the next one, whether it is for us or not. */
enum shape {
	SHAPE_UNKNOWN,
	SHAPE_STRINGS,
	SHAPE_NUMBERS8,
	SHAPE_NUMBERS16,
	SHAPE_NOTHING,
	SHAPE_TRIE,
	SHAPE_RANGES,
	SHAPE_PREFIXES,
	SHAPE_INTERFACES,
};

static const uint8_t shapes[256] = {
	[ITEM_QUERY_TYPE] = SHAPE_NUMBERS16,
	[ITEM_NETWORK] = SHAPE_STRINGS,
	[ITEM_DOMAIN] = SHAPE_TRIE,
	[ITEM_DOMAIN_KEYWORD] = SHAPE_STRINGS,
	[ITEM_DOMAIN_REGEX] = SHAPE_STRINGS,
	[ITEM_SOURCE_ADDRESS] = SHAPE_RANGES,
	[ITEM_ADDRESS] = SHAPE_RANGES,
	[ITEM_SOURCE_PORT] = SHAPE_NUMBERS16,
	[ITEM_SOURCE_PORT_RANGE] = SHAPE_STRINGS,
	[ITEM_PORT] = SHAPE_NUMBERS16,
	[ITEM_PORT_RANGE] = SHAPE_STRINGS,
	[ITEM_PROCESS_NAME] = SHAPE_STRINGS,
	[ITEM_PROCESS_PATH] = SHAPE_STRINGS,
	[ITEM_PACKAGE_NAME] = SHAPE_STRINGS,
	[ITEM_WIFI_SSID] = SHAPE_STRINGS,
	[ITEM_WIFI_BSSID] = SHAPE_STRINGS,
	[ITEM_ADGUARD_DOMAIN] = SHAPE_TRIE,
	[ITEM_PROCESS_PATH_REGEX] = SHAPE_STRINGS,
	[ITEM_NETWORK_TYPE] = SHAPE_NUMBERS8,
	[ITEM_NETWORK_IS_EXPENSIVE] = SHAPE_NOTHING,
	[ITEM_NETWORK_IS_CONSTRAINED] = SHAPE_NOTHING,
	[ITEM_NETWORK_INTERFACE_ADDRESS] = SHAPE_INTERFACES,
	[ITEM_DEFAULT_INTERFACE_ADDRESS] = SHAPE_PREFIXES,
	[ITEM_PACKAGE_NAME_REGEX] = SHAPE_STRINGS,
};

/* What of a rule may become entries, once its end has told that nothing narrows it. */
struct rule {
	struct succinct names;
	struct succinct adguard;
	struct span ranges;
	bool narrowed; /* by a port, a source, a process… */
};

struct ruleset {
	struct gather *gather;
	struct reader reader;
	uint8_t *bytes; /* unpacked */
	size_t length;
	size_t size;
};

static uint64_t read_varint(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = reader_u8(reader);

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	reader->failed = true;
	return 0;
}

/* A number of things of at least unit bytes each: more than are left fail. */
static size_t read_count(struct reader *reader, size_t unit)
{
	uint64_t count = read_varint(reader);

	if (reader->failed || count > reader_left(reader) / unit) {
		reader->failed = true;
		return 0;
	}
	return (size_t)count;
}

static struct succinct read_trie(struct reader *reader)
{
	struct succinct trie;

	reader_u8(reader); /* a version that says nothing */
	trie.leaves = reader_take(reader, read_count(reader, 8) * 8);
	trie.bitmap = reader_take(reader, read_count(reader, 8) * 8);
	trie.labels = reader_take(reader, read_count(reader, 1));
	return trie;
}

/* Runs over the ranges and returns their bytes. */
static struct span read_ranges(struct reader *reader)
{
	uint32_t high, count;
	struct span span = { 0 };

	if (reader_u8(reader) != 1)
		reader->failed = true;
	high = reader_u32(reader);
	count = reader_u32(reader);
	if (high || count > reader_left(reader) / 2)
		reader->failed = true;
	span.bytes = reader->next;
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		reader_take(reader, read_count(reader, 1));
		reader_take(reader, read_count(reader, 1));
	}
	span.length = reader->failed ? 0 : (size_t)(reader->next - span.bytes);
	return span;
}

static void skip_strings(struct reader *reader)
{
	size_t count = read_count(reader, 1);

	for (size_t i = 0; i < count && !reader->failed; i++)
		reader_take(reader, read_count(reader, 1));
}

static void skip_prefixes(struct reader *reader)
{
	size_t count = read_count(reader, 2);

	for (size_t i = 0; i < count && !reader->failed; i++) {
		reader_take(reader, read_count(reader, 1));
		reader_u8(reader);
	}
}

static void skip_interfaces(struct reader *reader)
{
	size_t count = read_count(reader, 2);

	for (size_t i = 0; i < count && !reader->failed; i++) {
		reader_u8(reader);
		skip_prefixes(reader);
	}
}

static void skip_item(struct reader *reader, enum item item)
{
	switch ((enum shape)shapes[item]) {
	case SHAPE_STRINGS:
		skip_strings(reader);
		break;
	case SHAPE_NUMBERS8:
		reader_take(reader, read_count(reader, 1));
		break;
	case SHAPE_NUMBERS16:
		reader_take(reader, read_count(reader, 2) * 2);
		break;
	case SHAPE_RANGES:
		read_ranges(reader);
		break;
	case SHAPE_PREFIXES:
		skip_prefixes(reader);
		break;
	case SHAPE_INTERFACES:
		skip_interfaces(reader);
		break;
	case SHAPE_NOTHING:
		break;
	case SHAPE_TRIE:
	case SHAPE_UNKNOWN:
		reader->failed = true;
	}
}

static void read_item(struct ruleset *set, enum item item, struct rule *rule)
{
	switch (item) {
	case ITEM_DOMAIN:
		rule->names = read_trie(&set->reader);
		break;
	case ITEM_ADGUARD_DOMAIN:
		rule->adguard = read_trie(&set->reader);
		break;
	case ITEM_ADDRESS:
		rule->ranges = read_ranges(&set->reader);
		break;
	case ITEM_DOMAIN_KEYWORD:
	case ITEM_DOMAIN_REGEX: /* beside the names, not instead of them */
		gather_skip(set->gather);
		skip_item(&set->reader, item);
		break;
	default:
		rule->narrowed = true;
		skip_item(&set->reader, item);
	}
}

/* A key's first character, when it is none of a name: '\n' the name and all below it, '\r' all that
 * ends so. */
static bool give_name(void *context, const char *key)
{
	struct gather *gather = context;

	gather->entry.line++;
	if (key[0] == '\n')
		gather_name(gather, key + 1, NAME_TREE);
	else if (key[0] == '\r' && key[1] == '.')
		gather_name(gather, key + 2, NAME_SUBDOMAINS);
	else if (key[0] == '\r')
		gather_name(gather, key + 1, NAME_TREE);
	else
		gather_name(gather, key, NAME_EXACT);
	return !gather->stopped;
}

/* '\n' stands for "||", a lacking '\b' at the end for "^"; '\r', '*' and '\b' are patterns. */
static bool give_adguard(void *context, const char *key)
{
	struct gather *gather = context;

	gather->entry.line++;
	if (strpbrk(key, "*\b\r"))
		gather_skip(gather);
	else if (key[0] == '\n')
		gather_name(gather, key + 1, NAME_TREE);
	else
		gather_name(gather, key, NAME_EXACT);
	return !gather->stopped;
}

static bool take_address(struct reader *reader, struct address *address)
{
	struct span span = reader_take(reader, read_count(reader, 1));
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (span.length == 4) {
		memcpy(&in.sin_addr, span.bytes, 4);
		return address_from_socket(address, (struct sockaddr *)&in) == 0;
	}
	if (span.length != 16)
		return false;
	memcpy(&in6.sin6_addr, span.bytes, 16);
	return address_from_socket(address, (struct sockaddr *)&in6) == 0;
}

static void give_ranges(struct gather *gather, struct span ranges)
{
	struct reader reader;

	reader_begin(&reader, ranges.bytes, ranges.length);
	while (reader_left(&reader) && !gather->stopped) {
		struct address first, last;
		bool taken = take_address(&reader, &first);

		gather->entry.line++;
		if (take_address(&reader, &last) && taken)
			gather_range(gather, &first, &last);
		else
			gather_bad(gather, "no range of addresses");
	}
}

static void give_trie(struct ruleset *set, const struct succinct *trie, succinct_sink *sink)
{
	int walked = trie->labels.length ? succinct_walk(trie, sink, set->gather) : 0;

	if (walked == -2)
		set->reader.failed = true;
	else if (walked == -1)
		gather_exhausted(set->gather);
}

static void read_default_rule(struct ruleset *set, bool counts)
{
	struct rule rule = { 0 };
	enum item item;

	while ((item = reader_u8(&set->reader)) != ITEM_FINAL && !set->reader.failed)
		read_item(set, item, &rule);
	if (reader_u8(&set->reader) || rule.narrowed || !counts) {
		gather_skip(set->gather);
		return;
	}
	if (set->reader.failed)
		return;
	give_trie(set, &rule.names, give_name);
	give_trie(set, &rule.adguard, give_adguard);
	give_ranges(set->gather, rule.ranges);
}

static void read_rule(struct ruleset *set, unsigned depth, bool counts);

/* Where an "or" is inverted is told only behind its rules; so only an "or" at the end of which no
 * inversion stands could count, and none is taken: publishers' lists do not have them. */
static void read_logical_rule(struct ruleset *set, unsigned depth)
{
	size_t count;

	reader_u8(&set->reader); /* and, or */
	count = read_count(&set->reader, 3);
	for (size_t i = 0; i < count && !set->reader.failed; i++)
		read_rule(set, depth + 1, false);
	reader_u8(&set->reader);
}

static void read_rule(struct ruleset *set, unsigned depth, bool counts)
{
	uint8_t kind = reader_u8(&set->reader);

	if (depth > SRS_DEPTH_MAX || kind > 1)
		set->reader.failed = true;
	else if (kind == 0)
		read_default_rule(set, counts);
	else
		read_logical_rule(set, depth);
}

static int keep(void *context, const void *bytes, size_t length)
{
	struct ruleset *set = context;
	size_t wanted = set->length + length;

	if (wanted > set->size) {
		size_t size = wanted + wanted / 2;
		uint8_t *grown = realloc(set->bytes, size);

		if (!grown) {
			gather_exhausted(set->gather);
			return -1;
		}
		set->bytes = grown;
		set->size = size;
	}
	memcpy(set->bytes + set->length, bytes, length);
	set->length = wanted;
	return 0;
}

static bool unpack(struct ruleset *set, const uint8_t *bytes, size_t length)
{
	struct decompress_limits limits = { FORMAT_WHOLE_MAX, SRS_RATIO_MAX };
	struct decompressor *decompressor = decompressor_new(COMPRESSION_ZLIB, &limits, keep, set);
	bool unpacked = false;

	if (!decompressor) {
		gather_exhausted(set->gather);
		return false;
	}
	unpacked = decompressor_feed(decompressor, bytes, length) == 0 &&
		   decompressor_finish(decompressor) == 0;
	if (!unpacked && !set->gather->stopped)
		gather_refuse(set->gather, "the srs rule set is damaged: %s",
			      decompressor_error(decompressor));
	decompressor_free(decompressor);
	return unpacked;
}

void srs_read_whole(struct gather *gather, const uint8_t *bytes, size_t length)
{
	struct ruleset set = { .gather = gather };
	size_t count;

	if (length < 4 || memcmp(bytes, "SRS", 3) != 0 || !bytes[3] || bytes[3] > SRS_VERSION_MAX) {
		gather_refuse(gather, "it is no srs rule set of version 1 to %d", SRS_VERSION_MAX);
		return;
	}
	if (unpack(&set, bytes + 4, length - 4)) {
		reader_begin(&set.reader, set.bytes, set.length);
		count = read_count(&set.reader, 3);
		for (size_t i = 0; i < count && !set.reader.failed && !gather->stopped; i++)
			read_rule(&set, 0, true);
		if (set.reader.failed)
			gather_refuse(gather, "the srs rule set is damaged, or newer than we know");
	}
	free(set.bytes);
}
