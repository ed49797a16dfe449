#include "daemon/dns_answer.h"

enum dns_answerer dns_answer_of(const struct rule *rule)
{
	bool blocked = rule->verdict == VERDICT_BLOCK;

	if (blocked && rule->block == BLOCK_DROP)
		return DNS_FROM_NOBODY;
	if (rule->dns_answer_count || (blocked && rule->block != BLOCK_PAGE))
		return DNS_FROM_US;
	return DNS_FROM_SERVER;
}

struct lesson {
	struct sightings *sightings;
	const char *name; /* that was asked for */
	int64_t now;
};

static bool note_address(const struct dns_record *record, void *context)
{
	const struct lesson *lesson = context;
	struct address address;

	if (dns_record_address(record, &address))
		sightings_note(lesson->sightings, &address, lesson->name, record->ttl, lesson->now);
	return false;
}

void dns_answer_learn(struct sightings *sightings, const struct dns_message *answer, int64_t now)
{
	struct lesson lesson = { sightings, answer->name, now };

	if (answer->name[0])
		dns_each_record(answer, note_address, &lesson);
}

size_t dns_answer_print(const struct rule *rule, const struct dns_message *query, uint8_t *out,
			size_t size)
{
	if (!rule->dns_answer_count)
		return dns_print_nxdomain(query, out, size);
	return dns_print_addresses(query, rule->dns_answers, rule->dns_answer_count, out, size);
}

bool dns_answer_is_changed(const struct rule *rule, bool services)
{
	return rule->dns_answer_count || (services && rule_dns_strip(rule));
}
