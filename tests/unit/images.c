#include "tests/unit/images.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "daemon/address.h"

enum { KEYS_MAX = 16, NODES_MAX = 8192 };

static void require(bool condition)
{
	if (!condition)
		abort();
}

void image_add(struct image *image, const void *bytes, size_t length)
{
	image->bytes = realloc(image->bytes, image->length + length + 1);
	require(image->bytes);
	if (length)
		memcpy(image->bytes + image->length, bytes, length);
	image->length += length;
}

void image_add_number(struct image *image, uint64_t number, unsigned width)
{
	for (unsigned i = width; i-- > 0;) {
		uint8_t byte = (uint8_t)(number >> 8 * i);

		image_add(image, &byte, 1);
	}
}

void image_add_varint(struct image *image, uint64_t number)
{
	do {
		image_add_number(image, (number & 0x7f) | (number > 0x7f ? 0x80 : 0), 1);
		number >>= 7;
	} while (number);
}

void image_free(struct image *image)
{
	free(image->bytes);
	*image = (struct image){ 0 };
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

struct bits {
	uint64_t words[64];
	size_t length;
};

static void push(struct bits *bits, bool bit)
{
	require(bits->length < 64 * 64);
	bits->words[bits->length / 64] |= (uint64_t)bit << bits->length % 64;
	bits->length++;
}

static void add_length(struct image *image, size_t length, unsigned width)
{
	if (width)
		image_add_number(image, length, width);
	else
		image_add_varint(image, length);
}

static void add_bits(struct image *image, const struct bits *bits, unsigned width)
{
	size_t words = (bits->length + 63) / 64;

	add_length(image, words, width);
	for (size_t i = 0; i < words; i++)
		image_add_number(image, bits->words[i], 8);
}

void image_add_trie(struct image *image, const char *const *names, size_t count, unsigned width)
{
	/* A node is the keys from..to that share their first `depth` characters. */
	static struct {
		size_t from, to, depth;
	} nodes[NODES_MAX];
	static char keys[KEYS_MAX][256];
	struct bits leaves = { 0 }, bitmap = { 0 };
	char labels[NODES_MAX];
	size_t node_count = 1;

	require(count && count <= KEYS_MAX);
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(names[i]);

		for (size_t j = 0; j < length; j++)
			keys[i][j] = names[i][length - 1 - j];
		keys[i][length] = '\0';
	}
	qsort(keys, count, sizeof(*keys), compare);
	nodes[0].from = 0;
	nodes[0].to = count;
	nodes[0].depth = 0;
	for (size_t node = 0; node < node_count; node++) {
		size_t depth = nodes[node].depth;
		size_t key = nodes[node].from;
		bool leaf = !keys[key][depth];

		push(&leaves, leaf);
		for (key += leaf; key < nodes[node].to;) {
			size_t first = key;

			while (key < nodes[node].to && keys[key][depth] == keys[first][depth])
				key++;
			require(node_count < NODES_MAX);
			labels[node_count - 1] = keys[first][depth];
			nodes[node_count].from = first;
			nodes[node_count].to = key;
			nodes[node_count++].depth = depth + 1;
			push(&bitmap, false);
		}
		push(&bitmap, true);
	}
	add_bits(image, &leaves, width);
	add_bits(image, &bitmap, width);
	add_length(image, node_count - 1, width);
	image_add(image, labels, node_count - 1);
}

void image_deflate(struct image *image, size_t offset)
{
	uLongf length = compressBound(image->length - offset);
	uint8_t *packed = malloc(length);

	require(packed &&
		compress(packed, &length, image->bytes + offset, image->length - offset) == Z_OK);
	image->length = offset;
	image_add(image, packed, length);
	free(packed);
}

/* MaxMind's control byte for a string, map (7) or number of up to 28 bytes. */
static void add_string(struct image *image, const char *string)
{
	image_add_number(image, 2 << 5 | strlen(string), 1);
	image_add(image, string, strlen(string));
}

static void add_map(struct image *image, size_t members)
{
	image_add_number(image, 7 << 5 | members, 1);
}

static void add_u32(struct image *image, uint32_t number)
{
	image_add_number(image, 6 << 5 | 4, 1);
	image_add_number(image, number, 4);
}

static void add_record(struct image *image, const char *value)
{
	add_map(image, 2);
	add_string(image, "other");
	image_add_number(image, 0x0204, 2); /* an array of two… */
	add_map(image, 1);
	add_string(image, "country");
	add_string(image, "QQ");
	image_add_number(image, 0x0107, 2); /* …the other is true */
	if (strncmp(value, "AS", 2) == 0) {
		add_string(image, "autonomous_system_number");
		add_u32(image, (uint32_t)atoi(value + 2));
	} else if (value[0] == '=') {
		add_string(image, "country_code");
		add_string(image, value + 1);
	} else {
		add_string(image, "country");
		image_add_number(image, 1 << 5, 1); /* a pointer to offset… */
		image_add_number(image, 1, 1);	    /* …1 */
	}
}

