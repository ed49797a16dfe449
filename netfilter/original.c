#include "netfilter/original.h"

#include <errno.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdbool.h>

static bool is_transparent(int descriptor, int level, int option)
{
	int value = 0;
	socklen_t length = sizeof(value);

	return getsockopt(descriptor, level, option, &value, &length) == 0 && value != 0;
}

int original_local(int descriptor, struct address *original)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	if (getsockname(descriptor, (struct sockaddr *)&storage, &length))
		return -1;
	if (address_from_socket(original, (struct sockaddr *)&storage)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return 0;
}

int original_find(int descriptor, struct address *original)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);

	/* Local first: for IPv4 on a dual-stack socket this tells which level of conntrack to ask.
	 */
	if (original_local(descriptor, original) < 0)
		return -1;
	if (is_transparent(descriptor, SOL_IP, IP_TRANSPARENT) ||
	    is_transparent(descriptor, SOL_IPV6, IPV6_TRANSPARENT))
		return 0;
	if (original->family == AF_INET
		    ? getsockopt(descriptor, SOL_IP, SO_ORIGINAL_DST, &storage, &length)
		    : getsockopt(descriptor, SOL_IPV6, IP6T_SO_ORIGINAL_DST, &storage, &length))
		return -1;
	return address_from_socket(original, (struct sockaddr *)&storage);
}
