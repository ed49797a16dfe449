// link: daemon/journal/har_file.c daemon/recorder.c daemon/journal/trace_file.c daemon/journal/pcapng.c daemon/address.c daemon/channels.c daemon/control/subscribers.c daemon/journal/recent.c daemon/control/server.c daemon/control/introduction.c daemon/passing.c daemon/control/answer.c daemon/control/request.c daemon/control/peer.c daemon/journal/output.c daemon/journal/file_output.c daemon/journal/standard_output.c daemon/journal/syslog_output.c daemon/journal/message.c daemon/journal/member.c daemon/child.c privilege daemon/counters.c daemon/clock.c daemon/reason.c daemon/text.c daemon/log.c -ljansson -levent_core -lseccomp
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/control/server.h"
#include "daemon/control/subscribers.h"
#include "daemon/journal/message.h"
#include "daemon/journal/output.h"
#include "daemon/recorder.h"

enum { WORKERS = 2, PATIENCE_MILLISECONDS = 30000 };

/* The supervisor's part: a real recorder in a child, both ends of every pair held here. */
static char base[] = "/tmp/recorder_test.XXXXXX";
static char directory[128];
static char journal_path[160];
static char socket_path[160];
static int workers[WORKERS];
static int recorder_ends[WORKERS];
static int listener;
static struct counters *counters;
static struct journal_settings settings;
static pid_t recorder;

static void start_recorder(void)
{
	struct recorder_settings recorder_settings = {
		.channels = recorder_ends,
		.channel_count = WORKERS,
		.worker_count = WORKERS,
		.listener = listener,
		.introductions = -1,
		.journal = &settings,
		.account = "headgate",
		.group = (gid_t)-1,
		.counters = counters,
	};
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	recorder_settings.ready = ready[1];
	fflush(NULL);
	recorder = fork();
	if (recorder == 0) {
		/* A worker's end in the recorder would keep the channels open for ever. */
		for (int i = 0; i < WORKERS; i++)
			close(workers[i]);
		close(ready[0]);
		recorder_run(&recorder_settings);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
}

static int wait_for_recorder(void)
{
	int status = -1;

	assert_int_equal(waitpid(recorder, &status, 0), recorder);
	recorder = 0;
	return status;
}

static void stop_recorder(int signal_number)
{
	kill(recorder, signal_number);
	if (signal_number == SIGTERM)
		assert_int_equal(wait_for_recorder(), 0);
	else
		wait_for_recorder();
}

static int begin(void **state)
{
	(void)state;
	strcpy(base + sizeof base - 7, "XXXXXX");
	assert_non_null(mkdtemp(base));
	chmod(base, 0755);
	snprintf(directory, sizeof directory, "%s/log", base);
	snprintf(journal_path, sizeof journal_path, "%s/journal.ndjson", directory);
	snprintf(socket_path, sizeof socket_path, "%s/socket", base);
	listener = control_listen(socket_path, 0660, (gid_t)-1);
	assert_true(listener >= 0);
	for (int i = 0; i < WORKERS; i++) {
		int pair[2];

		assert_int_equal(recorder_channel_open(pair), 0);
		workers[i] = pair[0];
		recorder_ends[i] = pair[1];
	}
	counters = counters_new(1);
	assert_non_null(counters);
	settings = (struct journal_settings){ .to = JOURNAL_TO_FILE, .file = journal_path };
	return 0;
}

static int end(void **state)
{
	char command[256];

	(void)state;
	if (recorder > 0)
		stop_recorder(SIGKILL);
	for (int i = 0; i < WORKERS; i++) {
		close(workers[i]);
		close(recorder_ends[i]);
	}
	close(listener);
	snprintf(command, sizeof command, "umount %s 2>/dev/null; rm -rf %s", directory, base);
	return system(command) ? -1 : 0;
}

static void say(int worker, enum message_kind kind, const char *lines)
{
	assert_int_equal(message_send(workers[worker], kind, 0, lines, strlen(lines)), 0);
}

/* The whole file; "" when it is not there. */
static const char *content(const char *path)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

static void rest(void)
{
	usleep(10000);
}

static bool contains(const char *path, const char *words)
{
	for (int i = 0; i < PATIENCE_MILLISECONDS / 10; i++) {
		if (strstr(content(path), words))
			return true;
		rest();
	}
	return false;
}

static char *rotated(unsigned number)
{
	static char path[200];

	snprintf(path, sizeof path, "%s.%u", journal_path, number);
	return path;
}

/* A client of RUN/journal: its socket, or -1. */
static int ask(const char *request)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(name.sun_path, socket_path);
	assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(write(client, request, strlen(request)), (ssize_t)strlen(request));
	return client;
}

