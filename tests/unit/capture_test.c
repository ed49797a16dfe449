// link: tests/network/namespaces.c netfilter/ruleset.c netfilter/marks.c daemon/policy/port.c netfilter/table.c netfilter/netlink.c netfilter/routes.c netfilter/original.c netfilter/socket.c daemon/address.c daemon/text.c -lmnl -lnftables
/* Captured connections on a real kernel: who is asked for, who asks, what happens when nobody
 * listens. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "netfilter/original.h"
#include "netfilter/routes.h"
#include "netfilter/ruleset.h"
#include "netfilter/socket.h"
#include "netfilter/table.h"
#include "tests/network/namespaces.h"

enum { LISTENER = 15001 };

static const struct capture capture = { .mark = 0x01000000,
					.mark_mask = 0x07000000,
					.table = 7700 };
static bool drawn;

static void load(enum capture_method method, enum when_down when_down)
{
	struct ruleset ruleset = {
		.method = method,
		.when_down = when_down,
		.mark = capture.mark,
		.mark_mask = capture.mark_mask,
		.lan_count = 1,
		.lan = { { "lan0", LISTENER } },
		.tcp_count = 2,
		.tcp = { { 443, 443 }, { LISTENER, LISTENER } },
	};
	char message[TABLE_MESSAGE];
	char *rules = ruleset_print(&ruleset);

	assert_non_null(rules);
	if (table_load(rules, message))
		fail_msg("%s", message);
	free(rules);
	assert_int_equal(routes_add(&capture), 0);
}

static int begin(void **state)
{
	(void)state;
	if (drawn)
		network_enter(GATEWAY);
	return 0;
}

static int end(void **state)
{
	(void)state;
	return drawn ? table_remove() | routes_remove(&capture) : 0;
}

/* Waits 2 s for what a non-blocking listener accepts. */
static int take(int listener)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };

	assert_int_equal(poll(&waiting, 1, 2000), 1);
	int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(descriptor >= 0);
	return descriptor;
}

static void is_peer(int descriptor, const char *text)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	struct address peer, expected;

	assert_int_equal(getpeername(descriptor, (struct sockaddr *)&storage, &length), 0);
	assert_int_equal(address_from_socket(&peer, (struct sockaddr *)&storage), 0);
	assert_int_equal(address_parse(&expected, text), 0);
	assert_true(address_same_host(&peer, &expected));
}

static void is_original(int descriptor, const char *text)
{
	char printed[ADDRESS_TEXT];
	struct address original;

	assert_int_equal(original_find(descriptor, &original), 0);
	assert_string_equal(address_print_with_port(&original, printed), text);
}

static void carry(int from, int to)
{
	char byte = 0;

	assert_int_equal(write(from, "x", 1), 1);
	struct pollfd waiting = { .fd = to, .events = POLLIN };
	assert_int_equal(poll(&waiting, 1, 2000), 1);
	assert_int_equal(read(to, &byte, 1), 1);
	assert_int_equal(byte, 'x');
}

static void refused(enum spot from, const char *to)
{
	assert_int_equal(network_connect(from, to), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void captured(int listener, const char *to, const char *client)
{
	int device = network_connect(DEVICE, to);

	if (device < 0)
		fail_msg("%s: %s", to, strerror(errno));
	int accepted = take(listener);
	is_original(accepted, to);
	is_peer(accepted, client);
	carry(device, accepted);
	carry(accepted, device);
	close(accepted);
	close(device);
}

static void tproxy_tells_both_addresses(void **state)
{
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_CLOSED);
	int listener = socket_listen_transparent(LISTENER);

	(void)state;
	assert_true(listener >= 0);
	assert_int_equal(socket_port(listener), LISTENER);
	captured(listener, "198.51.100.2:443", "192.0.2.10");
	captured(listener, "[2001:db8:2::2]:443", "2001:db8:1::10");
	/* A foreign service on the very port of our listener is a destination like any other. */
	captured(listener, "198.51.100.2:15001", "192.0.2.10");
	captured(listener, "[2001:db8:2::2]:15001", "2001:db8:1::10");
	close(listener);
}

static void redirect_tells_both_addresses(void **state)
{
	if (!drawn)
		skip();
	load(CAPTURE_REDIRECT, WHEN_DOWN_CLOSED);
	int listener = socket_listen_plain(LISTENER);

	(void)state;
	assert_true(listener >= 0);
	captured(listener, "198.51.100.2:443", "192.0.2.10");
	captured(listener, "[2001:db8:2::2]:443", "2001:db8:1::10");
	refused(DEVICE, "192.0.2.1:15001");
	refused(DEVICE, "[2001:db8:1::1]:15001");
	refused(SERVER, "198.51.100.1:15001");
	close(listener);
	refused(DEVICE, "198.51.100.2:443"); /* when-down is always closed here */
}

static void nobody_knocks_at_the_listener(void **state)
{
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_OPEN);
	int listener = socket_listen_transparent(LISTENER);

	(void)state;
	refused(DEVICE, "192.0.2.1:15001");
	refused(DEVICE, "198.51.100.1:15001");
	refused(DEVICE, "[2001:db8:1::1]:15001");
	refused(SERVER, "198.51.100.1:15001");
	refused(SERVER, "[2001:db8:2::1]:15001");
	refused(GATEWAY, "127.0.0.1:15001");
	refused(GATEWAY, "[::1]:15001");
	close(listener);
}

