#include "daemon/visit_judge.h"

#include "daemon/dns_answer.h"
#include "daemon/story.h"

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static struct week_time time_now(struct visits *visits, int64_t wall)
{
	int64_t minute = wall / 60000000;

	if (minute != visits->time_minute) {
		visits->time_minute = minute;
		visits->time = week_time_at((time_t)(minute * 60));
	}
	return visits->time;
}

static void fill_facts(struct visits *visits, const struct flow *flow, const struct said *said,
		       struct facts *facts)
{
	int64_t wall = clock_now().wall;

	*facts = (struct facts){
		.learned = MOMENT_ADDRESSES | said->learned,
		.client = flow->client,
		.mac = flow->mac_known ? flow->mac : NULL,
		.port_name = flow->port_name,
		.destination = flow->server,
		.transport = flow->kind == FLOW_STREAM ? TRANSPORT_TCP : TRANSPORT_UDP,
		.time = time_now(visits, wall),
		.protocol = said->protocol,
		.host = said->host,
		.alpn = said->alpn,
		.tls_version = said->tls_version,
		.wall_seconds = wall / 1000000,
	};
}

static void count_hits(struct visits *visits, const struct decision *decision)
{
	count(&visits->counters->rule_hits[decision->rule->slot]);
	for (size_t i = 0; i < decision->shadow_count; i++)
		count(&visits->counters->shadow_hits[decision->shadows[i]->slot]);
}

static void count_fate(struct visits *visits, enum fate fate, enum reason reason)
{
	count(fate == FATE_PASS ? &visits->counters->passed : &visits->counters->blocked);
	count(&visits->counters->reasons[reason]);
}

/* The journal's line, at the moment of the decision: what comes after it we never see. */
static void report(struct visits *visits, struct flow *flow, const struct said *said,
		   const struct decision *decision, enum reason reason)
{
	bool silent = decision && decision->rule->log == JOURNAL_NONE;
	struct told told;

	if (silent && !journal_wants_events(visits->journal))
		return;
	told_begin(&told, visits, flow, said);
	told.view.reason = reason;
	if (decision) {
		told.view.rule = decision->rule;
		told.view.shadow_count = decision->shadow_count;
		told.view.shadows = decision->shadows;
	}
	if (!silent)
		journal_connection(visits->journal, &told.view);
	if (reason == REASON_FORWARDED && decision->rule->logged)
		story_note(visits, flow, told.view.id);
	if (said->protocol != PROTOCOL_DNS)
		story_begin(visits, flow, &told);
}

/* QUIC that a rule wants to look into is refused: it comes back over TCP, to a worker. */
static enum fate fate_of(const struct rule *rule, enum reason *reason)
{
	*reason = REASON_BLOCKED;
	switch (rule->verdict) {
	case VERDICT_PASS:
		*reason = REASON_FORWARDED;
		return FATE_PASS;
	case VERDICT_BLOCK:
		return rule->block == BLOCK_DROP ? FATE_DROP : FATE_REFUSE;
	default:
		*reason = REASON_OVER_TCP;
		return FATE_REFUSE;
	}
}

static struct decision decide(struct visits *visits, const struct flow *flow,
			      const struct said *said)
{
	struct facts facts;

	fill_facts(visits, flow, said, &facts);
	return policy_decide(visits->policy, &facts);
}

/* What has no name of its own is known by the one that the device asked for. */
static struct said with_sighting(struct visits *visits, const struct flow *flow,
				 const struct said *said)
{
	struct said whole = *said;

	if (!(said->learned & MOMENT_HELLO) || said->protocol == PROTOCOL_TLS ||
	    said->protocol == PROTOCOL_HTTP || said->protocol == PROTOCOL_QUIC || said->host)
		return whole;
	if (sightings_find(visits->sightings, &flow->server, clock_steady() / 1000000,
			   visits->sighted))
		whole.host = visits->sighted;
	return whole;
}

