#include "daemon/lists/mmdb.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/reader.h"

enum {
	METADATA_MAX = 128 << 10, /* bytes from the marker to the end */
	SEPARATOR = 16,		  /* zero bytes between the tree and the records */
	DEPTH_MAX = 128,
	STEPS_MAX = 512, /* values looked at in one record */
};

enum type {
	TYPE_EXTENDED,
	TYPE_POINTER,
	TYPE_STRING,
	TYPE_DOUBLE,
	TYPE_BYTES,
	TYPE_U16,
	TYPE_U32,
	TYPE_MAP,
	TYPE_I32,
	TYPE_U64,
	TYPE_U128,
	TYPE_ARRAY,
	TYPE_BOOL = 14,
	TYPE_FLOAT = 15,
};

/* One value; of a map and an array, at is where its members begin. */
struct value {
	enum type type;
	size_t length; /* bytes, or members */
	struct reader at;
};

/* A section of values, to which pointers are relative. */
struct section {
	const uint8_t *bytes;
	size_t length;
	unsigned steps; /* left */
};

static struct reader section_at(const struct section *section, size_t offset)
{
	struct reader reader;

	reader_begin(&reader, section->bytes, section->length);
	reader_take(&reader, offset);
	return reader;
}

static size_t read_length(struct reader *reader, unsigned bits)
{
	if (bits < 29)
		return bits;
	if (bits == 29)
		return 29u + reader_u8(reader);
	if (bits == 30)
		return 285u + reader_u16(reader);
	return 65821u + reader_u24(reader);
}

static size_t read_pointer(struct reader *reader, unsigned control)
{
	size_t high = control & 7;

	switch (control >> 3 & 3) {
	case 0:
		return high << 8 | reader_u8(reader);
	case 1:
		return (high << 16 | reader_u16(reader)) + 2048;
	case 2:
		return (high << 24 | reader_u24(reader)) + 526336;
	default:
		return reader_u32(reader);
	}
}

static struct value read_header(struct reader *reader)
{
	unsigned control = reader_u8(reader);
	struct value value = { .type = control >> 5 };

	if (value.type == TYPE_POINTER) {
		value.length = read_pointer(reader, control);
		return value;
	}
	if (value.type == TYPE_EXTENDED)
		value.type = 7u + reader_u8(reader);
	value.length = read_length(reader, control & 31);
	return value;
}

/* The value at the cursor, pointer followed; the cursor goes behind a pointer, else behind the
 * header of a map or array, else behind the value. */
static struct value read_value(struct section *section, struct reader *reader)
{
	struct value value = read_header(reader);

	if (!section->steps || !section->steps--) {
		reader->failed = true;
		return value;
	}
	value.at = *reader;
	if (value.type == TYPE_POINTER) {
		struct reader target = section_at(section, value.length);

		value = read_header(&target);
		value.at = target;
		if (target.failed || value.type == TYPE_POINTER)
			reader->failed = true;
	} else if (value.type != TYPE_MAP && value.type != TYPE_ARRAY && value.type != TYPE_BOOL) {
		reader_take(reader, value.length);
	}
	return value;
}

static bool is_pointer(const struct reader *reader)
{
	return reader_left(reader) && reader->next[0] >> 5 == TYPE_POINTER;
}

/* Moves the cursor behind one value with all its members, without following pointers. */
static void skip_value(struct section *section, struct reader *reader)
{
	size_t left = 1;

	while (left && !reader->failed) {
		bool pointer = is_pointer(reader);
		struct value value = read_value(section, reader);

		left--;
		if (!pointer && value.type == TYPE_MAP)
			left += 2 * value.length;
		else if (!pointer && value.type == TYPE_ARRAY)
			left += value.length;
	}
}

static struct span string_of(struct value value)
{
	struct span none = { 0 };

	return value.type == TYPE_STRING ? reader_take(&value.at, value.length) : none;
}

/* Finds a member of a map; false when it is none or has no such member. */
static bool find_member(struct section *section, const struct value *map, const char *key,
			struct value *member)
{
	struct reader reader = map->at;

