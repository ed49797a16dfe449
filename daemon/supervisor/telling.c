#include "daemon/supervisor/telling.h"

#include <errno.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/orders.h"
#include "daemon/supervisor/supervision.h"

/* All but the listeners, which are another worker's each; returns the number of descriptors. */
static size_t write_order(const struct supervisor *supervisor, int packed,
			  struct policy_order *order, int descriptors[static ORDER_DESCRIPTORS_MAX])
{
	const struct policy *policy = supervisor->policy;
	unsigned indexes[LAN_PORTS_MAX];
	size_t count = 0;

	doors_indexes(&supervisor->doors, indexes);
	*order = order_of_policy(policy, indexes);
	descriptors[count++] = packed;
	if (policy->compiled)
		descriptors[count++] = policy->compiled->descriptor;
	return count;
}

/* Those behind the workers are the packet doors: they take the same orders, without listeners. */
static int tell_worker(const struct supervisor *supervisor, unsigned worker, int packed)
{
	union order order;
	int descriptors[ORDER_DESCRIPTORS_MAX];
	size_t count = write_order(supervisor, packed, &order.policy, descriptors);

	if (worker < supervisor->children.workers)
		count += doors_of_worker(&supervisor->doors, worker, descriptors + count);
	return order_send(supervisor->children.orders[worker][0], &order, sizeof(order.policy),
			  descriptors, count);
}

static void tell_elders(struct supervisor *supervisor, int packed)
{
	union order order;
	int descriptors[ORDER_DESCRIPTORS_MAX];
	size_t count = write_order(supervisor, packed, &order.policy, descriptors);

	elders_tell(&supervisor->children.elders, &order, sizeof(order.policy), descriptors, count);
}

void telling_begin(struct supervisor *supervisor, int packed)
{
	struct children *children = &supervisor->children;

	tell_elders(supervisor, packed);
	for (unsigned i = 0; i < children->workers; i++) {
		if (tell_worker(supervisor, i, packed) == 0)
			continue;
		/* One that does not listen is replaced by one that starts under the new policy. */
		log_warning("worker %u does not take orders (%s) and is replaced", i,
			    strerror(errno));
		child_replace(&children->worker[i]);
	}
	for (unsigned i = 0; children->watching && i < children->packet_doors; i++)
		if (tell_worker(supervisor, children->workers + i, packed) < 0)
			child_replace(&children->packet[i]);
}

bool telling_is_done(const struct supervisor *supervisor)
{
	const struct children *children = &supervisor->children;

	for (unsigned i = 0; i < children->workers; i++)
		if (atomic_load(&children->counters[i].policy_generation) !=
		    supervisor->policy->generation)
			return false;
	for (unsigned i = 0; children->watching && i < children->packet_doors; i++)
		if (atomic_load(&children_packet_counters(children, i)->policy_generation) !=
		    supervisor->policy->generation)
			return false;
	return true;
}
