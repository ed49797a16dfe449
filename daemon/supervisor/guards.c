#include "daemon/supervisor/guards.h"

#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>

static bool is_lan_port(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->lan_count; i++)
		if (strcmp(policy->lan[i], name) == 0)
			return true;
	return false;
}

static unsigned count_bits(const struct address *mask)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < address_width(mask); i++)
		bits += (unsigned)__builtin_popcount(mask->bytes[i]);
	return bits;
}

/* It may come later than all else. */
static bool is_of_link(const struct address *address)
{
	return address->family == AF_INET6 && address->bytes[0] == 0xfe &&
	       (address->bytes[1] & 0xc0) == 0x80;
}

static bool is_guard(const struct policy *policy, const struct ifaddrs *each, struct prefix *guard)
{
	struct address mask;

	if (!each->ifa_addr || !each->ifa_netmask || !is_lan_port(policy, each->ifa_name) ||
	    address_from_socket(&guard->base, each->ifa_addr) < 0 ||
	    address_from_socket(&mask, each->ifa_netmask) < 0 || is_of_link(&guard->base))
		return false;
	for (unsigned i = 0; i < address_width(&mask); i++)
		guard->base.bytes[i] &= mask.bytes[i];
	guard->base.port = 0;
	guard->length = (uint8_t)count_bits(&mask);
	return true;
}

static int compare(const struct prefix *a, const struct prefix *b)
{
	int order = address_compare(&a->base, &b->base);

	return order ? order : a->length - b->length;
}

/* In order and each once, so that the same networks are always the same guards. */
static size_t insert(struct prefix *guards, size_t count, const struct prefix *guard)
{
	size_t at = 0;

	while (at < count && compare(&guards[at], guard) < 0)
		at++;
	if (count == GUARDS_MAX || (at < count && compare(&guards[at], guard) == 0))
		return count;
	memmove(&guards[at + 1], &guards[at], (count - at) * sizeof(*guards));
	guards[at] = *guard;
	return count + 1;
}

size_t guards_find(const struct policy *policy, struct prefix guards[static GUARDS_MAX])
{
	struct ifaddrs *all = NULL;
	struct prefix guard;
	size_t count = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (struct ifaddrs *each = all; each; each = each->ifa_next)
		if (is_guard(policy, each, &guard))
			count = insert(guards, count, &guard);
	freeifaddrs(all);
	return count;
}
