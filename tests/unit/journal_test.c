// link: daemon/allowance.c daemon/spare.c daemon/journal/har.c daemon/http/message.c daemon/journal/journal.c daemon/journal/outbox.c daemon/journal/trace_queue.c daemon/journal/message.c daemon/counters.c daemon/log.c record -ljansson -levent_core
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/journal/journal.h"
#include "daemon/journal/message.h"

/* The test is the recorder: it holds the other end. */
static struct event_base *base;
static struct counters *counters;
static struct journal *journal;
static int channel[2];
static struct endpoint client;
static struct connection_view view;
static char text[MESSAGE_TEXT_MAX];
static size_t length;
static uint32_t question;
static unsigned live;

static void list(void *context, uint32_t number)
{
	(void)context;
	question = number;
	for (unsigned i = 0; i < live; i++)
		journal_live(journal, number, &view);
	journal_live_end(journal, number);
}

static struct message_header hear(void)
{
	struct message_header header;

	assert_int_equal(message_receive(channel[1], &header, text, &length), MESSAGE_TAKEN);
	return header;
}

static void hear_nothing(void)
{
	struct message_header header;

	assert_int_equal(message_receive(channel[1], &header, text, &length), MESSAGE_NOTHING);
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static int begin(void **state)
{
	struct journal_settings_worker settings = { .list = list };
	struct address peer;

	(void)state;
	address_parse_with_port(&peer, "192.0.2.1:1234");
	client_make_dummy(&client, &peer);
	view = (struct connection_view){ .id = 5, .client = &client };
	live = 0;
	base = event_base_new();
	counters = counters_new(1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
	settings.base = base;
	settings.channel = channel[0];
	settings.counters = counters;
	journal = journal_new(&settings);
	assert_non_null(journal);
	assert_int_equal(hear().kind, MESSAGE_HELLO);
	return 0;
}

static int end(void **state)
{
	(void)state;
	journal_free(journal);
	event_base_free(base);
	munmap(counters, sizeof *counters);
	endpoint_end(&client);
	close(channel[0]);
	close(channel[1]);
	return 0;
}

static unsigned lines(void)
{
	const char *line = text;
	const char *newline;
	unsigned count = 0;

	while ((newline = memchr(line, '\n', length - (size_t)(line - text)))) {
		json_t *parsed = json_loadb(line, (size_t)(newline - line), 0, NULL);

		assert_non_null(parsed);
		json_decref(parsed);
		line = newline + 1;
		count++;
	}
	assert_ptr_equal(line, text + length);
	return count;
}

static void want_events(uint32_t wanted)
{
	assert_int_equal(message_send(channel[1], MESSAGE_WANTED, wanted, NULL, 0), 0);
	turn();
}

static void lines_are_sent_together_after_50_ms(void **state)
{
	(void)state;
	journal_connection(journal, &view);
	journal_connection(journal, &view);
	turn();
	hear_nothing();
	event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(hear().kind, MESSAGE_JOURNAL);
	assert_int_equal(lines(), 2);
	hear_nothing();
}

static void a_long_batch_is_sent_at_once(void **state)
{
	unsigned written = 0;
	struct message_header header;

	(void)state;
	while (message_receive(channel[1], &header, text, &length) == MESSAGE_NOTHING) {
		journal_connection(journal, &view);
		written++;
	}
	assert_in_range(length, 32 << 10, (32 << 10) + 4096);
	assert_int_equal(lines(), written);
}

static void flush_sends_now(void **state)
{
	(void)state;
	journal_connection(journal, &view);
	journal_flush(journal);
	assert_int_equal(hear().kind, MESSAGE_JOURNAL);
	assert_int_equal(lines(), 1);
}

static void events_are_printed_only_when_wanted(void **state)
{
	(void)state;
	assert_false(journal_wants_events(journal));
	journal_event(journal, EVENT_CLIENT_CONNECTED, &view, NULL);
	journal_flush(journal);
	hear_nothing();
	want_events(1);
	assert_true(journal_wants_events(journal));
	journal_event(journal, EVENT_CLIENT_CONNECTED, &view, NULL);
	journal_flush(journal);
	assert_int_equal(hear().kind, MESSAGE_EVENTS);
	assert_int_equal(lines(), 1);
	want_events(0);
	assert_false(journal_wants_events(journal));
}

static void what_the_recorder_does_not_take_is_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++)
		journal_connection(journal, &view);
	journal_flush(journal);
	assert_true(atomic_load(&counters->dropped_records) > 0);
	assert_true(atomic_load(&counters->dropped_records) < 10000);
}

static void ask(uint32_t number)
{
	assert_int_equal(message_send(channel[1], MESSAGE_LIST, number, NULL, 0), 0);
	turn();
}

/* Reads the answer to the question; returns its lines. */
static unsigned hear_answer(uint32_t number)
{
	struct message_header header;
	unsigned count = 0;

	for (;;) {
		header = hear();
		assert_int_equal(header.number, number);
		if (header.kind == MESSAGE_LIVE_END)
			return count;
		assert_int_equal(header.kind, MESSAGE_LIVE);
		count += lines();
		turn();
	}
}

static void no_connections_are_an_answer_too(void **state)
{
	(void)state;
	ask(77);
	assert_int_equal(question, 77);
	assert_int_equal(hear_answer(77), 0);
}

static void live_connections_wait_their_turn(void **state)
{
	(void)state;
	live = 3000;
	view.stage = "relaying";
	ask(78);
	assert_int_equal(hear_answer(78), 3000);
	assert_int_equal(atomic_load(&counters->dropped_records), 0);
}

static void an_answer_beyond_the_bound_says_what_it_lost(void **state)
{
	struct message_header header;
	unsigned told = 0;
	json_t *line;

	(void)state;
	live = 60000;
	ask(79);
	while ((header = hear()).kind != MESSAGE_LIVE_END) {
		told += lines();
		turn();
	}
	line = json_loadb(text, length, 0, NULL);
	assert_non_null(line);
	assert_int_equal(json_integer_value(json_object_get(line, "count")), 60000 - told);
	assert_true(told > 1000);
	json_decref(line);
}

static void a_closed_channel_is_no_trouble(void **state)
{
	(void)state;
	want_events(1);
	close(channel[1]);
	turn();
	assert_false(journal_wants_events(journal));
	journal_connection(journal, &view);
	journal_flush(journal);
	assert_int_equal(atomic_load(&counters->dropped_records), 1);
	channel[1] = dup(channel[0]); /* for the tear-down */
}

static void the_end_sends_what_is_collected(void **state)
{
	(void)state;
	journal_connection(journal, &view);
	journal_free(journal);
	journal = NULL;
	assert_int_equal(hear().kind, MESSAGE_JOURNAL);
}

#define WITH_JOURNAL(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_JOURNAL(lines_are_sent_together_after_50_ms),
		WITH_JOURNAL(a_long_batch_is_sent_at_once),
		WITH_JOURNAL(flush_sends_now),
		WITH_JOURNAL(events_are_printed_only_when_wanted),
		WITH_JOURNAL(what_the_recorder_does_not_take_is_counted),
		WITH_JOURNAL(no_connections_are_an_answer_too),
		WITH_JOURNAL(live_connections_wait_their_turn),
		WITH_JOURNAL(an_answer_beyond_the_bound_says_what_it_lost),
		WITH_JOURNAL(a_closed_channel_is_no_trouble),
		WITH_JOURNAL(the_end_sends_what_is_collected),
	};

	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