	if (map->type != TYPE_MAP)
		return false;
	for (size_t i = 0; i < map->length && !reader.failed; i++) {
		struct span name = string_of(read_value(section, &reader));

		if (name.length == strlen(key) && memcmp(name.bytes, key, name.length) == 0) {
			*member = read_value(section, &reader);
			return !reader.failed;
		}
		skip_value(section, &reader);
	}
	return false;
}

static uint32_t number_of(struct value value)
{
	struct span span = { 0 };
	uint32_t number = 0;

	if (value.type == TYPE_U16 || value.type == TYPE_U32 || value.type == TYPE_U64)
		span = reader_take(&value.at, value.length);
	for (size_t i = 0; i < span.length; i++)
		number = number << 8 | span.bytes[i];
	return span.length <= 8 ? number : 0;
}

static bool find_number(struct section *section, const char *key, uint32_t *number)
{
	struct reader reader = section_at(section, 0);
	struct value map = read_value(section, &reader);
	struct value member;

	if (!find_member(section, &map, key, &member))
		return false;
	*number = number_of(member);
	return true;
}

static const uint8_t *find_metadata(const uint8_t *bytes, size_t length)
{
	static const char marker[] = "\xab\xcd\xefMaxMind.com";
	size_t size = sizeof(marker) - 1;

	for (size_t back = size; back <= length && back <= METADATA_MAX; back++) {
		if (memcmp(bytes + length - back, marker, size) == 0)
			return bytes + length - back + size;
	}
	return NULL;
}

bool mmdb_begin(struct mmdb *mmdb, const uint8_t *bytes, size_t length)
{
	const uint8_t *metadata = find_metadata(bytes, length);
	struct section section = { .bytes = metadata, .steps = STEPS_MAX };
	uint32_t record_size, version;
	size_t tree_length;

	if (!metadata)
		return false;
	section.length = (size_t)(bytes + length - metadata);
	if (!find_number(&section, "node_count", &mmdb->node_count) ||
	    !find_number(&section, "record_size", &record_size) ||
	    !find_number(&section, "ip_version", &version))
		return false;
	if ((record_size != 24 && record_size != 28 && record_size != 32) ||
	    (version != 4 && version != 6) || !mmdb->node_count)
		return false;
	mmdb->record_size = record_size;
	mmdb->depth = version == 4 ? 32 : 128;
	tree_length = (size_t)mmdb->node_count * record_size / 4;
	if (tree_length + SEPARATOR > (size_t)(metadata - bytes))
		return false;
	mmdb->tree = bytes;
	mmdb->data = bytes + tree_length + SEPARATOR;
	mmdb->data_length = (size_t)(metadata - mmdb->data);
	return true;
}

static bool is_text(struct value value, const char *text)
{
	struct span span = string_of(value);

	return span.length == strlen(text) &&
	       strncasecmp((const char *)span.bytes, text, span.length) == 0;
}

static bool is_system(struct value value, const char *code)
{
	const char *digits = strncasecmp(code, "AS", 2) == 0 ? code + 2 : code;
	char *end;
	unsigned long wanted = strtoul(digits, &end, 10);

	if (!*digits || *end || !wanted)
		return false;
	return is_text(value, code) || is_text(value, digits) || number_of(value) == wanted;
}

bool mmdb_record_has(const struct mmdb *mmdb, size_t offset, const char *code)
{
	struct section section = { mmdb->data, mmdb->data_length, STEPS_MAX };
	struct reader reader = section_at(&section, offset);
	struct value record = read_value(&section, &reader);
	struct value country, member;

	if (find_member(&section, &record, "country", &country) &&
	    (is_text(country, code) ||
	     (find_member(&section, &country, "iso_code", &member) && is_text(member, code))))
		return true;
	if (find_member(&section, &record, "country_code", &member) && is_text(member, code))
		return true;
	if (find_member(&section, &record, "autonomous_system_number", &member))
		return is_system(member, code);
	return find_member(&section, &record, "asn", &member) && is_system(member, code);
}

