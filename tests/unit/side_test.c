// link: daemon/allowance.c daemon/spare.c daemon/side.c daemon/tls/carrier.c daemon/tls/stream.c daemon/tls/wire.c daemon/endpoint.c daemon/certificate.c daemon/clock.c daemon/tls/offers.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c daemon/text.c -lssl -lcrypto -levent_core
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/side.h"

static struct event_base *base;
static struct side side;
static int peer;
static unsigned wakes;

static void woke(void *context)
{
	(void)context;
	wakes++;
}

/* Everything that is due now, and what arrives within a blink. */
static void turn(void)
{
	const struct timeval blink = { .tv_usec = 20000 };

	event_base_loopexit(base, &blink);
	event_base_dispatch(base);
}

static int set_up(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	bind(listener, (struct sockaddr *)&address, length);
	listen(listener, 1);
	getsockname(listener, (struct sockaddr *)&address, &length);
	peer = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(peer, (struct sockaddr *)&address, length) < 0)
		return -1;
	side_begin(&side, NULL);
	side_open(&side, accept4(listener, NULL, NULL, SOCK_NONBLOCK));
	close(listener);
	base = event_base_new();
	return side_watch(&side, base, woke, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	side_end(&side);
	event_base_free(base);
	if (peer >= 0)
		close(peer);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void assert_hears(const char *text)
{
	char heard[100] = "";

	assert_int_equal(side_read(&side, heard, sizeof(heard)), strlen(text));
	assert_string_equal(heard, text);
}

static void assert_hears_nothing(void)
{
	char heard[100];

	assert_int_equal(side_read(&side, heard, sizeof(heard)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(side_peek(&side, heard, sizeof(heard)), -1);
	assert_int_equal(errno, EAGAIN);
}

static void what_comes_after_nothing_is_heard(void **state)
{
	(void)state;
	turn();
	assert_hears_nothing();
	say("one");
	turn();
	assert_hears("one");
	assert_hears_nothing();
	say("two");
	turn();
	assert_hears("two");
}

static void what_comes_while_it_rests_is_heard(void **state)
{
	(void)state;
	say("one");
	turn();
	assert_hears("one");
	side_rest(&side);
	say("two");
	assert_hears_nothing();
	wakes = 0;
	turn();
	assert_int_equal(wakes, 1);
	assert_hears("two");
}

static void an_end_that_came_with_the_bytes_is_heard(void **state)
{
	char byte;

	(void)state;
	say("last");
	shutdown(peer, SHUT_WR);
	turn();
	assert_hears("last");
	side_rest(&side);
	assert_int_equal(side_read(&side, &byte, 1), 0);
	assert_true(side.read_ended);
}

static void an_end_that_comes_while_it_rests_is_heard(void **state)
{
	char byte;

	(void)state;
	say("last");
	turn();
	assert_hears("last");
	side_rest(&side);
	shutdown(peer, SHUT_WR);
	turn();
	assert_int_equal(side_read(&side, &byte, 1), 0);
}

static void a_reset_that_comes_while_it_rests_is_heard(void **state)
{
	struct linger at_once = { .l_onoff = 1 };
	char byte;

	(void)state;
	say("last");
	turn();
	assert_hears("last");
	side_rest(&side);
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(peer);
	peer = -1;
	turn();
	assert_int_equal(side_read(&side, &byte, 1), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void nobody_rests_who_has_not_read_all(void **state)
{
	char byte;

	(void)state;
	say("ab");
	turn();
	assert_int_equal(side_read(&side, &byte, 1), 1);
	side_rest(&side);
	assert_hears("b");
}

static void who_is_not_watched_asks_every_time(void **state)
{
	struct side loose;
	char byte;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	side_begin(&loose, NULL);
	side_open(&loose, fds[0]);
	assert_int_equal(side_read(&loose, &byte, 1), -1);
	side_rest(&loose);
	assert_int_equal(write(fds[1], "x", 1), 1);
	assert_int_equal(side_read(&loose, &byte, 1), 1);
	side_end(&loose);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_comes_after_nothing_is_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_comes_while_it_rests_is_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_end_that_came_with_the_bytes_is_heard, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_end_that_comes_while_it_rests_is_heard, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_reset_that_comes_while_it_rests_is_heard, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nobody_rests_who_has_not_read_all, set_up, tear_down),
		cmocka_unit_test(who_is_not_watched_asks_every_time),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
