// link: tests/network/namespaces.c netfilter/socket.c netfilter/datagram.c daemon/address.c
/* The ports from which we speak with a client's address, on a real kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "netfilter/datagram.h"
#include "netfilter/socket.h"
#include "tests/network/namespaces.h"

enum {
	PORTS = SOCKET_PORT_END - SOCKET_PORT_FIRST,
	MORE = PORTS + 500,
};

typedef int dial(const struct address *to, const struct address *client);

static bool drawn;

static bool is_ours(uint16_t port)
{
	return port >= SOCKET_PORT_FIRST && port < SOCKET_PORT_END;
}

static void parse(struct address *address, const char *text)
{
	assert_int_equal(address_parse_with_port(address, text), 0);
}

static void never_the_clients_own(void **state)
{
	(void)state;
	for (unsigned client = 0; client <= UINT16_MAX; client++) {
		assert_true(is_ours(socket_port_for((uint16_t)client)));
		assert_int_not_equal(socket_port_for((uint16_t)client), client);
	}
}

/* Devices that take 16,384 ports have as many here. */
static void one_for_each(void **state)
{
	bool seen[SOCKET_PORT_END] = { false };

	(void)state;
	for (unsigned client = 49152; client <= UINT16_MAX; client++) {
		uint16_t port = socket_port_for((uint16_t)client);
		assert_false(seen[port]);
		seen[port] = true;
	}
}

static void dials_from(dial *dial_one, const char *to_text, const char *client_text)
{
	struct address to, client;

	parse(&to, to_text);
	parse(&client, client_text);
	for (unsigned i = 0; i < 50; i++) {
		int descriptor = dial_one(&to, &client);
		assert_true(descriptor >= 0);
		assert_true(is_ours(socket_port(descriptor)));
		close(descriptor);
	}
}

static void every_way_of_ours(void **state)
{
	(void)state;
	if (!drawn)
		skip();
	dials_from(socket_dial, "198.51.100.2:443", "192.0.2.10:50000");
	dials_from(socket_dial, "[2001:db8:2::2]:443", "[2001:db8:1::10]:50000");
	dials_from(datagram_connect, "198.51.100.2:443", "192.0.2.10:50000");
	dials_from(datagram_connect, "[2001:db8:2::2]:443", "[2001:db8:1::10]:50000");
}

/* A client of the other family is not shown; the port is the kernel's choice. */
static void the_gateways_own(void **state)
{
	struct address to, client;

	(void)state;
	if (!drawn)
		skip();
	parse(&to, "198.51.100.2:443");
	parse(&client, "[2001:db8:1::10]:50000");
	for (unsigned i = 0; i < 2; i++) {
		int descriptor = socket_dial(&to, i ? &client : NULL);
		assert_true(descriptor >= 0);
		assert_false(is_ours(socket_port(descriptor)));
		close(descriptor);
	}
}

/* How many of so many connections from one client to one server cannot begin. The others stay open. */
static unsigned dial_many(dial *dial_one, unsigned count)
{
	struct address to, client;
	unsigned failed = 0;

	parse(&to, "198.51.100.2:443");
	parse(&client, "192.0.2.10:50000");
	for (unsigned i = 0; i < count; i++)
		failed += dial_one(&to, &client) < 0;
	return failed;
}

/* A process of its own, as a descriptor is needed for each. Its result is in its status when it has said that it is
 * done; it holds them until told. */
static pid_t begin_dialling(dial *dial_one, int done, int told)
{
	pid_t child = fork();
	char byte = 0;

	assert_true(child >= 0);
	if (child == 0) {
		unsigned failed = dial_many(dial_one, MORE / 2);
		if (write(done, &byte, 1) != 1 || read(told, &byte, 1) != 1)
			_exit(2);
		_exit(failed ? 1 : 0);
	}
	return child;
}

static void goes_on(dial *dial_one)
{
	int done[2], told[2], status;
	pid_t children[2];
	char bytes[2] = { 0 };

	assert_true(pipe(done) == 0 && pipe(told) == 0);
	for (unsigned i = 0; i < 2; i++)
		children[i] = begin_dialling(dial_one, done[1], told[0]);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(read(done[0], bytes, 1), 1);
	assert_int_equal(write(told[1], bytes, 2), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
}

/* One client, one server, and all our ports are taken: then others are better than none. */
static void more_than_ports(void **state)
{
	struct rlimit limit;

	(void)state;
	if (!drawn)
		skip();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_cur > MORE / 2 + 100);
	goes_on(socket_dial);
	goes_on(datagram_connect);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_the_clients_own),
		cmocka_unit_test(one_for_each),
		cmocka_unit_test(every_way_of_ours),
		cmocka_unit_test(the_gateways_own),
		cmocka_unit_test(more_than_ports),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	drawn = network_draw() == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