/* The next line, parsed; NULL at the end of the stream. */
static json_t *next_line(int client)
{
	static char line[RECORD_MAX + 1];
	struct pollfd readable = { .fd = client, .events = POLLIN };
	size_t length = 0;
	json_t *parsed;

	do {
		assert_int_equal(poll(&readable, 1, PATIENCE_MILLISECONDS), 1);
		if (read(client, line + length, 1) != 1)
			return NULL;
	} while (line[length++] != '\n');
	parsed = json_loadb(line, length, 0, NULL);
	if (!parsed)
		fail_msg("not JSON: %.*s", (int)length, line);
	return parsed;
}

static json_int_t number_of(json_t *line, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(line, name));

	json_decref(line);
	return number;
}

/* What the recorder tells a worker next. */
static struct message_header hear(int worker)
{
	static char text[MESSAGE_TEXT_MAX];
	struct pollfd readable = { .fd = workers[worker], .events = POLLIN };
	struct message_header header;
	size_t length;

	assert_int_equal(poll(&readable, 1, PATIENCE_MILLISECONDS), 1);
	assert_int_equal(message_receive(workers[worker], &header, text, &length), MESSAGE_TAKEN);
	return header;
}

static void assert_wanted(int worker, uint32_t wanted)
{
	struct message_header header = hear(worker);

	assert_int_equal(header.kind, MESSAGE_WANTED);
	assert_int_equal(header.number, wanted);
}

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

static void the_file_belongs_to_the_account_alone(void **state)
{
	struct stat found;

	(void)state;
	if (geteuid() != 0)
		skip();
	start_recorder();
	assert_int_equal(stat(directory, &found), 0);
	assert_int_not_equal(found.st_uid, 0);
	assert_int_equal(found.st_mode & 07777, 0750);
	assert_int_equal(stat(journal_path, &found), 0);
	assert_int_not_equal(found.st_uid, 0);
	assert_int_equal(found.st_mode & 07777, 0640);
}

static void a_start_appends(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		start_recorder();
		say(0, MESSAGE_JOURNAL, "{}\n");
		stop_recorder(SIGTERM);
	}
	assert_string_equal(content(journal_path), "{}\n{}\n");
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

static void a_full_file_is_rotated_and_the_oldest_goes(void **state)
{
	char line[] = "{\"n\":0,\"padding\":\"0123456789\"}\n";

	(void)state;
	settings.rotate = 2 * strlen(line);
	settings.keep = 2;
	start_recorder();
	for (char n = '0'; n < '9'; n++) {
		line[5] = n;
		say(0, MESSAGE_JOURNAL, line);
	}
	stop_recorder(SIGTERM);
	assert_non_null(strstr(content(journal_path), "\"n\":8"));
	assert_null(strstr(content(journal_path), "\"n\":7"));
	assert_non_null(strstr(content(rotated(1)), "\"n\":6"));
	assert_non_null(strstr(content(rotated(1)), "\"n\":7"));
	assert_non_null(strstr(content(rotated(2)), "\"n\":4"));
	assert_int_equal(access(rotated(3), F_OK), -1);
}

static void without_keep_a_full_file_begins_anew(void **state)
{
	(void)state;
	settings.rotate = 10;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"n\":1}\n");
	say(0, MESSAGE_JOURNAL, "{\"n\":2}\n");
	stop_recorder(SIGTERM);
	assert_string_equal(content(journal_path), "{\"n\":2}\n");
	assert_int_equal(access(rotated(1), F_OK), -1);
}

static void a_directory_that_cannot_be_written_only_stops_rotation(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(directory, 0755), 0);
	settings.rotate = 10;
	settings.keep = 1;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"n\":1}\n");
	say(0, MESSAGE_JOURNAL, "{\"n\":2}\n");
	say(0, MESSAGE_JOURNAL, "{\"n\":3}\n");
	stop_recorder(SIGTERM);
	assert_string_equal(content(journal_path), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
}

static void a_file_moved_away_is_made_anew(void **state)
{
	(void)state;
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{\"n\":1}\n");
	assert_true(contains(journal_path, "1"));
	assert_int_equal(rename(journal_path, rotated(9)), 0);
	usleep(1100000);
	say(0, MESSAGE_JOURNAL, "{\"n\":2}\n");
	stop_recorder(SIGTERM);
	assert_string_equal(content(journal_path), "{\"n\":2}\n");
	assert_string_equal(content(rotated(9)), "{\"n\":1}\n");
}

static void a_link_in_the_files_place_is_not_followed(void **state)
{
	char target[160];

	(void)state;
	snprintf(target, sizeof target, "%s/target", base);
	assert_int_equal(mkdir(directory, 0755), 0);
	assert_int_equal(symlink(target, journal_path), 0);
	chmod(base, 0777); /* the account could make the target */
	start_recorder();
	say(0, MESSAGE_JOURNAL, "{}\n");
	stop_recorder(SIGTERM);
	assert_int_equal(access(target, F_OK), -1);
	assert_int_equal(atomic_load(&counters->dropped_records), 1);
}

