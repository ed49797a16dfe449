#include "netfilter/socket.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* Linux 4.15; not in every C library */
#endif

enum {
	BACKLOG = 4096,	     /* the kernel lowers it to net.core.somaxconn */
	PROBE_AFTER_SECONDS = 60, /* a dead peer is noticed after 60 s + 3 x 10 s of silence */
	PROBE_EVERY_SECONDS = 10,
	PROBES = 3,
	CHOICES = 8,	     /* of a port, then the kernel takes any */
};

static const int on = 1;
static const int off = 0;

static int set(int descriptor, int level, int option, const int *value)
{
	return setsockopt(descriptor, level, option, value, sizeof(*value));
}

/* A dual-stack socket asks both levels; on an IPv4 socket only the first exists. */
static int make_transparent(int descriptor, sa_family_t family)
{
	if (set(descriptor, SOL_IP, IP_TRANSPARENT, &on))
		return -1;
	return family == AF_INET6 ? set(descriptor, SOL_IPV6, IPV6_TRANSPARENT, &on) : 0;
}

static int prepare_listener(int descriptor, sa_family_t family)
{
	if (set(descriptor, SOL_SOCKET, SO_REUSEADDR, &on) ||
	    set(descriptor, SOL_SOCKET, SO_REUSEPORT, &on))
		return -1;
	return family == AF_INET6 ? set(descriptor, SOL_IPV6, IPV6_V6ONLY, &off) : 0;
}

static int bind_to(int descriptor, sa_family_t family, const struct address *address)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_socket(address, family, &storage);

	return bind(descriptor, (struct sockaddr *)&storage, length);
}

typedef int prepare(int descriptor, sa_family_t family);

static int prepare_nothing(int descriptor, sa_family_t family)
{
	(void)descriptor, (void)family;
	return 0;
}

static int give_up(int descriptor)
{
	int error = errno;

	close(descriptor);
	errno = error;
	return -1;
}

static int listen_on(sa_family_t family, uint16_t port, prepare *prepare_more)
{
	const struct address everywhere = { .family = family, .port = port };
	int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (descriptor < 0)
		return -1;
	if (prepare_listener(descriptor, family) == 0 && prepare_more(descriptor, family) == 0 &&
	    bind_to(descriptor, family, &everywhere) == 0 && listen(descriptor, BACKLOG) == 0)
		return descriptor;
	return give_up(descriptor);
}

/* IPv6 may be missing from the kernel (EAFNOSUPPORT) or switched off (EADDRNOTAVAIL). */
static int listen_everywhere(uint16_t port, prepare *prepare_more)
{
	int descriptor = listen_on(AF_INET6, port, prepare_more);

	if (descriptor < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		return listen_on(AF_INET, port, prepare_more);
	return descriptor;
}

int socket_listen_transparent(uint16_t port)
{
	return listen_everywhere(port, make_transparent);
}

int socket_listen_plain(uint16_t port)
{
	return listen_everywhere(port, prepare_nothing);
}

static int bind_to_port(int descriptor, const char *port)
{
	return *port ? setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, port,
				  (socklen_t)strlen(port) + 1)
		     : 0;
}

int socket_listen_at(const struct address *address, const char *port)
{
	int descriptor = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				IPPROTO_TCP);
	int level = address->family == AF_INET6 ? SOL_IPV6 : SOL_IP;
	int option = address->family == AF_INET6 ? IPV6_FREEBIND : IP_FREEBIND;

	if (descriptor < 0)
		return -1;
	socket_tune(descriptor);
	if (set(descriptor, SOL_SOCKET, SO_REUSEADDR, &on) == 0 &&
	    set(descriptor, SOL_SOCKET, SO_REUSEPORT, &on) == 0 &&
	    set(descriptor, level, option, &on) == 0 && bind_to_port(descriptor, port) == 0 &&
	    bind_to(descriptor, address->family, address) == 0 && listen(descriptor, BACKLOG) == 0)
		return descriptor;
	return give_up(descriptor);
}

static bool family_port_is_taken(sa_family_t family, uint16_t port)
{
	const struct address everywhere = { .family = family, .port = port };
	int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (descriptor < 0)
		return false;
	if (family == AF_INET6)
		set(descriptor, SOL_IPV6, IPV6_V6ONLY, &on);
	set(descriptor, SOL_SOCKET, SO_REUSEADDR, &on); /* TIME_WAIT is not a listener */
	bool taken = (bind_to(descriptor, family, &everywhere) || listen(descriptor, 1)) &&
		     errno == EADDRINUSE;
	close(descriptor);
	return taken;
}

