/* Who is at the other end of a Unix socket. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whom a control socket serves besides root. */
struct trusted {
	uid_t user;
	gid_t group; /* and its members; (gid_t)-1: none */
};

/* True for root, for the user and for the group's members, as the kernel noted them when the peer
 * connected (unix(7)). */
bool peer_is_trusted(int socket, const struct trusted *trusted);
