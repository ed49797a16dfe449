#include "daemon/reply_sockets.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netfilter/datagram.h"

enum { SETS = REPLY_SOCKETS_MAX / REPLY_SOCKET_WAYS };

struct entry {
	struct address origin; /* AF_UNSPEC: free */
	int fd;
	uint64_t used;
};

struct reply_sockets {
	uint64_t uses;
	struct entry entries[SETS][REPLY_SOCKET_WAYS];
};

struct reply_sockets *reply_sockets_new(void)
{
	return calloc(1, sizeof(struct reply_sockets));
}

void reply_sockets_free(struct reply_sockets *sockets)
{
	for (size_t i = 0; sockets && i < SETS; i++)
		for (size_t j = 0; j < REPLY_SOCKET_WAYS; j++)
			if (sockets->entries[i][j].origin.family != AF_UNSPEC)
				close(sockets->entries[i][j].fd);
	free(sockets);
}

static struct entry *set_of(struct reply_sockets *sockets, const struct address *origin)
{
	uint32_t hash = origin->port;

	for (unsigned i = 0; i < address_width(origin); i++)
		hash = (hash ^ origin->bytes[i]) * 16777619;
	return sockets->entries[(hash ^ hash >> 16) % SETS];
}

/* The origin's, or the one that gives way. */
static struct entry *choose(struct reply_sockets *sockets, const struct address *origin)
{
	struct entry *set = set_of(sockets, origin), *oldest = set;

	for (struct entry *one = set; one < set + REPLY_SOCKET_WAYS; one++) {
		if (one->origin.family == origin->family && address_equal(&one->origin, origin))
			return one;
		if (one->used < oldest->used)
			oldest = one;
	}
	return oldest;
}

static int open_entry(struct entry *entry, const struct address *origin)
{
	if (entry->origin.family != AF_UNSPEC)
		close(entry->fd);
	*entry = (struct entry){ .origin.family = AF_UNSPEC };
	entry->fd = datagram_impersonate(origin);
	if (entry->fd < 0)
		return -1;
	entry->origin = *origin;
	return 0;
}

int reply_sockets_send(struct reply_sockets *sockets, const struct address *origin,
		       const struct address *client, struct span bytes)
{
	struct entry *entry = choose(sockets, origin);
	struct sockaddr_storage to;
	socklen_t length = address_to_socket(client, AF_UNSPEC, &to);

	if (!(entry->origin.family == origin->family && address_equal(&entry->origin, origin)) &&
	    open_entry(entry, origin) < 0)
		return -1;
	entry->used = ++sockets->uses;
	return sendto(entry->fd, bytes.bytes, bytes.length, MSG_DONTWAIT, (struct sockaddr *)&to,
		      length) < 0
		       ? -1
		       : 0;
}
