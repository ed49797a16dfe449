#include "netfilter/datagram.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netfilter/socket.h"

#ifndef IPV6_RECVORIGDSTADDR
#define IPV6_RECVORIGDSTADDR 74
#define IPV6_ORIGDSTADDR IPV6_RECVORIGDSTADDR
#endif

enum { CONTROL_SIZE = 256, LINE_BYTES = 1 << 20 /* of what waits for us */ };

static int set(int descriptor, int level, int option, int value)
{
	return setsockopt(descriptor, level, option, &value, sizeof(value));
}

static int bind_to(int descriptor, const struct address *address)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_socket(address, AF_UNSPEC, &storage);

	return bind(descriptor, (struct sockaddr *)&storage, length);
}

static int give_up(int descriptor)
{
	int error = errno;

	close(descriptor);
	errno = error;
	return -1;
}

static int open_datagram(sa_family_t family)
{
	return socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int make_transparent(int descriptor, sa_family_t family)
{
	if (set(descriptor, SOL_IP, IP_TRANSPARENT, 1) < 0)
		return -1;
	return family == AF_INET6 ? set(descriptor, SOL_IPV6, IPV6_TRANSPARENT, 1) : 0;
}

/* Where a datagram wanted to go, and where it came in. A dual-stack socket is asked at both levels. */
static int ask_for_origin(int descriptor, sa_family_t family)
{
	if (set(descriptor, SOL_IP, IP_RECVORIGDSTADDR, 1) < 0 ||
	    set(descriptor, SOL_IP, IP_PKTINFO, 1) < 0)
		return -1;
	if (family != AF_INET6)
		return 0;
	return set(descriptor, SOL_IPV6, IPV6_V6ONLY, 0) < 0 ||
			       set(descriptor, SOL_IPV6, IPV6_RECVORIGDSTADDR, 1) < 0 ||
			       set(descriptor, SOL_IPV6, IPV6_RECVPKTINFO, 1) < 0
		       ? -1
		       : 0;
}

static int listen_on(sa_family_t family, uint16_t port)
{
	const struct address everywhere = { .family = family, .port = port };
	int descriptor = open_datagram(family);

	if (descriptor < 0)
		return -1;
	set(descriptor, SOL_SOCKET, SO_RCVBUF, LINE_BYTES);
	if (set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) == 0 &&
	    make_transparent(descriptor, family) == 0 && ask_for_origin(descriptor, family) == 0 &&
	    bind_to(descriptor, &everywhere) == 0)
		return descriptor;
	return give_up(descriptor);
}

int datagram_listen(uint16_t port)
{
	int descriptor = listen_on(AF_INET6, port);

	if (descriptor < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		return listen_on(AF_INET, port);
	return descriptor;
}

static void note(struct datagram *datagram, const struct cmsghdr *part)
{
	const void *data = CMSG_DATA(part);

	if ((part->cmsg_level == SOL_IP && part->cmsg_type == IP_ORIGDSTADDR) ||
	    (part->cmsg_level == SOL_IPV6 && part->cmsg_type == IPV6_ORIGDSTADDR))
		address_from_socket(&datagram->origin, data);
	else if (part->cmsg_level == SOL_IP && part->cmsg_type == IP_PKTINFO)
		datagram->port = (unsigned)((const struct in_pktinfo *)data)->ipi_ifindex;
	else if (part->cmsg_level == SOL_IPV6 && part->cmsg_type == IPV6_PKTINFO)
		datagram->port = ((const struct in6_pktinfo *)data)->ipi6_ifindex;
}

int datagram_receive(int descriptor, struct datagram *datagram, void *storage, size_t size)
{
	union {
		struct cmsghdr aligned;
		char bytes[CONTROL_SIZE];
	} control;
	struct sockaddr_storage peer;
	struct iovec into = { storage, size };
	struct msghdr message = { .msg_name = &peer, .msg_namelen = sizeof(peer),
				  .msg_iov = &into, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(descriptor, &message, 0);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	memset(datagram, 0, sizeof(*datagram));
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
		note(datagram, part);
	if (address_from_socket(&datagram->client, (struct sockaddr *)&peer) < 0 ||
	    datagram->origin.family != datagram->client.family || message.msg_flags & MSG_TRUNC)
		return 0;
	datagram->bytes = (struct span){ storage, (size_t)length };
	return 1;
}

int datagram_impersonate(const struct address *origin)
{
	int descriptor = open_datagram(origin->family);

	if (descriptor < 0)
		return -1;
	if (set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) == 0 &&
	    make_transparent(descriptor, origin->family) == 0 && bind_to(descriptor, origin) == 0)
		return descriptor;
	return give_up(descriptor);
}

int datagram_connect(const struct address *to, const struct address *client)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_socket(to, AF_UNSPEC, &storage);
	int descriptor = open_datagram(to->family);

	if (descriptor < 0)
		return -1;
	if ((!client || client->family != to->family ||
	     socket_keep_source(descriptor, client) == 0) &&
	    connect(descriptor, (struct sockaddr *)&storage, length) == 0)
		return descriptor;
	return give_up(descriptor);
}