/* The gateway's own services, other ports and connections towards a device are none of our
 * business. */
static void the_rest_goes_by(void **state)
{
	static const struct {
		enum spot from, to;
		const char *address;
	} others[] = {
		{ DEVICE, SERVER, "198.51.100.2:22" },
		{ DEVICE, SERVER, "[2001:db8:2::2]:22" },
		{ DEVICE, GATEWAY, "192.0.2.1:443" },
		{ SERVER, DEVICE, "192.0.2.10:443" },
		{ SERVER, DEVICE, "[2001:db8:1::10]:443" },
		{ GATEWAY, SERVER, "198.51.100.2:443" },
	};
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_CLOSED);
	int ours = socket_listen_transparent(LISTENER);
	int foreign = socket_listen_transparent(22); /* another program's: packets to port 22
							elsewhere are not for it */

	(void)state;
	assert_true(ours >= 0 && foreign >= 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		int listener = network_listen(others[i].to, others[i].address);
		int client = network_connect(others[i].from, others[i].address);
		if (client < 0)
			fail_msg("%s: %s", others[i].address, strerror(errno));
		int server = take(listener);
		carry(client, server);
		carry(server, client);
		close(server);
		close(client);
		close(listener);
	}
	close(foreign);
	close(ours);
}

static void keeps_source(int listener, const char *to, const char *client)
{
	int server_listener = network_listen(SERVER, to);
	int device = network_connect(DEVICE, to);
	int accepted = take(listener);
	struct address source, destination;

	assert_int_equal(address_parse(&source, client), 0);
	assert_int_equal(original_find(accepted, &destination), 0);
	int upstream = socket_dial(&destination, &source);
	assert_true(upstream >= 0);
	assert_int_equal(socket_mark(upstream, 0), 0);
	int server = take(server_listener);
	is_peer(server, client);
	carry(upstream, server);
	carry(server, upstream);
	carry(device, accepted);
	carry(accepted, device);
	close(upstream); /* we end first, and must still hear the server's end in TIME_WAIT */
	char byte;
	assert_int_equal(read(server, &byte, 1), 0);
	usleep(100000); /* longer than its acknowledgement may be delayed */
	close(server);
	close(accepted);
	close(device);
	close(server_listener);
}

static void server_sees_the_device(void **state)
{
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_OPEN);
	int listener = socket_listen_transparent(LISTENER);

	(void)state;
	keeps_source(listener, "198.51.100.2:443", "192.0.2.10");
	keeps_source(listener, "[2001:db8:2::2]:443", "2001:db8:1::10");
	usleep(50000);
	network_run(SERVER, "test -z \"$(ss -Htan state last-ack)\""); /* its end was heard */
	close(listener);
}

/* The gateway ended a connection first and waits; the device uses the same port again at once. */
static void same_port_again(void **state)
{
	struct sockaddr_in source = { .sin_family = AF_INET };
	struct sockaddr_in destination = { .sin_family = AF_INET, .sin_port = htons(443) };
	const int on = 1;

	(void)state;
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_CLOSED);
	int listener = socket_listen_transparent(LISTENER);
	source.sin_addr.s_addr = inet_addr("192.0.2.10");
	source.sin_port = htons(40000);
	destination.sin_addr.s_addr = inet_addr("198.51.100.2");
	for (int i = 0; i < 3; i++) {
		char byte;
		struct tcp_info info;
		socklen_t length = sizeof(info);
		network_enter(DEVICE);
		int device = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		network_enter(GATEWAY);
		setsockopt(device, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		assert_int_equal(bind(device, (struct sockaddr *)&source, sizeof(source)), 0);
		assert_int_equal(
			connect(device, (struct sockaddr *)&destination, sizeof(destination)), 0);
		assert_int_equal(getsockopt(device, SOL_TCP, TCP_INFO, &info, &length), 0);
		assert_int_equal(info.tcpi_total_retrans, 0); /* the first SYN was answered */
		close(take(listener));
		assert_int_equal(read(device, &byte, 1), 0);
		close(device);
	}
	close(listener);
}

