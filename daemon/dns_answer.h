/* What becomes of a question of DNS and of its answer, whichever way they take: one judge for datagrams at the
 * packet door, datagrams that a worker carries, and streams. Pure. */
#pragma once

#include "daemon/packet/dns.h"
#include "daemon/packet/sightings.h"
#include "daemon/policy/rule.h"

enum dns_answerer {
	DNS_FROM_SERVER, /* the question goes on */
	DNS_FROM_US,	 /* dns_answer_print() */
	DNS_FROM_NOBODY, /* it is dropped */
};

/* Who answers a question, by the rule that has decided. A page is shown to whoever connects: the name has to be
 * found for that. */
enum dns_answerer dns_answer_of(const struct rule *rule);

/* Notes which addresses an answer gives to the name that was asked for. now: seconds of the steady clock. */
void dns_answer_learn(struct sightings *sightings, const struct dns_message *answer, int64_t now);

/* Writes the addresses that the rule gives to its names, or, where it gives none, "there is no such name". Returns
 * its length, 0 when it does not fit size. */
size_t dns_answer_print(const struct rule *rule, const struct dns_message *query, uint8_t *out,
			size_t size);

/* Whether the rule wants something out of the answer, or another one. Answers in streams that the kernel carries go
 * by unread: such questions are refused there. services: it asks for HTTPS or SVCB records, without which clients go on. */
bool dns_answer_is_changed(const struct rule *rule, bool services);
