// link: recorder tests/unit/recording.c -ljansson -levent_core -lseccomp
/* Who asks the recorder: events for every reader, connections of all workers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/recording.h"

static void workers_hear_whether_events_are_wanted(void **state)
{
	int client;

	(void)state;
	start_recorder();
	assert_wanted(0, 0);
	assert_wanted(1, 0);
	client = ask("{\"command\":\"events\"}\n");
	assert_wanted(0, 1);
	assert_wanted(1, 1);
	say(0, MESSAGE_HELLO, "");
	assert_wanted(0, 1);
	close(client);
	assert_wanted(0, 0);
	assert_wanted(1, 0);
}

static void every_reader_gets_the_events_in_order(void **state)
{
	int clients[3];

	(void)state;
	start_recorder();
	assert_wanted(0, 0);
	for (int i = 0; i < 3; i++)
		clients[i] = ask("{\"command\":\"events\"}\n");
	assert_wanted(0, 1);
	usleep(100000);
	for (int n = 0; n < 100; n++) {
		char line[32];

		snprintf(line, sizeof line, "{\"n\":%d}\n{\"n\":%d}\n", 2 * n, 2 * n + 1);
		say(0, MESSAGE_EVENTS, line);
	}
	for (int i = 0; i < 3; i++)
		for (int n = 0; n < 200; n++)
			assert_int_equal(number_of(next_line(clients[i]), "n"), n);
	for (int i = 0; i < 3; i++)
		close(clients[i]);
}

static void send_events(int count)
{
	for (int n = 0; n < count; n++) {
		const char *line = padded_event(n);

		while (message_send(workers[0], MESSAGE_EVENTS, 0, line, strlen(line)))
			rest();
	}
}

/* Reads until count lines are seen or told lost; the numbers must rise. */
static json_int_t read_with_losses(int client, json_int_t count)
{
	json_int_t lost = 0, seen = 0, last = -1;

	while (seen + lost < count) {
		json_t *line = next_line(client);

		assert_non_null(line);
		if (json_object_get(line, "n")) {
			json_int_t n = number_of(line, "n");

			assert_true(n > last);
			last = n;
			seen++;
		} else {
			lost += number_of(line, "count");
		}
	}
	return lost;
}

static void a_slow_reader_loses_lines_and_nobody_waits(void **state)
{
	int slow, quick;
	pid_t child;
	int status;

	(void)state;
	start_recorder();
	slow = ask("{\"command\":\"events\"}\n");
	quick = ask("{\"command\":\"events\"}\n");
	assert_wanted(0, 0);
	assert_wanted(0, 1);
	usleep(100000);
	fflush(NULL);
	child = fork();
	if (child == 0) {
		send_events(1000);
		_exit(0);
	}
	assert_true(read_with_losses(quick, 1000) < 1000);
	waitpid(child, &status, 0);
	say(0, MESSAGE_JOURNAL, "{\"while\":\"slow\"}\n");
	assert_true(contains(journal_path, "slow"));
	assert_true(read_with_losses(slow, 1000) > 0);
	close(slow);
	close(quick);
}

static void answer_question(int worker, const char *lines)
{
	struct message_header header = hear(worker);

	while (header.kind == MESSAGE_WANTED)
		header = hear(worker);
	assert_int_equal(header.kind, MESSAGE_LIST);
	assert_int_equal(message_send(workers[worker], MESSAGE_LIVE, header.number + 1,
				      "{\"stale\":1}\n", 12),
			 0);
	assert_int_equal(
		message_send(workers[worker], MESSAGE_LIVE, header.number, lines, strlen(lines)),
		0);
	assert_int_equal(message_send(workers[worker], MESSAGE_LIVE_END, header.number, "", 0), 0);
}

static void live_connections_are_collected_from_all_workers(void **state)
{
	int client;

	(void)state;
	start_recorder();
	client = ask("{\"command\":\"connections\"}\n");
	answer_question(1, "{\"n\":1}\n{\"n\":2}\n");
	assert_int_equal(number_of(next_line(client), "n"), 1);
	assert_int_equal(number_of(next_line(client), "n"), 2);
	answer_question(0, "{\"n\":3}\n");
	assert_int_equal(number_of(next_line(client), "n"), 3);
	assert_int_equal(number_of(next_line(client), "status"), 0);
	assert_null(next_line(client));
	close(client);
}

static void a_silent_worker_makes_the_list_incomplete(void **state)
{
	int client;

	(void)state;
	start_recorder();
	client = ask("{\"command\":\"connections\"}\n");
	answer_question(0, "{\"n\":1}\n");
	assert_int_equal(number_of(next_line(client), "n"), 1);
	assert_int_equal(number_of(next_line(client), "status"), 1);
	close(client);
}

static void another_command_is_refused(void **state)
{
	int client;

	(void)state;
	start_recorder();
	client = ask("{\"command\":\"reload\"}\n");
	assert_int_equal(number_of(next_line(client), "status"), 1);
	assert_null(next_line(client));
	close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIRS(workers_hear_whether_events_are_wanted),
		WITH_PAIRS(every_reader_gets_the_events_in_order),
		WITH_PAIRS(a_slow_reader_loses_lines_and_nobody_waits),
		WITH_PAIRS(live_connections_are_collected_from_all_workers),
		WITH_PAIRS(a_silent_worker_makes_the_list_incomplete),
		WITH_PAIRS(another_command_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(120); /* a test that hangs is a failed test */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
