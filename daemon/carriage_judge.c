#include "daemon/carriage_judge.h"

#include "daemon/datagrams.h"

static void add(_Atomic uint64_t *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static struct counters *counters_of(const struct carriage *carriage)
{
	return datagrams_gateway(carriage->datagrams)->counters;
}

static void fill_facts(const struct carriage *carriage, struct facts *facts)
{
	const struct flow *flow = carriage->flow;
	struct gateway *gateway = datagrams_gateway(carriage->datagrams);
	int64_t now = clock_now().wall;

	*facts = (struct facts){
		.learned = MOMENT_ADDRESSES,
		.client = flow->client,
		.mac = flow->mac_known ? flow->mac : NULL,
		.port_name = flow->port_name,
		.destination = flow->server,
		.transport = TRANSPORT_UDP,
		.time = gateway_time(gateway, now),
		.protocol = carriage->protocol,
		.host = carriage->host[0] ? carriage->host : NULL,
		.wall_seconds = now / 1000000,
	};
}

struct decision carriage_judge(const struct carriage *carriage, const struct policy *policy,
			       unsigned learned, const struct hello *hello)
{
	struct facts facts;

	fill_facts(carriage, &facts);
	facts.learned |= learned;
	if (hello) {
		facts.alpn = hello->alpn;
		facts.tls_version = hello->version;
	}
	return policy_decide(policy, &facts);
}

void carriage_count(const struct carriage *carriage, const struct decision *decision)
{
	struct counters *counters = counters_of(carriage);

	add(&counters->rule_hits[decision->rule->slot], 1);
	for (size_t i = 0; i < decision->shadow_count; i++)
		add(&counters->shadow_hits[decision->shadows[i]->slot], 1);
}

static struct decision judge_name(const struct carriage *carriage, const char *name)
{
	struct facts facts;

	fill_facts(carriage, &facts);
	facts.learned |= MOMENT_HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	facts.protocol = PROTOCOL_DNS;
	facts.host = name[0] ? name : NULL;
	return policy_decide(regime_policy(carriage->regime), &facts);
}

const struct rule *carriage_judge_question(const struct carriage *carriage, const char *name)
{
	struct decision decision = judge_name(carriage, name);

	carriage_count(carriage, &decision);
	return decision.rule;
}

const struct rule *carriage_judge_answer(const struct carriage *carriage, const char *name)
{
	return judge_name(carriage, name).rule;
}

void carriage_view(const struct carriage *carriage, struct connection_view *view)
{
	const struct flow *flow = carriage->flow;
	const struct policy *policy = regime_policy(carriage->regime);
	const uint8_t *mac = flow->mac_known ? flow->mac : NULL;
	const struct device *device = policy_device(policy, &flow->client, mac);

	*view = (struct connection_view){
		.id = carriage->id,
		.client = &carriage->client,
		.server = carriage->server.id ? &carriage->server : NULL,
		.protocol = carriage->protocol,
		.host = carriage->host[0] ? carriage->host : NULL,
		.port_name = flow->port_name,
		.mac = mac,
		.device = device ? device->name : NULL,
		.rule = carriage->rule,
		.reason = carriage->reason,
		.generation = policy->generation,
	};
}

void carriage_event(const struct carriage *carriage, enum event_kind kind)
{
	struct journal *journal = datagrams_gateway(carriage->datagrams)->journal;
	struct connection_view view;

	if (!journal_wants_events(journal))
		return;
	carriage_view(carriage, &view);
	journal_event(journal, kind, &view, NULL);
}

static _Atomic uint64_t *counter_of(struct counters *counters, const struct carriage *carriage)
{
	if (!carriage->rule || carriage->flow->fate != FATE_PASS)
		return &counters->blocked;
	return carriage->rule->verdict == VERDICT_ROUTE ? &counters->routed : &counters->passed;
}

void carriage_report(const struct carriage *carriage)
{
	struct counters *counters = counters_of(carriage);
	struct connection_view view;

	add(&counters->reasons[carriage->reason], 1);
	add(&counters->bytes_from_clients, carriage->client.received);
	add(&counters->bytes_from_servers, carriage->server.received);
	if (carriage->flow->fate == FATE_UNDECIDED)
		return;
	add(counter_of(counters, carriage), 1);
	if (carriage->rule && carriage->rule->log == JOURNAL_NONE)
		return;
	carriage_view(carriage, &view);
	journal_connection(datagrams_gateway(carriage->datagrams)->journal, &view);
}
