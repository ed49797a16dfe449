#include "daemon/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/lists/compiled.h"
#include "daemon/log.h"
#include "daemon/passing.h"
#include "daemon/policy/config.h"

int orders_open(int channel[static 2])
{
	return passing_open(channel);
}

int order_send(int channel, const union order *order, size_t size, const int *descriptors,
	       size_t count)
{
	return passing_send(channel, order, size, descriptors, count);
}

/* The packet door accepts nothing: its order comes without listeners. */
static bool is_count_of(const struct policy_order *order, size_t count)
{
	size_t files = 1 + order->list_files;

	return count == files || count == files + order->lan_count;
}

static bool is_order(const union order *order, size_t length, size_t count)
{
	switch (length >= sizeof(order->kind) ? order->kind : UINT32_MAX) {
	case ORDER_POLICY:
		return length == sizeof(order->policy) &&
		       order->policy.rule_count <= RULES_MAX &&
		       order->policy.lan_count <= LAN_PORTS_MAX &&
		       order->policy.list_files <= 1 &&
		       is_count_of(&order->policy, count);
	case ORDER_CUT:
		return length == sizeof(order->cut) && count == 0;
	case ORDER_NAMES:
		return length == sizeof(order->names) && count == 2;
	case ORDER_RETIRE:
		return length == sizeof(order->retire) && count <= 1;
	default:
		return false;
	}
}

int order_receive(int channel, union order *order, int *descriptors, size_t *count)
{
	ssize_t got = passing_receive(channel, order, sizeof(*order), descriptors,
				      ORDER_DESCRIPTORS_MAX, count);

	if (got <= 0)
		return (int)got;
	if (is_order(order, (size_t)got, *count))
		return 1;
	for (size_t i = 0; i < *count; i++)
		close(descriptors[i]);
	errno = EBADMSG;
	return -1;
}

struct policy_order order_of_policy(const struct policy *policy,
				    const unsigned indexes[static LAN_PORTS_MAX])
{
	struct policy_order order = {
		.kind = ORDER_POLICY,
		.generation = policy->generation,
		.list_files = policy->compiled ? 1 : 0,
		.lan_count = (uint32_t)policy->lan_count,
		.rule_count = (uint16_t)policy->rule_count,
	};

	memcpy(order.lan, policy->lan, sizeof(order.lan));
	for (size_t i = 0; i < policy->lan_count; i++)
		order.lan_index[i] = indexes[i];
	for (size_t i = 0; i < policy->rule_count; i++)
		order.slots[i] = (uint16_t)policy->rules[i].slot;
	return order;
}

/* The compiled lists as the supervisor has them; NULL with errno. */
static struct compiled *map_lists(int descriptor)
{
	struct compiled *compiled = malloc(sizeof *compiled);

	if (compiled && compiled_open_descriptor(compiled, descriptor) == 0)
		return compiled;
	free(compiled);
	return NULL;
}

static int take_lists(struct policy *policy, const struct policy_order *order, int descriptor)
{
	struct compiled *compiled = order->list_files ? map_lists(descriptor) : NULL;

	if (order->list_files && !compiled)
		return -1;
	return policy_take_lists(policy, compiled);
}

struct policy *order_read_policy(const struct policy_order *order, const int *descriptors)
{
	struct sources *sources = sources_unpack(descriptors[0]);
	struct policy *policy = sources ? config_parse(sources, NULL, NULL) : NULL;

	if (!policy || policy->rule_count != order->rule_count ||
	    take_lists(policy, order, descriptors[1]) < 0) {
		log_error("the new policy could not be taken over: %s", strerror(errno));
		policy_release(policy);
		return NULL;
	}
	policy->generation = order->generation;
	for (size_t i = 0; i < policy->rule_count; i++)
		policy->rules[i].slot = order->slots[i];
	return policy;
}
