/* What a question of DNS is answered with in place of its server's answer. Pure. */
#pragma once

#include "daemon/packet/dns.h"
#include "daemon/policy/rule.h"

/* Writes the addresses that the rule gives to its names, or, where it gives none, "there is no such name". Returns
 * its length, 0 when it does not fit size. */
size_t dns_answer_print(const struct rule *rule, const struct dns_message *query, uint8_t *out,
			size_t size);

/* Whether the rule wants something out of the answer, or another one. Answers over TCP go by unread: such questions
 * are refused there. services: it asks for HTTPS or SVCB records, without which clients go on. */
bool dns_answer_is_changed(const struct rule *rule, bool services);
