#include "tests/network/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static int spots[SPOTS];

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	printf("Bail out! %s\n", what);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static enum spot here = GATEWAY;

static void visit(enum spot spot)
{
	must(setns(spots[spot], CLONE_NEWNET) == 0, "setns");
}

void network_enter(enum spot spot)
{
	visit(spot);
	here = spot;
}

void network_run(enum spot spot, const char *format, ...)
{
	char command[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	visit(spot);
	must(system(command) == 0, command);
	visit(here);
}

static int make_spot(enum spot spot)
{
	if (unshare(CLONE_NEWNET))
		return -1;
	spots[spot] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return spots[spot] < 0 ? -1 : 0;
}

int network_draw(void)
{
	if (geteuid() != 0)
		return -1;
	for (enum spot spot = DEVICE; spot < SPOTS; spot++)
		if (make_spot(spot))
			return -1;
	network_enter(GATEWAY);
	network_run(GATEWAY,
		    "ip link set lo up && "
		    "ip link add lan0 type veth peer name eth0 address 02:00:00:00:00:10 netns "
		    "/proc/%d/fd/%d && "
		    "ip link add wan0 type veth peer name eth0 netns /proc/%d/fd/%d && "
		    "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 "
		    "net.ipv4.conf.all.rp_filter=1 && "
		    "ip address add 192.0.2.1/24 dev lan0 && ip address add 2001:db8:1::1/64 dev "
		    "lan0 nodad && "
		    "ip address add 198.51.100.1/24 dev wan0 && ip address add 2001:db8:2::1/64 "
		    "dev wan0 nodad && "
		    "ip link set lan0 up && ip link set wan0 up",
		    getpid(), spots[DEVICE], getpid(), spots[SERVER]);
	network_run(DEVICE,
		    "ip link set lo up && ip address add 192.0.2.10/24 dev eth0 && "
		    "ip address add 2001:db8:1::10/64 dev eth0 nodad && ip link set eth0 up && "
		    "ip route add default via 192.0.2.1 && ip route add default via 2001:db8:1::1");
	network_run(
		SERVER,
		"ip link set lo up && ip address add 198.51.100.2/24 dev eth0 && "
		"ip address add 2001:db8:2::2/64 dev eth0 nodad && ip link set eth0 up && "
		"ip route add default via 198.51.100.1 && ip route add default via 2001:db8:2::1");
	return 0;
}

static int make_socket(enum spot spot, const char *text, struct sockaddr_storage *storage,
		       socklen_t *length)
{
	static const struct timeval patience = { .tv_sec = 2 };
	static const int on = 1;
	struct address address;

	must(address_parse_with_port(&address, text) == 0, text);
	*length = address_to_socket(&address, AF_UNSPEC, storage);
	visit(spot);
	int descriptor = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	visit(here);
	must(descriptor >= 0, "socket");
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return descriptor;
}

int network_listen(enum spot spot, const char *address_and_port)
{
	struct sockaddr_storage storage;
	socklen_t length;
	int descriptor = make_socket(spot, address_and_port, &storage, &length);

	must(bind(descriptor, (struct sockaddr *)&storage, length) == 0 &&
		     listen(descriptor, 8) == 0,
	     address_and_port);
	return descriptor;
}

int network_connect(enum spot spot, const char *address_and_port)
{
	struct sockaddr_storage storage;
	socklen_t length;
	int descriptor = make_socket(spot, address_and_port, &storage, &length);

	if (connect(descriptor, (struct sockaddr *)&storage, length) == 0)
		return descriptor;
	int error = errno == EINPROGRESS ? ETIMEDOUT : errno;
	close(descriptor);
	errno = error;
	return -1;
}