enum fate visit_judge(struct visits *visits, struct flow *flow, const struct said *said)
{
	const struct said whole = with_sighting(visits, flow, said);
	struct decision decision = decide(visits, flow, &whole);
	enum reason reason;
	enum fate fate;

	if (decision.ask && !(said->learned & MOMENT_HELLO))
		return FATE_UNDECIDED;
	/* The plan sends nothing here that needs more, but a policy may have changed on the way. */
	if (decision.ask)
		return visit_refuse(visits, flow, REASON_OVER_TCP);
	fate = fate_of(decision.rule, &reason);
	count_hits(visits, &decision);
	count_fate(visits, fate, reason);
	flow_settle(visits->flows, flow, fate);
	report(visits, flow, &whole, &decision, reason);
	return fate;
}

enum fate visit_refuse(struct visits *visits, struct flow *flow, enum reason reason)
{
	const struct said nothing = { .protocol = PROTOCOL_UNKNOWN };

	count_fate(visits, FATE_REFUSE, reason);
	flow_settle(visits->flows, flow, FATE_REFUSE);
	report(visits, flow, &nothing, NULL, reason);
	return FATE_REFUSE;
}

static enum fate fate_of_question(const struct rule *rule)
{
	if (rule->verdict != VERDICT_BLOCK || rule->block == BLOCK_PAGE)
		return FATE_PASS;
	return rule->block == BLOCK_DROP ? FATE_DROP : FATE_REFUSE;
}

static enum fate fate_in_stream(const struct rule *rule, const struct dns_message *question)
{
	enum fate fate = fate_of_question(rule);

	if (fate == FATE_PASS && dns_answer_is_changed(rule, dns_asks_services(question)))
		return FATE_REFUSE;
	return fate;
}

static struct said question_of(const char *name)
{
	return (struct said){
		.learned = MOMENT_HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE,
		.protocol = PROTOCOL_DNS,
		.host = name[0] ? name : NULL,
	};
}

static void tell_dns(struct visits *visits, enum event_kind kind, const struct flow *flow,
		     const struct said *said, const struct rule *rule)
{
	struct told told;

	if (!journal_wants_events(visits->journal))
		return;
	told_begin(&told, visits, flow, said);
	told.view.rule = rule;
	journal_event(visits->journal, kind, &told.view, NULL);
}

/* Counted and told; where it does not go on, with a line. */
static void tell_question(struct visits *visits, struct flow *flow, const struct said *said,
			  const struct decision *decision, enum fate fate)
{
	count_hits(visits, decision);
	tell_dns(visits, EVENT_DNS_REQUEST, flow, said, decision->rule);
	if (fate == FATE_PASS)
		return;
	count_fate(visits, fate, REASON_BLOCKED);
	report(visits, flow, said, decision, REASON_BLOCKED);
}

enum fate visit_question(struct visits *visits, struct flow *flow, const char *name,
			 const struct rule **rule)
{
	struct said said = question_of(name);
	struct decision decision = decide(visits, flow, &said);
	enum fate fate = fate_of_question(decision.rule);

	*rule = decision.rule;
	tell_question(visits, flow, &said, &decision, fate);
	return fate;
}

enum fate visit_stream_question(struct visits *visits, struct flow *flow,
				const struct dns_message *question)
{
	struct said said = question_of(question->name);
	struct decision decision = decide(visits, flow, &said);
	enum fate fate = fate_in_stream(decision.rule, question);

	tell_question(visits, flow, &said, &decision, fate);
	if (fate == FATE_PASS)
		return FATE_UNDECIDED;
	flow_settle(visits->flows, flow, fate);
	return fate;
}

const struct rule *visit_answered(struct visits *visits, const struct flow *flow, const char *name)
{
	struct said said = question_of(name);
	const struct rule *rule = decide(visits, flow, &said).rule;

	tell_dns(visits, EVENT_DNS_RESPONSE, flow, &said, rule);
	return rule;
}