static void every_line_whole(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		json_t *line = json_loadb(text, length, 0, NULL);

		assert_int_equal(text[length], '\n');
		assert_non_null(line);
		json_decref(line);
		text += length + 1;
	}
}

/* The content once it ends with a whole line: of one that the disk has no room for the beginning is there for a moment. */
static const char *whole_content(const char *path)
{
	const char *text;
	size_t length;

	for (int i = 0; i < PATIENCE_MILLISECONDS / 10; i++) {
		text = content(path);
		length = strlen(text);
		if (length && text[length - 1] == '\n')
			break;
		rest();
	}
	return text;
}

static void fill_the_disk(const char *line)
{
	for (int i = 0; i < 200; i++) {
		while (message_send(workers[0], MESSAGE_JOURNAL, 0, line, strlen(line)))
			rest();
	}
}

/* F17 of the fault list: nobody waits, the loss is counted, said and noted in the journal. */
static void a_full_disk_loses_lines_and_says_how_many(void **state)
{
	static char line[1201];

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(directory, 0755) ||
	    mount("tmpfs", directory, "tmpfs", 0, "size=128k,mode=0777"))
		skip();
	snprintf(line, sizeof line, "{\"n\":\"%*d\"}\n", 1180, 0);
	settings.rotate = 1 << 30;
	settings.keep = 1;
	start_recorder();
	fill_the_disk(line);
	while (atomic_load(&counters->dropped_records) == 0)
		rest();
	assert_int_equal(rename(journal_path, rotated(1)), 0);
	every_line_whole(whole_content(rotated(1)));
	assert_int_equal(unlink(rotated(1)), 0);
	usleep(1100000);
	say(0, MESSAGE_JOURNAL, "{\"after\":true}\n");
	assert_true(contains(journal_path, "{\"after\":true}\n"));
	assert_non_null(strstr(content(journal_path), "{\"type\":\"lost\",\"time\":"));
	every_line_whole(whole_content(journal_path));
	stop_recorder(SIGTERM);
}

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

static char *padded_event(int n)
{
	static char line[4097];

	snprintf(line, sizeof line, "{\"n\":%d,\"p\":\"%*d\"}\n", n, 4000, 0);
	return line;
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

static void the_systems_log_gets_one_datagram_a_line(void **state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int log = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct output *output;
	char text[64] = "";

	(void)state;
	snprintf(name.sun_path, sizeof name.sun_path, "%s/log.socket", base);
	output = syslog_output(name.sun_path);
	assert_int_equal(output->write(output, "{}\n{}\n", 6), 2);
	assert_int_equal(bind(log, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(output->write(output, "{\"n\":1}\n{\"n\":2}\n", 16), 0);
	assert_true(recv(log, text, sizeof text, MSG_DONTWAIT) > 0);
	assert_string_equal(text, "<30>headgate: {\"n\":1}");
	/* The log is restarted. */
	close(log);
	unlink(name.sun_path);
	log = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(bind(log, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(output->write(output, "{\"n\":3}\n", 8), 0);
	/* And takes nothing any more. */
	for (int i = 0; i < 5000; i++)
		if (output->write(output, "{}\n", 3))
			break;
	assert_int_equal(output->write(output, "{}\n", 3), 1);
	output->free(output);
	close(log);
}

#define WITH_PAIRS(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_PAIRS(lines_of_all_workers_go_into_the_file),
		WITH_PAIRS(the_file_belongs_to_the_account_alone),
		WITH_PAIRS(a_start_appends),
		WITH_PAIRS(what_waits_at_the_end_is_written),
		WITH_PAIRS(it_ends_with_the_last_holder_of_the_channels),
		WITH_PAIRS(a_full_file_is_rotated_and_the_oldest_goes),
		WITH_PAIRS(without_keep_a_full_file_begins_anew),
		WITH_PAIRS(a_directory_that_cannot_be_written_only_stops_rotation),
		WITH_PAIRS(a_file_moved_away_is_made_anew),
		WITH_PAIRS(a_link_in_the_files_place_is_not_followed),
		WITH_PAIRS(workers_hear_whether_events_are_wanted),
		WITH_PAIRS(every_reader_gets_the_events_in_order),
		WITH_PAIRS(a_slow_reader_loses_lines_and_nobody_waits),
		WITH_PAIRS(live_connections_are_collected_from_all_workers),
		WITH_PAIRS(a_silent_worker_makes_the_list_incomplete),
		WITH_PAIRS(a_killed_recorder_is_replaced_without_loss),
		WITH_PAIRS(nonsense_from_a_worker_is_skipped),
		WITH_PAIRS(another_command_is_refused),
		WITH_PAIRS(a_pipe_that_nobody_reads_loses_lines_and_holds_up_nothing),
		WITH_PAIRS(the_systems_log_gets_one_datagram_a_line),
		WITH_PAIRS(a_full_disk_loses_lines_and_says_how_many),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(120); /* a test that hangs is a failed test */
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
