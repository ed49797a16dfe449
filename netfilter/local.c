#include "netfilter/local.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "netfilter/netlink.h"

enum { DUMP_TRIES = 5 }; /* while interfaces come and go faster than we read */

struct table {
	size_t count;
	size_t left_out;
	struct address addresses[LOCAL_ADDRESSES_MAX]; /* sorted */
};

struct local_addresses {
	struct netlink *questions;
	struct netlink *news;
	struct table now;
	struct table next; /* being read */
};

static int compare(const void *a, const void *b)
{
	return address_compare(a, b);
}

static void read_bytes(struct address *address, sa_family_t family, const struct nlattr *attribute)
{
	size_t width = family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);

	if (mnl_attr_get_payload_len(attribute) != width)
		return;
	memset(address, 0, sizeof(*address));
	address->family = family;
	memcpy(address->bytes, mnl_attr_get_payload(attribute), width);
}

/* IFA_ADDRESS is the peer's where IFA_LOCAL is given too. */
static int note_address(const struct nlmsghdr *message, void *context)
{
	struct table *table = context;
	const struct ifaddrmsg *body = mnl_nlmsg_get_payload(message);
	struct address address = { .family = AF_UNSPEC };
	const struct nlattr *attribute;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*body) ||
	    (body->ifa_family != AF_INET && body->ifa_family != AF_INET6))
		return 0;
	mnl_attr_for_each (attribute, message, sizeof(*body)) {
		uint16_t type = mnl_attr_get_type(attribute);
		if (type == IFA_LOCAL || (type == IFA_ADDRESS && address.family == AF_UNSPEC))
			read_bytes(&address, body->ifa_family, attribute);
	}
	if (address.family == AF_UNSPEC)
		return 0;
	if (table->count < LOCAL_ADDRESSES_MAX)
		table->addresses[table->count++] = address;
	else
		table->left_out++;
	return 0;
}

static int dump(struct netlink *questions, struct table *table)
{
	char storage[NETLINK_MESSAGE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(storage);

	message->nlmsg_type = RTM_GETADDR;
	message->nlmsg_flags = NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifaddrmsg)); /* AF_UNSPEC: all */
	table->count = 0;
	table->left_out = 0;
	return netlink_ask(questions, message, note_address, table);
}

static int read_all(struct local_addresses *addresses)
{
	struct table *next = &addresses->next;
	int tries = DUMP_TRIES;

	while (dump(addresses->questions, next))
		if (errno != EINTR || --tries == 0)
			return -1;
	qsort(next->addresses, next->count, sizeof(next->addresses[0]), compare);
	if (next->left_out && !addresses->now.left_out)
		log_warning("this machine has more than %d addresses: %zu of them are not "
			    "recognised as "
			    "its own",
			    LOCAL_ADDRESSES_MAX, next->left_out);
	addresses->now = *next;
	return 0;
}

struct local_addresses *local_addresses_open(void)
{
	const uint32_t groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
	struct local_addresses *addresses = calloc(1, sizeof(*addresses));

	if (!addresses)
		return NULL;
	/* Listening begins before the first reading: nothing falls in between. */
	addresses->news = netlink_listen(NETLINK_ROUTE, groups);
	addresses->questions = netlink_open(NETLINK_ROUTE);
	if (addresses->news && addresses->questions && read_all(addresses) == 0)
		return addresses;
	int error = errno;
	local_addresses_close(addresses);
	errno = error;
	return NULL;
}

void local_addresses_close(struct local_addresses *addresses)
{
	if (!addresses)
		return;
	netlink_close(addresses->news);
	netlink_close(addresses->questions);
	free(addresses);
}

int local_addresses_descriptor(const struct local_addresses *addresses)
{
	return netlink_descriptor(addresses->news);
}

static int ignore(const struct nlmsghdr *message, void *context)
{
	(void)message, (void)context;
	return 0;
}

/* Changes are rare and one address may be on two interfaces: reading all of them anew is simpler
 * than following each message, and the same thing that lost messages need. */
int local_addresses_update(struct local_addresses *addresses)
{
	if (netlink_drain(addresses->news, ignore, NULL) && errno != ENOBUFS)
		return -1;
	return read_all(addresses);
}

static bool is_always_local(const struct address *address)
{
	if (address->family == AF_INET) {
		uint32_t host = ntohl(address->v4.s_addr);
		return host >> 24 == IN_LOOPBACKNET || host == INADDR_ANY;
	}
	return address->family == AF_INET6 &&
	       (IN6_IS_ADDR_LOOPBACK(&address->v6) || IN6_IS_ADDR_UNSPECIFIED(&address->v6));
}

bool local_addresses_contain(const struct local_addresses *addresses, const struct address *address)
{
	const struct table *table = &addresses->now;
	struct address host = *address;

	host.port = 0;
	host.scope = 0;
	return is_always_local(address) ||
	       bsearch(&host, table->addresses, table->count, sizeof(host), compare);
}
