#include "tests/unit/recording.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/control/server.h"
#include "daemon/recorder.h"

char base[] = "/tmp/recorder_test.XXXXXX";
char directory[128];
char journal_path[160];
int workers[WORKERS];
struct counters *counters;
struct journal_settings settings;
pid_t recorder;
static char socket_path[160];
static int recorder_ends[WORKERS];
static int listener;

void start_recorder(void)
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

int wait_for_recorder(void)
{
	int status = -1;

	assert_int_equal(waitpid(recorder, &status, 0), recorder);
	recorder = 0;
	return status;
}

void stop_recorder(int signal_number)
{
	kill(recorder, signal_number);
	if (signal_number == SIGTERM)
		assert_int_equal(wait_for_recorder(), 0);
	else
		wait_for_recorder();
}

int recording_begin(void **state)
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

int recording_end(void **state)
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

void say(int worker, enum message_kind kind, const char *lines)
{
	assert_int_equal(message_send(workers[worker], kind, 0, lines, strlen(lines)), 0);
}

const char *content(const char *path)
{
	static char text[1 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

void rest(void)
{
	usleep(10000);
}

bool contains(const char *path, const char *words)
{
	for (int i = 0; i < PATIENCE_MILLISECONDS / 10; i++) {
		if (strstr(content(path), words))
			return true;
		rest();
	}
	return false;
}

char *rotated(unsigned number)
{
	static char path[200];

	snprintf(path, sizeof path, "%s.%u", journal_path, number);
	return path;
}

int ask(const char *request)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(name.sun_path, socket_path);
	assert_int_equal(connect(client, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(write(client, request, strlen(request)), (ssize_t)strlen(request));
	return client;
}

json_t *next_line(int client)
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

json_int_t number_of(json_t *line, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(line, name));

	json_decref(line);
	return number;
}

struct message_header hear(int worker)
{
	static char text[MESSAGE_TEXT_MAX];
	struct pollfd readable = { .fd = workers[worker], .events = POLLIN };
	struct message_header header;
	size_t length;

	assert_int_equal(poll(&readable, 1, PATIENCE_MILLISECONDS), 1);
	assert_int_equal(message_receive(workers[worker], &header, text, &length), MESSAGE_TAKEN);
	return header;
}

void assert_wanted(int worker, uint32_t wanted)
{
	struct message_header header = hear(worker);

	assert_int_equal(header.kind, MESSAGE_WANTED);
	assert_int_equal(header.number, wanted);
}

char *padded_event(int n)
{
	static char line[4097];

	snprintf(line, sizeof line, "{\"n\":%d,\"p\":\"%*d\"}\n", n, 4000, 0);
	return line;
}
