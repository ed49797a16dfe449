/* A MaxMind DB as a list: what belongs to a country or autonomous system. */
#include "daemon/lists/families.h"
#include "daemon/lists/mmdb.h"

enum { ANSWERS = 4096 }; /* a power of two */

/* What is known of a record; from FIRST on: whose it is. */
enum answer { UNASKED, NOBODYS, SEVERALS, FIRST };

/* Many prefixes share a record: the answer to each is kept. */
struct search {
	struct gather *gather;
	const struct mmdb *mmdb;
	struct {
		size_t offset;
		unsigned answer;
	} answers[ANSWERS];
};

static bool is_of(const struct search *search, size_t offset, size_t code)
{
	return mmdb_record_has(search->mmdb, offset, search->gather->codes[code]);
}

static unsigned ask(const struct search *search, size_t offset)
{
	unsigned answer = NOBODYS;

	for (size_t i = 0; i < search->gather->code_count; i++)
		if (is_of(search, offset, i))
			answer = answer == NOBODYS ? FIRST + (unsigned)i : SEVERALS;
	return answer;
}

static unsigned answer_to(struct search *search, size_t offset)
{
	size_t slot = (offset ^ offset >> 12) & (ANSWERS - 1);

	if (search->answers[slot].answer == UNASKED || search->answers[slot].offset != offset) {
		search->answers[slot].offset = offset;
		search->answers[slot].answer = ask(search, offset);
	}
	return search->answers[slot].answer;
}

static void give_to(struct search *search, const struct prefix *prefix, size_t code)
{
	search->gather->entry.part = (unsigned)code;
	gather_prefix(search->gather, prefix);
}

static bool take(void *context, const struct prefix *prefix, size_t offset)
{
	struct search *search = context;
	unsigned answer = answer_to(search, offset);

	search->gather->entry.line++;
	if (answer == NOBODYS)
		gather_skip(search->gather);
	else if (answer >= FIRST)
		give_to(search, prefix, answer - FIRST);
	for (size_t i = 0; answer == SEVERALS && i < search->gather->code_count; i++)
		if (is_of(search, offset, i))
			give_to(search, prefix, i);
	return !search->gather->stopped;
}

void mmdb_read_whole(struct gather *gather, const uint8_t *bytes, size_t length)
{
	struct search search = { .gather = gather };
	struct mmdb mmdb;

	search.mmdb = &mmdb;
	if (!mmdb_begin(&mmdb, bytes, length))
		gather_refuse(gather, "it is no text, and of no binary format that is known");
	else if (!gather->code_count || !*gather->codes[0])
		gather_refuse(gather, "a MaxMind DB needs the wanted country or AS as code");
	else if (mmdb_walk(&mmdb, take, &search) == -2)
		gather_refuse(gather, "the MaxMind DB is damaged");
}
