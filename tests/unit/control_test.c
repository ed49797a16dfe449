// link: daemon/control/server.c daemon/control/introduction.c daemon/passing.c daemon/control/answer.c daemon/control/request.c daemon/control/peer.c daemon/log.c -ljansson -levent_core
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/introduction.h"
#include "daemon/control/server.h"

enum { STRANGER = 65534, MEMBERS = 4711 };

static char directory[] = "/tmp/control_test.XXXXXX";
static char path[64];
static int listener;
static struct event_base *base;
static struct control_server *server;
static struct control_answer *waiting; /* of "later" */
static int left;		       /* how often its client was seen to leave */

static void run_echo(void *context, json_t *request, struct control_answer *answer)
{
	assert_ptr_equal(context, &left);
	control_answer_line(answer, json_incref(request));
	control_answer_end(answer, 0, NULL);
}

static void run_refuse(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	(void)request;
	control_answer_end(answer, 1, "no \"thanks\"");
}

static void run_later(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	(void)request;
	waiting = answer;
}

static void run_flood(void *context, json_t *request, struct control_answer *answer)
{
	json_int_t count = json_integer_value(json_object_get(request, "count"));

	(void)context;
	for (json_int_t i = 0; i < count; i++)
		control_answer_line(answer, json_pack("{sI ss}", "n", i, "padding",
						      "0123456789012345678901234567890123456789"));
	control_answer_end(answer, 0, NULL);
}

static void run_out_of_memory(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	(void)request;
	control_answer_line(answer, NULL);
	control_answer_end(answer, 0, NULL);
}

static const struct control_entry entries[] = {
	{ "echo", run_echo },
	{ "refuse", run_refuse },
	{ "later", run_later },
	{ "flood", run_flood },
	{ "out of memory", run_out_of_memory },
	{ NULL, NULL },
};

