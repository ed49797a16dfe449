#include "daemon/control/peer.h"

#include <sys/socket.h>

enum { GROUPS_MAX = 1024 };

static bool is_member(int socket, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t size = sizeof groups;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &size))
		return false;
	for (size_t i = 0; i < size / sizeof *groups; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool peer_is_trusted(int socket, const struct trusted *trusted)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return false;
	if (peer.uid == 0 || peer.uid == trusted->user)
		return true;
	return trusted->group != (gid_t)-1 &&
	       (peer.gid == trusted->group || is_member(socket, trusted->group));
}
