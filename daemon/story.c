#include "daemon/story.h"

#include <stdlib.h>
#include <string.h>

/* Of a flow that the kernel carries: kept until it lets go. */
struct story {
	struct told told;
	struct policy *policy; /* held: the rule is its */
	char host[NAME_SIZE];
};

static struct story *keep(struct visits *visits, const struct told *told)
{
	struct story *story = malloc(sizeof(*story));

	if (!story)
		return NULL;
	story->told = *told;
	story->told.view.client = &story->told.client;
	story->told.client.tls_facts = told->client.tls_facts ? &story->told.tls : NULL;
	story->told.view.mac = NULL;
	story->told.view.shadow_count = 0;
	if (told->view.host)
		story->told.view.host = strcpy(story->host, told->view.host);
	story->policy = policy_hold(visits->policy);
	return story;
}

void story_begin(struct visits *visits, struct flow *flow, const struct told *told)
{
	if (flow->kind != FLOW_DATAGRAMS || !journal_wants_events(visits->journal))
		return;
	journal_event(visits->journal, EVENT_UDP_START, &told->view, NULL);
	if (flow->fate != FATE_PASS)
		journal_event(visits->journal, EVENT_UDP_END, &told->view, NULL);
	else
		flow->story = keep(visits, told);
}

void story_forget(void *context, struct flow *flow)
{
	struct visits *visits = context;
	struct story *story = flow->story;

	story->told.client.end = clock_now();
	if (journal_wants_events(visits->journal))
		journal_event(visits->journal, EVENT_UDP_END, &story->told.view, NULL);
	policy_release(story->policy);
	free(story);
	flow->story = NULL;
}

/* Bytes */

void story_note(struct visits *visits, const struct flow *flow, uint64_t id)
{
	const struct ledger_flow carried = { flow->client, flow->server,
					     flow->kind == FLOW_DATAGRAMS };
	struct carried_view displaced = { .known = false };

	if (!visits->ledger)
		visits->ledger = ledger_new();
	if (visits->ledger)
		displaced.id = ledger_note(visits->ledger, &carried, id);
	if (displaced.id)
		journal_carried(visits->journal, &displaced);
}

static void tell_bytes(struct visits *visits, const struct ending *ending)
{
	const struct ledger_flow carried = { ending->tuple.client, ending->tuple.destination,
					     ending->tuple.protocol == IPPROTO_UDP };
	const struct carried_view view = {
		.id = ledger_take(visits->ledger, &carried),
		.known = ending->from_client || ending->to_client,
		.from_client = ending->from_client,
		.to_client = ending->to_client,
	};

	if (view.id)
		journal_carried(visits->journal, &view);
}

/* Ends */

static void end_datagrams(struct visits *visits, const struct ending *ending)
{
	struct flow *flow = flows_find(visits->flows, FLOW_DATAGRAMS, &ending->tuple.client,
				       &ending->tuple.destination);
	struct story *story;

	if (!flow || !flow->story)
		return;
	story = flow->story;
	story->told.client.received = ending->from_client;
	story->told.client.sent = ending->to_client;
	flows_forget(visits->flows, flow);
}

void story_end(void *context, const struct ending *ending)
{
	struct visits *visits = context;
	uint8_t protocol = ending->tuple.protocol;

	if (visits->ledger && (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP))
		tell_bytes(visits, ending);
	if (protocol == IPPROTO_UDP)
		end_datagrams(visits, ending);
}
