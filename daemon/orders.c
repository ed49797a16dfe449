#include "daemon/orders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "daemon/lists/compiled.h"
#include "daemon/log.h"
#include "daemon/policy/config.h"

union ancillary {
	char bytes[CMSG_SPACE(ORDER_DESCRIPTORS_MAX * sizeof(int))];
	struct cmsghdr aligned;
};

int orders_open(int channel[static 2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel);
}

int order_send(int channel, const union order *order, size_t size, const int *descriptors,
	       size_t count)
{
	struct iovec part = { (void *)(uintptr_t)order, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union ancillary ancillary = { { 0 } };

	if (count) {
		struct cmsghdr *header;

		message.msg_control = ancillary.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
	}
	return sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

static size_t take_descriptors(struct msghdr *message, int *descriptors)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	size_t count;

	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return 0;
	count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(descriptors, CMSG_DATA(header), count * sizeof(int));
	return count;
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
	struct iovec part = { order, sizeof(*order) };
	union ancillary ancillary = { { 0 } };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	ssize_t got = recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got <= 0)
		return (int)got;
	*count = take_descriptors(&message, descriptors);
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
