// link: daemon/dialer.c daemon/health.c daemon/address.c -levent_core
/* Happy eyeballs on real sockets of this machine: who refuses, who is silent, who is first; and how long a server
 * that fails is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/dialer.h"
#include "daemon/health.h"

static struct event_base *base;
static unsigned dialed;
static uint16_t good_port;
static int listener;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1000 + (double)time.tv_nsec / 1e6;
}

static int dial_address(void *context, const struct address *address)
{
	struct sockaddr_storage to;
	socklen_t length = address_to_socket(address, AF_UNSPEC, &to);
	int fd = socket(address->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)context;
	dialed++;
	if (connect(fd, (struct sockaddr *)&to, length) < 0 && errno != EINPROGRESS) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static void wake(void *context)
{
	(void)context;
	event_base_loopbreak(base);
}

static struct address address_of(const char *text, uint16_t port)
{
	struct address address;

	assert_int_equal(address_parse(&address, text), 0);
	address.port = port;
	return address;
}

static int set_up(void **state)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t length = sizeof(here);

	(void)state;
	base = event_base_new();
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&here, length) < 0 || listen(listener, 8) < 0)
		return -1;
	getsockname(listener, (struct sockaddr *)&here, &length);
	good_port = ntohs(here.sin_port);
	dialed = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(listener);
	event_base_free(base);
	return 0;
}

/* A listener whose line is full does not answer. */
static int silent_port(uint16_t *port, int fillers[static 4])
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t length = sizeof(here);
	int silent = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(silent, (struct sockaddr *)&here, length), 0);
	assert_int_equal(listen(silent, 0), 0);
	getsockname(silent, (struct sockaddr *)&here, &length);
	*port = ntohs(here.sin_port);
	for (int i = 0; i < 4; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fillers[i], (struct sockaddr *)&here, length);
	}
	return silent;
}

static enum dialing dial_all(const struct resolved *addresses, struct address *chosen)
{
	struct dialer *dialer = dialer_new(base, addresses, dial_address, wake, NULL);
	enum dialing dialing;
	int fd = -1;

	assert_non_null(dialer);
	while ((dialing = dialer_turn(dialer, &fd, chosen)) == DIALING)
		event_base_dispatch(base);
	if (fd >= 0)
		close(fd);
	dialer_free(dialer);
	return dialing;
}

static void a_refusal_lets_the_next_one_try_at_once(void **state)
{
	struct resolved addresses = { .count = 3 };
	struct address chosen;
	double start = now();

	(void)state;
	addresses.addresses[0] = address_of("127.0.0.1", 1);
	addresses.addresses[1] = address_of("127.0.0.1", good_port);
	addresses.addresses[2] = address_of("127.0.0.1", 2);
	assert_int_equal(dial_all(&addresses, &chosen), DIALED);
	assert_int_equal(chosen.port, good_port);
	assert_int_equal(dialed, 2);
	assert_true(now() - start < 200);
}

static void silence_lets_the_next_one_try_after_a_quarter_second(void **state)
{
	struct resolved addresses = { .count = 2 };
	struct address chosen;
	int fillers[4], silent;
	uint16_t port;
	double start, took;

	(void)state;
	silent = silent_port(&port, fillers);
	addresses.addresses[0] = address_of("127.0.0.1", port);
	addresses.addresses[1] = address_of("127.0.0.1", good_port);
	start = now();
	assert_int_equal(dial_all(&addresses, &chosen), DIALED);
	took = now() - start;
	assert_int_equal(chosen.port, good_port);
	assert_true(took > DIALER_STAGGER - 20);
	for (int i = 0; i < 4; i++)
		close(fillers[i]);
	close(silent);
}

static void all_refusals_are_one(void **state)
{
	struct resolved addresses = { .count = 2 };
	struct address chosen;

	(void)state;
	addresses.addresses[0] = address_of("127.0.0.1", 1);
	addresses.addresses[1] = address_of("127.0.0.1", 2);
	assert_int_equal(dial_all(&addresses, &chosen), DIALING_FAILED);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(dialed, 2);
}

static void families_take_turns(void **state)
{
	static const char *const given[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1",
					     "2001:db8::2" };
	static const char *const six[] = { "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2",
					   "192.0.2.3" };
	static const char *const four[] = { "192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2",
					    "192.0.2.3" };
	struct resolved addresses;
	char text[ADDRESS_TEXT];

	(void)state;
	for (int first = 0; first < 2; first++) {
		addresses.count = 5;
		for (size_t i = 0; i < 5; i++)
			addresses.addresses[i] = address_of(given[i], 80);
		dialer_sort(&addresses, first ? AF_INET : AF_INET6);
		assert_int_equal(addresses.count, 5);
		for (size_t i = 0; i < 5; i++)
			assert_string_equal(address_print(&addresses.addresses[i], text),
					    first ? four[i] : six[i]);
	}
}

static void each_failure_doubles_the_pause(void **state)
{
	struct health *health = health_open();
	int64_t time = 1000000;
	const int64_t first = BACK_OFF_FIRST;
	const uint64_t most = 3 * BACK_OFF_FIRST;

	(void)state;
	assert_int_equal(health_wait(health, "a:1"), 0);
	assert_true(health_failed(health, "a:1", time, most));
	assert_int_equal(health_wait(health, "a:1"), time + first);
	/* Many that fail together are one failure. */
	assert_false(health_failed(health, "a:1", time + 10, most));
	assert_int_equal(health_wait(health, "a:1"), time + first);
	time += first;
	assert_false(health_failed(health, "a:1", time, most));
	assert_int_equal(health_wait(health, "a:1"), time + 2 * first);
	time += 2 * first;
	health_failed(health, "a:1", time, most);
	assert_int_equal(health_wait(health, "a:1"), time + 3 * first);
	assert_int_equal(health_wait(health, "b:1"), 0);
	assert_true(health_reached(health, "a:1"));
	assert_false(health_reached(health, "a:1"));
	assert_int_equal(health_wait(health, "a:1"), 0);
	for (int i = 0; i < HEALTH_MAX + 10; i++) {
		char name[16];

		snprintf(name, sizeof(name), "s:%d", i);
		health_failed(health, name, time + i, most);
	}
	/* The last to come are remembered, whoever had to give way. */
	assert_true(health_wait(health, "s:265") > 0);
	health_close(health);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_refusal_lets_the_next_one_try_at_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			silence_lets_the_next_one_try_after_a_quarter_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(all_refusals_are_one, set_up, tear_down),
		cmocka_unit_test(families_take_turns),
		cmocka_unit_test(each_failure_doubles_the_pause),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
