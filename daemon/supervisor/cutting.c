#include "daemon/supervisor/cutting.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/supervisor/supervision.h"
#include "netfilter/conntrack.h"
#include "netfilter/marks.h"
#include "netfilter/neighbours.h"
#include "netfilter/plan.h"

/* Ends those of the flows under the rules' mark that are chosen. */
static void cut_flows(struct supervisor *supervisor, flow_choice *choose, void *context)
{
	const struct capture *capture = &supervisor->policy->capture;
	struct marks marks;
	size_t count = 0;

	marks_choose(&marks, capture->mark, capture->mark_mask);
	if (conntrack_cut(marks.forward, marks.mask, choose, context, &count) < 0)
		log_warning("connections in the kernel cannot be cut: %s", strerror(errno));
	if (count)
		log_info("%zu connection%s in the kernel cut", count, count == 1 ? "" : "s");
}

static bool is_named(void *context, const struct tuple *flow)
{
	const struct cut_order *order = context;

	return order->all || address_same_host(&order->address, &flow->client) ||
	       address_same_host(&order->address, &flow->destination);
}

int cutting_order(struct supervisor *supervisor, const struct cut_order *order)
{
	struct children *children = &supervisor->children;
	union order whole = { .cut = *order };
	int result = 0;

	elders_tell(&children->elders, &whole, sizeof(whole.cut), NULL, 0);
	for (unsigned i = 0; i < children->workers; i++)
		if (order_send(children->orders[i][0], &whole, sizeof(whole.cut), NULL, 0) < 0)
			result = -1;
	if (order->all || order->address.family != AF_UNSPEC)
		cut_flows(supervisor, is_named, &whole.cut);
	return result;
}

/* What a rule cuts */

struct judge {
	const struct supervisor *supervisor;
	struct neighbours *neighbours;
};

/* Where the device is, if it is a neighbour: its port and its MAC. */
static void find_device(const struct judge *judge, struct facts *facts,
			uint8_t mac[static MAC_SIZE])
{
	const struct doors *doors = &judge->supervisor->doors;

	for (size_t i = 0; judge->neighbours && i < doors->count; i++) {
		if (!neighbours_find(judge->neighbours, doors->doors[i].index, &facts->client, mac))
			continue;
		facts->mac = mac;
		facts->port_name = doors->doors[i].name;
		return;
	}
}

static bool is_cut(void *context, const struct tuple *flow)
{
	const struct judge *judge = context;
	struct facts facts = { .learned = MOMENT_ADDRESSES,
			       .client = flow->client,
			       .destination = flow->destination,
			       .time = week_time_at(time(NULL)) };
	uint8_t mac[MAC_SIZE];
	const struct step *step;

	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return false;
	facts.transport = flow->protocol == IPPROTO_TCP ? TRANSPORT_TCP : TRANSPORT_UDP;
	find_device(judge, &facts, mac);
	step = plan_find(judge->supervisor->plan, &facts);
	return step->rule->cut && (step->action == PLAN_REFUSE || step->action == PLAN_DROP);
}

static bool cuts_anything(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].cut)
			return true;
	return false;
}

void cutting_blocked(struct supervisor *supervisor)
{
	struct judge judge = { .supervisor = supervisor };

	if (!cuts_anything(supervisor->policy))
		return;
	judge.neighbours = neighbours_open();
	cut_flows(supervisor, is_cut, &judge);
	neighbours_close(judge.neighbours);
}
