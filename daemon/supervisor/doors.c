#include "daemon/supervisor/doors.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "netfilter/datagram.h"
#include "netfilter/socket.h"

static void close_door(struct door *door, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++)
		if (door->fds[i] >= 0)
			close(door->fds[i]);
}

static int open_door(struct door *door, const char *name, unsigned workers,
		     enum capture_method method)
{
	memcpy(door->name, name, PORT_NAME);
	door->index = if_nametoindex(name);
	door->port = 0;
	for (unsigned i = 0; i < WORKERS_MAX; i++)
		door->fds[i] = -1;
	for (unsigned i = 0; i < workers; i++) {
		door->fds[i] = method == CAPTURE_REDIRECT ? socket_listen_plain(door->port)
							  : socket_listen_transparent(door->port);
		if (door->fds[i] < 0) {
			int saved = errno;

			close_door(door, workers);
			errno = saved;
			return -1;
		}
		door->port = socket_port(door->fds[i]);
	}
	return 0;
}

static struct door *find(struct doors *doors, const char *name)
{
	for (size_t i = 0; doors && i < doors->count; i++)
		if (strcmp(doors->doors[i].name, name) == 0)
			return &doors->doors[i];
	return NULL;
}

static void take_over(struct doors *doors, struct doors *before)
{
	for (size_t i = 0; i < doors->count; i++) {
		struct door *old = find(before, doors->doors[i].name);

		if (!old)
			continue;
		doors->doors[i] = *old;
		*old = before->doors[--before->count];
	}
}

static void take_over_datagrams(struct doors *doors, struct doors *before)
{
	doors->datagram_port = before->datagram_port;
	memcpy(doors->datagrams, before->datagrams, sizeof(doors->datagrams));
	before->datagram_port = 0;
}

int doors_open_datagrams(struct doors *doors)
{
	uint16_t port = 0;

	for (unsigned i = 0; i < doors->workers; i++) {
		doors->datagrams[i] = datagram_listen(port);
		if (doors->datagrams[i] < 0) {
			while (i-- > 0)
				close(doors->datagrams[i]);
			return -1;
		}
		port = socket_port(doors->datagrams[i]);
	}
	doors->datagram_port = port;
	return 0;
}

int doors_open(struct doors *doors, const struct policy *policy, enum capture_method method,
	       struct doors *before)
{
	doors->count = 0;
	doors->datagram_port = 0;
	for (size_t i = 0; i < policy->lan_count; i++) {
		struct door *door = &doors->doors[doors->count];
		const struct door *old = find(before, policy->lan[i]);

		/* Copied for now; really taken over when all others could be opened. */
		if (old)
			memcpy(door->name, old->name, sizeof(door->name));
		else if (open_door(door, policy->lan[i], doors->workers, method) < 0)
			goto close_new;
		doors->count++;
	}
	take_over(doors, before);
	if (before)
		take_over_datagrams(doors, before);
	return 0;

close_new:
	while (doors->count--)
		if (!find(before, doors->doors[doors->count].name))
			close_door(&doors->doors[doors->count], doors->workers);
	doors->count = 0;
	return -1;
}

void doors_close(struct doors *doors)
{
	for (size_t i = 0; i < doors->count; i++)
		close_door(&doors->doors[i], doors->workers);
	for (unsigned i = 0; doors->datagram_port && i < doors->workers; i++)
		close(doors->datagrams[i]);
	doors->datagram_port = 0;
	doors->count = 0;
}

size_t doors_of_worker(const struct doors *doors, unsigned worker, int fds[static LAN_PORTS_MAX])
{
	for (size_t i = 0; i < doors->count; i++)
		fds[i] = doors->doors[i].fds[worker];
	return doors->count;
}

void doors_indexes(const struct doors *doors, unsigned indexes[static LAN_PORTS_MAX])
{
	for (size_t i = 0; i < LAN_PORTS_MAX; i++)
		indexes[i] = i < doors->count ? doors->doors[i].index : 0;
}

bool doors_refresh(struct doors *doors)
{
	bool changed = false;

	for (size_t i = 0; i < doors->count; i++) {
		unsigned index = if_nametoindex(doors->doors[i].name);

		changed |= index != doors->doors[i].index;
		doors->doors[i].index = index;
	}
	return changed;
}

void doors_into_ruleset(const struct doors *doors, struct ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->lan_count; i++)
		for (size_t j = 0; j < doors->count; j++)
			if (strcmp(ruleset->lan[i].name, doors->doors[j].name) == 0)
				ruleset->lan[i].listener = doors->doors[j].port;
	ruleset->datagram_listener = doors->datagram_port;
}