/* A process that listens, accepts one connection and keeps it, until it is killed. */
static pid_t start_gateway(void)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int listener = socket_listen_transparent(LISTENER);
		if (listener >= 0 && write(ready[1], "x", 1) == 1)
			take(listener);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void kill_gateway(pid_t child)
{
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void live_connection_ends(int device)
{
	char byte;

	ssize_t got = read(device, &byte, 1);
	assert_true(got == 0 || (got < 0 && errno == ECONNRESET)); /* and no timeout */
	close(device);
}

static void killed_closed(void **state)
{
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_CLOSED);
	int servers[] = { network_listen(SERVER, "198.51.100.2:443"),
			  network_listen(SERVER, "[2001:db8:2::2]:443") };
	pid_t gateway = start_gateway();
	int device = network_connect(DEVICE, "198.51.100.2:443");

	(void)state;
	assert_true(device >= 0);
	kill_gateway(gateway);
	live_connection_ends(device);
	long before = milliseconds();
	refused(DEVICE, "198.51.100.2:443");
	refused(DEVICE, "[2001:db8:2::2]:443");
	assert_true(milliseconds() - before < 500);
	close(servers[0]);
	close(servers[1]);
}

static void reaches_server_itself(int listener, const char *to, const char *client)
{
	int device = network_connect(DEVICE, to);

	if (device < 0)
		fail_msg("%s: %s", to, strerror(errno));
	int server = take(listener);
	is_peer(server, client);
	carry(device, server);
	carry(server, device);
	close(server);
	close(device);
	close(listener);
}

static void killed_open(void **state)
{
	if (!drawn)
		skip();
	load(CAPTURE_TPROXY, WHEN_DOWN_OPEN);
	int servers[] = { network_listen(SERVER, "198.51.100.2:443"),
			  network_listen(SERVER, "[2001:db8:2::2]:443") };
	pid_t gateway = start_gateway();
	int device = network_connect(DEVICE, "198.51.100.2:443");

	(void)state;
	assert_true(device >= 0);
	kill_gateway(gateway);
	live_connection_ends(device);
	reaches_server_itself(servers[0], "198.51.100.2:443", "192.0.2.10");
	reaches_server_itself(servers[1], "[2001:db8:2::2]:443", "2001:db8:1::10");
}

static void workers_share_a_port(void **state)
{
	if (!drawn)
		skip();
	assert_false(socket_port_is_taken(LISTENER));
	int first = socket_listen_transparent(0);
	uint16_t port = socket_port(first);
	int second = socket_listen_transparent(port);

	(void)state;
	assert_true(first >= 0 && second >= 0 && port != 0);
	assert_int_equal(socket_port(second), port);
	assert_true(socket_port_is_taken(port));
	close(first);
	close(second);
	int other = network_listen(GATEWAY, "198.51.100.1:15001");
	assert_true(socket_port_is_taken(LISTENER));
	close(other);
}

static void nobody_redirected_this_one(void **state)
{
	struct address original;
	int listener;

	(void)state;
	if (!drawn)
		skip();
	listener = network_listen(GATEWAY, "192.0.2.1:8080");
	int device = network_connect(DEVICE, "192.0.2.1:8080");
	int accepted = take(listener);
	assert_int_equal(original_find(accepted, &original), -1);
	assert_int_equal(errno, ENOENT);
	close(accepted);
	close(device);
	close(listener);
}

#define in_network(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_network(tproxy_tells_both_addresses),
		in_network(redirect_tells_both_addresses),
		in_network(nobody_knocks_at_the_listener),
		in_network(the_rest_goes_by),
		in_network(server_sees_the_device),
		in_network(same_port_again),
		in_network(killed_closed),
		in_network(killed_open),
		in_network(workers_share_a_port),
		in_network(nobody_redirected_this_one),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	signal(SIGPIPE, SIG_IGN);
	drawn = network_draw() == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
