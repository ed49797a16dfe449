// link: daemon/resolver.c daemon/nameservers.c daemon/address.c daemon/name.c daemon/clock.c daemon/log.c -levent_core -levent_extra
/* Names against a nameserver of the test's own: both families, one question for many who ask, what is remembered and
 * what is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/resolver.h"

#define SERVER "127.53.0.1"

static struct event_base *base;
static struct event *readable;
static struct resolver *resolver;
static int nameserver = -1;
static unsigned questions;
static int rcode;	  /* what the nameserver answers; 0: addresses */
static bool silent_in_six; /* no answer for AAAA */
static struct resolved heard;
static unsigned answers;

/* One address of the family asked for: 192.0.2.7 or 2001:db8::7, TTL 60. */
static void answer(evutil_socket_t fd, short what, void *context)
{
	static const uint8_t four[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7 };
	static const uint8_t six[] = { 0xc0, 12, 0, 28, 0, 1, 0, 0, 0, 60, 0, 16, 0x20, 1, 0x0d,
				       0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7 };
	uint8_t packet[512];
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);
	ssize_t length =
		recvfrom(fd, packet, sizeof(packet) - 64, 0, (struct sockaddr *)&peer, &size);
	bool is_six = length > 4 && packet[length - 3] == 28;

	(void)what, (void)context;
	questions++;
	if (length < 17 || (is_six && silent_in_six))
		return;
	packet[2] = 0x81;
	packet[3] = (uint8_t)(0x80 | rcode);
	packet[7] = rcode == 0;
	packet[11] = 0; /* what else was said about the question is cut off */
	if (rcode == 0) {
		memcpy(packet + length, is_six ? six : four, is_six ? sizeof(six) : sizeof(four));
		length += is_six ? (ssize_t)sizeof(six) : (ssize_t)sizeof(four);
	}
	sendto(fd, packet, (size_t)length, 0, (struct sockaddr *)&peer, size);
}

static int file_of(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void use_files(const char *hosts)
{
	int files[] = { file_of("nameserver " SERVER "\n"), file_of(hosts) };

	resolver_renew(resolver, files[0], files[1]);
	close(files[0]);
	close(files[1]);
}

static int set_up(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(53) };

	(void)state;
	inet_pton(AF_INET, SERVER, &address.sin_addr);
	nameserver = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (bind(nameserver, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(nameserver);
		nameserver = -1;
	}
	base = event_base_new();
	readable = event_new(base, nameserver, EV_READ | EV_PERSIST, answer, NULL);
	if (nameserver >= 0)
		event_add(readable, NULL);
	resolver = resolver_new(base);
	questions = answers = 0;
	rcode = 0;
	silent_in_six = false;
	heard.count = 0;
	return resolver ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	resolver_free(resolver);
	event_free(readable);
	event_base_loop(base, EVLOOP_NONBLOCK);
	event_base_free(base);
	close(nameserver);
	return 0;
}

static void done(void *context, const struct resolved *resolved)
{
	(void)context;
	heard = *resolved;
	answers++;
}

static void wait_for(unsigned count)
{
	const struct timeval patience = { 3, 0 };

	event_base_loopexit(base, &patience);
	while (answers < count && !event_base_got_exit(base))
		event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(answers, count);
}

/* Port 53 is root's. */
static void need_nameserver(void)
{
	if (nameserver < 0)
		skip();
	use_files("");
}

static void both_families_are_asked_for_once(void **state)
{
	struct resolver_wait one = { .done = done }, two = { .done = done }, three = { .done = done };

	(void)state;
	need_nameserver();
	resolver_ask(resolver, "api.example", &one);
	resolver_ask(resolver, "api.example", &two);
	wait_for(2);
	assert_int_equal(questions, 2);
	assert_int_equal(heard.count, 2);
	assert_int_not_equal(heard.addresses[0].family, heard.addresses[1].family);
	/* What is known is told at once and not asked for again. */
	resolver_ask(resolver, "api.example", &three);
	assert_int_equal(answers, 3);
	assert_int_equal(questions, 2);
}

static void a_silent_family_is_not_waited_for(void **state)
{
	struct resolver_wait wait = { .done = done };

	(void)state;
	need_nameserver();
	silent_in_six = true;
	resolver_ask(resolver, "api.example", &wait);
	wait_for(1);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.addresses[0].family, AF_INET);
}

static void no_such_name_is_known_for_a_while(void **state)
{
	struct resolver_wait wait = { .done = done };

	(void)state;
	need_nameserver();
	rcode = 3;
	resolver_ask(resolver, "api.example", &wait);
	wait_for(1);
	assert_int_equal(heard.count, 0);
	resolver_ask(resolver, "api.example", &wait);
	assert_int_equal(answers, 2);
	assert_int_equal(questions, 2);
}

static void the_hosts_file_comes_first(void **state)
{
	struct resolver_wait wait = { .done = done };

	(void)state;
	use_files("192.0.2.1 api.example\n2001:db8::1 api.example\n");
	resolver_ask(resolver, "api.example", &wait);
	assert_int_equal(answers, 1);
	assert_int_equal(heard.count, 2);
	assert_int_equal(questions, 0);
}

static void new_files_make_it_ask_again_and_old_answers_help_out(void **state)
{
	struct resolver_wait wait = { .done = done };

	(void)state;
	need_nameserver();
	resolver_ask(resolver, "api.example", &wait);
	wait_for(1);
	use_files("");
	rcode = 2; /* the nameserver fails */
	resolver_ask(resolver, "api.example", &wait);
	wait_for(2);
	assert_true(questions > 2);
	assert_int_equal(heard.count, 2);
}

static void who_has_gone_is_not_told(void **state)
{
	struct resolver_wait gone = { .done = done }, here = { .done = done };

	(void)state;
	need_nameserver();
	resolver_ask(resolver, "api.example", &gone);
	resolver_ask(resolver, "api.example", &here);
	resolver_cancel(&gone);
	wait_for(1);
	assert_null(gone.lookup);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_families_are_asked_for_once),
		TEST(a_silent_family_is_not_waited_for),
		TEST(no_such_name_is_known_for_a_while),
		TEST(the_hosts_file_comes_first),
		TEST(new_files_make_it_ask_again_and_old_answers_help_out),
		TEST(who_has_gone_is_not_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
