// link: recorder tests/unit/recording.c -ljansson -levent_core -lseccomp
/* The recorder as a process: what it takes from workers goes on, whatever comes, and whoever dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/recording.h"

static void lines_of_all_workers_go_into_the_file(void **state)
{
	(void)state;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"line\":1}\n{\"line\":2}\n");
	assert_true(contains(journal_path, "{\"line\":2}\n"));
	say(1, MESSAGE_JOURNAL, "{\"line\":3}\n");
	say(1, MESSAGE_EVENTS, "{\"event\":\"not here\"}\n");
	say(1, MESSAGE_JOURNAL, "{\"line\":4}\n");
	assert_true(contains(journal_path, "{\"line\":4}\n"));
	assert_string_equal(content(journal_path),
			    "{\"line\":1}\n{\"line\":2}\n{\"line\":3}\n{\"line\":4}\n");
	stop_recorder(SIGTERM);
}

static void what_waits_at_the_end_is_written(void **state)
{
	(void)state;
	start_recorder();
	kill(recorder, SIGSTOP);
	for (int i = 0; i < 100; i++)
		say(i % WORKERS, MESSAGE_JOURNAL, "{}\n");
	kill(recorder, SIGTERM);
	kill(recorder, SIGCONT);
	assert_int_equal(wait_for_recorder(), 0);
	assert_int_equal(strlen(content(journal_path)), 300);
}

static void it_ends_with_the_last_holder_of_the_channels(void **state)
{
	(void)state;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"last\":true}\n");
	for (int i = 0; i < WORKERS; i++)
		close(workers[i]);
	assert_int_equal(wait_for_recorder(), 0);
	assert_string_equal(content(journal_path), "{\"last\":true}\n");
}

static void a_killed_recorder_is_replaced_without_loss(void **state)
{
	int client;

	(void)state;
	start_recorder();
	client = ask("{\"command\":\"events\"}\n");
	assert_wanted(0, 0);
	assert_wanted(0, 1);
	stop_recorder(SIGKILL);
	assert_null(next_line(client));
	close(client);
	say(0, MESSAGE_JOURNAL, "{\"in\":\"between\"}\n");
	say(0, MESSAGE_LIVE, "{\"stale\":true}\n");
	start_recorder();
	assert_true(contains(journal_path, "between"));
	assert_wanted(0, 0);
	client = ask("{\"command\":\"events\"}\n");
	assert_wanted(0, 1);
	say(0, MESSAGE_EVENTS, "{\"n\":7}\n");
	assert_int_equal(number_of(next_line(client), "n"), 7);
	close(client);
}

static void nonsense_from_a_worker_is_skipped(void **state)
{
	(void)state;
	start_recorder();
	assert_int_equal(send(workers[0], "x", 1, 0), 1);
	assert_int_equal(send(workers[0], "", 0, 0), 0);
	say(0, 99, "{}\n");
	assert_int_equal(message_send(workers[0], MESSAGE_LIVE_END, 0, NULL, 0), 0);
	say(0, MESSAGE_JOURNAL, "{\"alive\":true}\n");
	assert_true(contains(journal_path, "alive"));
}

static void a_pipe_that_nobody_reads_loses_lines_and_holds_up_nothing(void **state)
{
	int saved = dup(STDOUT_FILENO);
	int pair[2];
	char bytes[64];

	(void)state;
	assert_int_equal(pipe(pair), 0);
	settings.to = JOURNAL_TO_STDOUT;
	fflush(stdout);
	dup2(pair[1], STDOUT_FILENO);
	start_recorder();
	dup2(saved, STDOUT_FILENO);
	close(saved);
	for (int i = 0; i < 300; i++) {
		const char *line = padded_event(i);

		while (message_send(workers[0], MESSAGE_JOURNAL, 0, line, strlen(line)))
			rest();
	}
	while (atomic_load(&counters->dropped_records) == 0)
		rest();
	assert_int_equal(read(pair[0], bytes, 8), 8);
	assert_memory_equal(bytes, "{\"n\":0,\"", 8);
	close(pair[0]);
	close(pair[1]);
	stop_recorder(SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIRS(lines_of_all_workers_go_into_the_file),
		WITH_PAIRS(what_waits_at_the_end_is_written),
		WITH_PAIRS(it_ends_with_the_last_holder_of_the_channels),
		WITH_PAIRS(a_killed_recorder_is_replaced_without_loss),
		WITH_PAIRS(nonsense_from_a_worker_is_skipped),
		WITH_PAIRS(a_pipe_that_nobody_reads_loses_lines_and_holds_up_nothing),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(120); /* a test that hangs is a failed test */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
