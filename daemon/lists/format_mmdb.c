/* A MaxMind DB as a list: what belongs to one country or autonomous system. */
#include "daemon/lists/families.h"
#include "daemon/lists/mmdb.h"

enum { ANSWERS = 4096 }; /* a power of two */

/* Many prefixes share a record: the answer to each is kept. */
struct search {
	struct gather *gather;
	const struct mmdb *mmdb;
	struct {
		size_t offset;
		enum { UNASKED, WANTED, UNWANTED } answer;
	} answers[ANSWERS];
};

static bool is_wanted(struct search *search, size_t offset)
{
	size_t slot = (offset ^ offset >> 12) & (ANSWERS - 1);

	if (search->answers[slot].answer == UNASKED || search->answers[slot].offset != offset) {
		search->answers[slot].offset = offset;
		search->answers[slot].answer =
			mmdb_record_has(search->mmdb, offset, search->gather->options->code)
				? WANTED
				: UNWANTED;
	}
	return search->answers[slot].answer == WANTED;
}

static bool take(void *context, const struct prefix *prefix, size_t offset)
{
	struct search *search = context;

	search->gather->entry.line++;
	if (is_wanted(search, offset))
		gather_prefix(search->gather, prefix);
	else
		gather_skip(search->gather);
	return !search->gather->stopped;
}

void mmdb_read_whole(struct gather *gather, const uint8_t *bytes, size_t length)
{
	struct search search = { .gather = gather };
	struct mmdb mmdb;

	search.mmdb = &mmdb;
	if (!mmdb_begin(&mmdb, bytes, length))
		gather_refuse(gather, "it is no text, and of no binary format that is known");
	else if (!gather->options->code || !*gather->options->code)
		gather_refuse(gather, "a MaxMind DB needs the wanted country or AS as code");
	else if (mmdb_walk(&mmdb, take, &search) == -2)
		gather_refuse(gather, "the MaxMind DB is damaged");
}