bool socket_port_is_taken(uint16_t port)
{
	return family_port_is_taken(AF_INET, port) || family_port_is_taken(AF_INET6, port);
}

uint16_t socket_port(int descriptor)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	struct address address;

	if (getsockname(descriptor, (struct sockaddr *)&storage, &length) ||
	    address_from_socket(&address, (struct sockaddr *)&storage))
		return 0;
	return address.port;
}

enum { PORTS = SOCKET_PORT_END - SOCKET_PORT_FIRST };

uint16_t socket_port_for(uint16_t client)
{
	return (uint16_t)(SOCKET_PORT_FIRST + (uint16_t)(client - SOCKET_PORT_END) % PORTS);
}

/* RFC 6056 section 3.3.1. */
static uint16_t any_port_but(uint16_t other)
{
	uint16_t chance;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
		return 0;
	uint16_t port = (uint16_t)(SOCKET_PORT_FIRST + chance % PORTS);
	return port == other ? port ^ 1 : port;
}

/* 0, which is the kernel's choice, when enough have been tried. */
static uint16_t choose_port(uint16_t client, unsigned tried)
{
	if (tried == 0)
		return socket_port_for(client);
	return tried < CHOICES ? any_port_but(client) : 0;
}

/* port 0: the kernel takes one at connect(), any that this server does not know yet. */
static int bind_as(int descriptor, const struct address *client, uint16_t port)
{
	struct address source = *client;

	source.port = port;
	if (make_transparent(descriptor, client->family) ||
	    (port == 0 && set(descriptor, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on)))
		return -1;
	return bind_to(descriptor, client->family, &source);
}

int socket_keep_source(int descriptor, const struct address *client)
{
	int result = -1;

	for (unsigned tried = 0; tried <= CHOICES; tried++) {
		result = bind_as(descriptor, client, choose_port(client->port, tried));
		if (result == 0 || errno != EADDRINUSE)
			break;
	}
	return result;
}

static int open_stream(sa_family_t family)
{
	int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (descriptor >= 0)
		socket_tune(descriptor);
	return descriptor;
}

static int begin_connect(int descriptor, const struct address *to)
{
	struct sockaddr_storage storage;
	socklen_t length = address_to_socket(to, AF_UNSPEC, &storage);

	if (connect(descriptor, (struct sockaddr *)&storage, length) == 0 || errno == EINPROGRESS)
		return descriptor;
	return give_up(descriptor);
}

/* Of one client, connections to several servers may share a port (SO_REUSEADDR). */
static int dial_as(const struct address *client, uint16_t port, const struct address *to)
{
	int descriptor = open_stream(to->family);

	if (descriptor < 0)
		return -1;
	if (set(descriptor, SOL_SOCKET, SO_REUSEADDR, &on) || bind_as(descriptor, client, port))
		return give_up(descriptor);
	return begin_connect(descriptor, to);
}

static int dial(const struct address *to)
{
	int descriptor = open_stream(to->family);

	return descriptor < 0 ? -1 : begin_connect(descriptor, to);
}

int socket_dial(const struct address *to, const struct address *client)
{
	int descriptor = -1;

	if (!client || client->family != to->family)
		return dial(to);
	for (unsigned tried = 0; tried <= CHOICES; tried++) {
		descriptor = dial_as(client, choose_port(client->port, tried), to);
		if (descriptor >= 0 || (errno != EADDRINUSE && errno != EADDRNOTAVAIL))
			break;
	}
	return descriptor;
}

int socket_mark(int descriptor, uint32_t mark)
{
	return setsockopt(descriptor, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
}

void socket_tune(int descriptor)
{
	static const int after = PROBE_AFTER_SECONDS, every = PROBE_EVERY_SECONDS, probes = PROBES;

	set(descriptor, SOL_TCP, TCP_NODELAY, &on);
	set(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on);
	set(descriptor, SOL_TCP, TCP_KEEPIDLE, &after);
	set(descriptor, SOL_TCP, TCP_KEEPINTVL, &every);
	set(descriptor, SOL_TCP, TCP_KEEPCNT, &probes);
}
