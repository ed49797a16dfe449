#include "daemon/dns_answer.h"

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