static uint32_t child_of(const struct mmdb *mmdb, uint32_t node, unsigned side)
{
	const uint8_t *at = mmdb->tree + (size_t)node * mmdb->record_size / 4;

	switch (mmdb->record_size) {
	case 24:
		at += 3 * side;
		return (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2];
	case 28: /* the middle byte holds the upper four bits of both */
		if (side)
			return (uint32_t)(at[3] & 15) << 24 | (uint32_t)at[4] << 16 |
			       (uint32_t)at[5] << 8 | at[6];
		return (uint32_t)(at[3] >> 4) << 24 | (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 |
		       at[2];
	default:
		at += 4 * side;
		return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	}
}

struct walk {
	const struct mmdb *mmdb;
	mmdb_sink *sink;
	void *context;
	uint32_t v4_root; /* node under 96 zero bits; node_count when there is none */
	uint64_t budget;  /* nodes yet to be visited: in a tree each is met once */
	uint8_t bits[16]; /* of the address, down to here */
};

static uint32_t find_v4_root(const struct mmdb *mmdb)
{
	uint32_t node = 0;

	for (unsigned i = 0; i < 96 && node < mmdb->node_count; i++)
		node = child_of(mmdb, node, 0);
	return mmdb->depth == 128 && node < mmdb->node_count ? node : mmdb->node_count;
}

static bool zeros(const uint8_t *bytes, size_t length)
{
	while (length && !*bytes) {
		bytes++;
		length--;
	}
	return !length;
}

static bool give(struct walk *walk, unsigned depth, uint32_t record)
{
	struct prefix prefix = { .length = (uint8_t)depth };
	bool v4_inside = walk->mmdb->depth == 128 && depth >= 96 && zeros(walk->bits, 12);

	if (walk->mmdb->depth == 32 || v4_inside) {
		prefix.base.family = AF_INET;
		prefix.length = (uint8_t)(v4_inside ? depth - 96 : depth);
		memcpy(prefix.base.bytes, walk->bits + (v4_inside ? 12 : 0), 4);
	} else {
		prefix.base.family = AF_INET6;
		memcpy(prefix.base.bytes, walk->bits, 16);
	}
	return walk->sink(walk->context, &prefix,
			  (size_t)record - walk->mmdb->node_count - SEPARATOR);
}

static void set_bit(struct walk *walk, unsigned depth, unsigned side)
{
	uint8_t mask = (uint8_t)(0x80 >> depth % 8);

	walk->bits[depth / 8] =
		(uint8_t)(side ? walk->bits[depth / 8] | mask : walk->bits[depth / 8] & ~mask);
}

/* Depth first with a stack of nodes; sides[] is which child comes next. */
static int walk_tree(struct walk *walk)
{
	const struct mmdb *mmdb = walk->mmdb;
	uint32_t nodes[DEPTH_MAX + 1] = { 0 };
	uint8_t sides[DEPTH_MAX + 1] = { 0 };
	unsigned depth = 0;

	for (;;) {
		uint32_t child;

		if (sides[depth] == 2) {
			if (depth == 0)
				return 0;
			set_bit(walk, depth--, 0);
			continue;
		}
		set_bit(walk, depth, sides[depth]);
		child = child_of(mmdb, nodes[depth], sides[depth]++);
		if (child > mmdb->node_count) {
			if (child - mmdb->node_count < SEPARATOR)
				return -2;
			if (!give(walk, depth + 1, child))
				return -1;
		} else if (child < mmdb->node_count) {
			/* ::ffff:0:0/96, 2002::/16 and others lead to IPv4 as well. */
			if (child == walk->v4_root && (depth != 95 || !zeros(walk->bits, 12)))
				continue;
			if (depth + 1 == mmdb->depth || !walk->budget--)
				return -2;
			nodes[++depth] = child;
			sides[depth] = 0;
		}
	}
}

int mmdb_walk(const struct mmdb *mmdb, mmdb_sink *sink, void *context)
{
	struct walk walk = {
		.mmdb = mmdb,
		.sink = sink,
		.context = context,
		.v4_root = find_v4_root(mmdb),
		.budget = mmdb->node_count,
	};

	return walk_tree(&walk);
}