static void add_country(struct image *data, const char *value)
{
	add_map(data, 1);
	add_string(data, "iso_code");
	add_string(data, value);
}

struct tree {
	uint32_t nodes[NODES_MAX][2]; /* 0: nothing; a node; or RECORD plus an offset */
	uint32_t count;
};

enum { RECORD = 1 << 24 };

static void insert(struct tree *tree, const struct prefix *prefix, unsigned version,
		   uint32_t record)
{
	uint8_t bits[16] = { 0 };
	bool inside = version == 6 && prefix->base.family == AF_INET;
	unsigned length = prefix->length + (inside ? 96u : 0u);
	uint32_t node = 0;

	memcpy(bits + (inside ? 12 : 0), prefix->base.bytes, address_width(&prefix->base));
	for (unsigned bit = 0; bit < length; bit++) {
		unsigned side = bits[bit / 8] >> (7 - bit % 8) & 1;

		if (bit + 1 == length) {
			tree->nodes[node][side] = RECORD + record;
			return;
		}
		if (!tree->nodes[node][side]) {
			require(tree->count < NODES_MAX);
			tree->nodes[node][side] = tree->count++;
		}
		node = tree->nodes[node][side];
	}
}

/* ::ffff:0:0/96 leads where ::/96 leads. */
static void alias(struct tree *tree)
{
	uint32_t target = 0, node = 0;

	for (unsigned bit = 0; bit < 96; bit++)
		target = tree->nodes[target][0];
	for (unsigned bit = 0; bit < 95; bit++) {
		unsigned side = bit >= 80;

		if (!tree->nodes[node][side])
			tree->nodes[node][side] = tree->count++;
		node = tree->nodes[node][side];
	}
	tree->nodes[node][1] = target;
}

static uint32_t child(const struct tree *tree, uint32_t node, unsigned side)
{
	uint32_t value = tree->nodes[node][side];

	if (!value)
		return tree->count;
	return value >= RECORD ? tree->count + 16 + (value - RECORD) : value;
}

static void add_node(struct image *image, const struct tree *tree, uint32_t node, unsigned size)
{
	uint32_t left = child(tree, node, 0), right = child(tree, node, 1);

	if (size != 28) {
		image_add_number(image, left, size / 8);
		image_add_number(image, right, size / 8);
		return;
	}
	image_add_number(image, left & 0xffffff, 3);
	image_add_number(image, (left >> 24) << 4 | right >> 24, 1);
	image_add_number(image, right & 0xffffff, 3);
}

static void add_metadata(struct image *image, const struct tree *tree, unsigned version,
			 unsigned record_size)
{
	image_add(image, "\xab\xcd\xefMaxMind.com", 14);
	add_map(image, 4);
	add_string(image, "database_type");
	add_string(image, "Test");
	add_string(image, "node_count");
	add_u32(image, tree->count);
	add_string(image, "record_size");
	image_add_number(image, 5 << 5 | 1, 1);
	image_add_number(image, record_size, 1);
	add_string(image, "ip_version");
	image_add_number(image, 5 << 5 | 1, 1);
	image_add_number(image, version, 1);
}

struct image image_mmdb(const struct image_prefix *prefixes, size_t count, unsigned version,
			unsigned record_size)
{
	static struct tree tree;
	struct image image = { 0 }, data = { 0 };
	bool v4 = false;

	memset(&tree, 0, sizeof(tree));
	tree.count = 1;
	image_add_number(&data, 0, 1); /* so that the country that is pointed to has offset 1 */
	for (size_t i = 0; i < count; i++) {
		struct prefix prefix;

		if (i == 0)
			add_country(&data, prefixes[0].value);
		require(prefix_parse(&prefix, prefixes[i].prefix) == 0);
		v4 |= prefix.base.family == AF_INET;
		insert(&tree, &prefix, version, (uint32_t)data.length);
		add_record(&data, prefixes[i].value);
	}
	if (version == 6 && v4)
		alias(&tree);
	for (uint32_t node = 0; node < tree.count; node++)
		add_node(&image, &tree, node, record_size);
	image_add_number(&image, 0, 8);
	image_add_number(&image, 0, 8);
	image_add(&image, data.bytes, data.length);
	image_free(&data);
	add_metadata(&image, &tree, version, record_size);
	return image;
}