static int begin(void **state)
{
	struct control_settings settings = {
		.entries = entries,
		.context = &left,
		.group = MEMBERS,
	};

	(void)state;
	strcpy(directory + sizeof directory - 7, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	chmod(directory, 0755);
	snprintf(path, sizeof path, "%s/control", directory);
	listener = control_listen(path, 0666, (gid_t)-1);
	assert_true(listener >= 0);
	base = event_base_new();
	settings.base = base;
	settings.listener = listener;
	server = control_server_new(&settings);
	assert_non_null(server);
	waiting = NULL;
	left = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	control_server_free(server);
	event_base_free(base);
	close(listener);
	unlink(path);
	return rmdir(directory);
}

static int dial(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(name.sun_path, path);
	if (connect(client, (struct sockaddr *)&name, sizeof name)) {
		close(client);
		return -1;
	}
	return client;
}

static void turns(int count)
{
	while (count--)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static int ask(const char *request)
{
	int client = dial();

	assert_true(client >= 0);
	assert_int_equal(write(client, request, strlen(request)), (ssize_t)strlen(request));
	turns(4);
	return client;
}

/* Everything that comes until the server closes. */
static const char *answer_of(int client)
{
	static char text[8 << 20];
	size_t length = 0;
	ssize_t got;

	for (;;) {
		turns(1);
		got = recv(client, text + length, sizeof text - 1 - length, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0)
			length += (size_t)got;
	}
	text[length] = '\0';
	close(client);
	return text;
}

static void a_request_is_answered_and_ended(void **state)
{
	(void)state;
	assert_string_equal(answer_of(ask("{\"command\":\"echo\",\"word\":\"a\\nb\"}\n")),
			    "{\"command\":\"echo\",\"word\":\"a\\nb\"}\n"
			    "{\"end\":true,\"status\":0,\"message\":null}\n");
	assert_string_equal(answer_of(ask("{\"command\":\"refuse\"}\n")),
			    "{\"end\":true,\"status\":1,\"message\":\"no \\\"thanks\\\"\"}\n");
}

static void a_request_may_come_in_pieces(void **state)
{
	int client = ask("{\"comm");

	(void)state;
	assert_int_equal(write(client, "and\":\"refuse\"}", 14), 14);
	turns(4);
	assert_int_equal(write(client, "\n", 1), 1);
	assert_non_null(strstr(answer_of(client), "thanks"));
}

static void a_bad_request_is_refused_with_a_sentence(void **state)
{
	static const struct {
		const char *request;
		const char *sentence;
	} cases[] = {
		{ "\n", "not a line of JSON" },
		{ "status\n", "not a line of JSON" },
		{ "[1]\n", "not a JSON object" },
		{ "{}\n", "no \\\"command\\\"" },
		{ "{\"command\":7}\n", "no \\\"command\\\"" },
		{ "{\"command\":\"dance\"}\n", "no such command" },
		{ "{\"command\":\"echo\",\"command\":\"refuse\"}\n", "not a line of JSON" },
		{ "{\"command\":\"\xff\"}\n", "not a line of JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *answer = answer_of(ask(cases[i].request));

		assert_non_null(strstr(answer, "\"status\":1"));
		if (!strstr(answer, cases[i].sentence))
			fail_msg("%s is answered by %s", cases[i].request, answer);
	}
}

static void deep_nesting_is_only_a_bad_request(void **state)
{
	char request[40002];

	(void)state;
	memset(request, '[', 40000);
	strcpy(request + 40000, "\n");
	assert_non_null(strstr(answer_of(ask(request)), "not a line of JSON"));
}

static void a_request_without_end_is_refused(void **state)
{
	static char request[4096];
	int client = dial();

	(void)state;
	memset(request, ' ', sizeof request);
	while (send(client, request, 4096, MSG_NOSIGNAL) > 0)
		turns(2);
	assert_non_null(strstr(answer_of(client), "too long"));
}

static void only_one_request_is_heard(void **state)
{
	const char *answer =
		answer_of(ask("{\"command\":\"refuse\"}\n{\"command\":\"echo\",\"second\":1}\n"));

	(void)state;
	assert_null(strstr(answer, "second"));
}

static void an_answer_may_come_later(void **state)
{
	int client = ask("{\"command\":\"later\"}\n");
	char byte;

	(void)state;
	assert_non_null(waiting);
	assert_int_equal(recv(client, &byte, 1, MSG_DONTWAIT), -1);
	control_answer_line(waiting, json_pack("{si}", "n", 1));
	turns(2);
	control_answer_end(waiting, 0, "done");
	assert_string_equal(answer_of(client),
			    "{\"n\":1}\n{\"end\":true,\"status\":0,\"message\":\"done\"}\n");
}

static void see_leave(void *context)
{
	assert_ptr_equal(context, &left);
	left++;
}

static void a_client_that_leaves_is_noticed(void **state)
{
	int client = ask("{\"command\":\"later\"}\n");

	(void)state;
	control_answer_watch(waiting, see_leave, &left);
	close(client);
	turns(2);
	assert_int_equal(left, 1);
	control_answer_line(waiting, json_pack("{}"));
	assert_false(control_answer_text(waiting, "{}\n", 3, 100));
	control_answer_end(waiting, 0, NULL);
	assert_int_equal(left, 1);
}

static void the_servers_end_leaves_answers_valid(void **state)
{
	int client = ask("{\"command\":\"later\"}\n");

	(void)state;
	control_server_free(server);
	server = NULL;
	control_answer_line(waiting, json_pack("{}"));
	control_answer_end(waiting, 0, NULL);
	assert_string_equal(answer_of(client), "");
}

static void a_long_answer_is_complete(void **state)
{
	const char *answer = answer_of(ask("{\"command\":\"flood\",\"count\":20000}\n"));

	(void)state;
	assert_non_null(strstr(answer, "{\"n\":19999,"));
	assert_non_null(strstr(answer, "\"status\":0"));
}

static void an_answer_beyond_its_bound_is_cut_off(void **state)
{
	const char *answer = answer_of(ask("{\"command\":\"flood\",\"count\":100000}\n"));

	(void)state;
	assert_true(strlen(answer) <= CONTROL_ANSWER_MAX);
	assert_null(strstr(answer, "\"end\""));
}

static void text_is_bounded_by_its_caller(void **state)
{
	int client = ask("{\"command\":\"later\"}\n");

	(void)state;
	assert_true(control_answer_text(waiting, "{\"n\":1}\n", 8, 8));
	assert_false(control_answer_text(waiting, "{\"n\":2}\n", 8, 8));
	turns(2);
	assert_true(control_answer_text(waiting, "{\"n\":3}\n", 8, 8));
	control_answer_end(waiting, 0, NULL);
	assert_memory_equal(answer_of(client), "{\"n\":1}\n{\"n\":3}\n", 16);
}

static void a_lost_line_makes_the_answer_a_no(void **state)
{
	(void)state;
	assert_non_null(strstr(answer_of(ask("{\"command\":\"out of memory\"}\n")),
			       "\"status\":1,\"message\":\"the daemon ran out of memory"));
}

static void one_client_too_many_is_told_so(void **state)
{
	int clients[CONTROL_CLIENTS_MAX];
	int one_more;

	(void)state;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		clients[i] = dial();
	one_more = dial();
	turns(4);
	assert_non_null(strstr(answer_of(one_more), "too many clients"));
	close(clients[0]);
	turns(2);
	assert_non_null(strstr(answer_of(ask("{\"command\":\"refuse\"}\n")), "thanks"));
	for (int i = 1; i < CONTROL_CLIENTS_MAX; i++)
		close(clients[i]);
}

/* Asks as another account; returns whether the answer contains the words. */
static bool told_as(uid_t user, gid_t group, gid_t member_of, const char *words)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		char text[256] = "";
		int client;

		if (setgroups(1, &member_of) || setgid(group) || setuid(user))
			_exit(2);
		client = dial();
		send(client, "{\"command\":\"refuse\"}\n", 21, MSG_NOSIGNAL);
		recv(client, text, sizeof text - 1, 0);
		_exit(strstr(text, words) ? 0 : 1);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		turns(1);
	return status == 0;
}

/* K07 */
static void strangers_are_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(told_as(STRANGER, STRANGER, STRANGER, "neither root nor in"));
	assert_true(told_as(STRANGER, MEMBERS, STRANGER, "thanks"));
	assert_true(told_as(STRANGER, STRANGER, MEMBERS, "thanks"));
	assert_true(told_as(0, 0, 0, "thanks"));
}

static void the_socket_has_its_mode_and_replaces_a_stale_one(void **state)
{
	struct stat found;
	int again = control_listen(path, 0600, (gid_t)-1);

	(void)state;
	assert_true(again >= 0);
	assert_int_equal(stat(path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	close(again);
	assert_int_equal(control_listen("/nowhere/at/all", 0600, (gid_t)-1), -1);
	assert_int_equal(errno, ENOENT);
}

static void who_is_introduced_is_served_whoever_it_is(void **state)
{
	static const char question[] = "{\"command\":\"refuse\"}\n";
	struct control_settings settings = {
		.base = base, .entries = entries, .context = &left, .listener = -1, .group = (gid_t)-1
	};
	struct control_server *quiet = control_server_new(&settings);
	int channel[2], client;

	(void)state;
	assert_non_null(quiet);
	assert_int_equal(introduction_open(channel), 0);
	assert_int_equal(control_server_hear(quiet, channel[1]), 0);
	client = introduction_make(channel[0]);
	assert_true(client >= 0);
	assert_int_equal(write(channel[0], "no introduction", 15), 15);
	assert_int_equal(write(client, question, strlen(question)), (ssize_t)strlen(question));
	turns(4);
	assert_non_null(strstr(answer_of(client), "thanks"));
	/* The pair outlives who introduces. */
	client = introduction_make(channel[0]);
	close(channel[0]);
	assert_int_equal(write(client, question, strlen(question)), (ssize_t)strlen(question));
	turns(4);
	assert_non_null(strstr(answer_of(client), "thanks"));
	control_server_free(quiet);
	close(channel[1]);
}

static void nobody_waits_to_be_introduced_without_end(void **state)
{
	int channel[2], client, count = 0;
	int taken[4096];

	(void)state;
	assert_int_equal(introduction_open(channel), 0);
	while (count < 4096 && (client = introduction_make(channel[0])) >= 0)
		taken[count++] = client;
	assert_true(count > 0 && count < 4096);
	assert_true(errno == EAGAIN || errno == ETOOMANYREFS || errno == EMFILE);
	while (count > 0)
		close(taken[--count]);
	close(channel[0]);
	close(channel[1]);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(a_request_is_answered_and_ended),
		WITH_SERVER(a_request_may_come_in_pieces),
		WITH_SERVER(a_bad_request_is_refused_with_a_sentence),
		WITH_SERVER(deep_nesting_is_only_a_bad_request),
		WITH_SERVER(a_request_without_end_is_refused),
		WITH_SERVER(only_one_request_is_heard),
		WITH_SERVER(an_answer_may_come_later),
		WITH_SERVER(a_client_that_leaves_is_noticed),
		WITH_SERVER(the_servers_end_leaves_answers_valid),
		WITH_SERVER(a_long_answer_is_complete),
		WITH_SERVER(an_answer_beyond_its_bound_is_cut_off),
		WITH_SERVER(text_is_bounded_by_its_caller),
		WITH_SERVER(a_lost_line_makes_the_answer_a_no),
		WITH_SERVER(one_client_too_many_is_told_so),
		WITH_SERVER(strangers_are_refused),
		WITH_SERVER(who_is_introduced_is_served_whoever_it_is),
		WITH_SERVER(nobody_waits_to_be_introduced_without_end),
		WITH_SERVER(the_socket_has_its_mode_and_replaces_a_stale_one),
	};

	signal(SIGPIPE, SIG_IGN);
	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
