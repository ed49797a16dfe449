/* mihomo's binary rule sets, version 1, without the zstd around them: "MRS" 1, behaviour (0 names,
 * 1 addresses), count, an extension of its own length, then the set. Integers are big-endian. */
#include <string.h>

#include "daemon/lists/families.h"
#include "daemon/lists/succinct.h"
#include "daemon/reader.h"

enum { MRS_NAMES, MRS_ADDRESSES };

/* A 64-bit length; what cannot be in the file fails. */
static size_t read_length(struct reader *reader)
{
	uint32_t high = reader_u32(reader);
	uint32_t low = reader_u32(reader);

	if (high || low > FORMAT_WHOLE_MAX)
		reader->failed = true;
	return reader->failed ? 0 : low;
}

/* "+.name" is all below it; the name itself is a key of its own. "*.name" is one label below it,
 * which is taken as all below it, since no pattern of ours says the former. */
static bool give_key(void *context, const char *key)
{
	struct gather *gather = context;
	char name[SUCCINCT_KEY_MAX + 2] = "*";

	gather->entry.line++;
	if (strncmp(key, "+.", 2) == 0) {
		strcpy(name + 1, key + 1);
		gather_name(gather, name, NAME_EXACT);
	} else if (strchr(strncmp(key, "*.", 2) == 0 ? key + 1 : key, '*')) {
		gather_skip(gather);
	} else {
		gather_name(gather, key, NAME_EXACT);
	}
	return !gather->stopped;
}

static void read_names(struct gather *gather, struct reader *reader)
{
	struct succinct trie;
	int walked;

	trie.leaves = reader_take(reader, read_length(reader) * 8);
	trie.bitmap = reader_take(reader, read_length(reader) * 8);
	trie.labels = reader_take(reader, read_length(reader));
	if (reader->failed)
		return;
	walked = succinct_walk(&trie, give_key, gather);
	if (walked == -2)
		reader->failed = true;
	else if (walked == -1)
		gather_exhausted(gather);
}

static struct address take_address(struct reader *reader)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct span span = reader_take(reader, 16);
	struct address address = { 0 };

	if (span.length)
		memcpy(&in6.sin6_addr, span.bytes, 16);
	address_from_socket(&address, (struct sockaddr *)&in6); /* knows v4-mapped */
	return address;
}

static void read_addresses(struct gather *gather, struct reader *reader)
{
	size_t count = read_length(reader);

	for (size_t i = 0; i < count && !reader->failed && !gather->stopped; i++) {
		struct address first = take_address(reader);
		struct address last = take_address(reader);

		gather->entry.line++;
		if (!reader->failed)
			gather_range(gather, &first, &last);
	}
}

void mrs_read_whole(struct gather *gather, const uint8_t *bytes, size_t length)
{
	struct reader reader;
	struct span magic;
	uint8_t behaviour;

	reader_begin(&reader, bytes, length);
	magic = reader_take(&reader, 4);
	behaviour = reader_u8(&reader);
	reader_take(&reader, 8); /* the count, which nobody needs */
	reader_take(&reader, read_length(&reader));
	if (reader_u8(&reader) != 1 || memcmp(magic.bytes, "MRS\1", 4) != 0)
		gather_refuse(gather, "it is no mrs rule set of version 1");
	else if (behaviour == MRS_NAMES)
		read_names(gather, &reader);
	else if (behaviour == MRS_ADDRESSES)
		read_addresses(gather, &reader);
	else
		gather_refuse(gather, "its rules are neither names nor addresses");
	if (reader.failed)
		gather_refuse(gather, "the mrs rule set is damaged");
}
