// link: daemon/control/call.c daemon/control/show.c daemon/control/table.c daemon/control/cell.c daemon/control/export.c daemon/tls/authority_print.c daemon/control/server.c daemon/control/introduction.c daemon/passing.c daemon/control/answer.c daemon/control/request.c daemon/control/peer.c daemon/log.c -ljansson -levent_core -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/call.h"
#include "daemon/control/export.h"
#include "daemon/control/server.h"
#include "daemon/control/show.h"

/* A daemon of a few commands, in a child, and what the tool prints when it asks. */
static char directory[] = "/tmp/headgatectl_test.XXXXXX";
static char path[64];
static pid_t daemon_process;
static char message[CALL_MESSAGE];

static void run_two(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	control_answer_line(answer, json_pack("{ss sO?}", "name", "first", "asked",
					      json_object_get(request, "asked")));
	control_answer_line(answer, json_pack("{ss}", "name", "second"));
	control_answer_end(answer, 0, "both");
}

static void run_no(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	(void)request;
	control_answer_end(answer, 1, "that cannot be");
}

static void run_die(void *context, json_t *request, struct control_answer *answer)
{
	(void)context;
	(void)request;
	(void)answer;
	_exit(0);
}

static const struct control_entry entries[] = {
	{ "two", run_two },
	{ "no", run_no },
	{ "die", run_die },
	{ NULL, NULL },
};

static void serve(int listener)
{
	struct control_settings settings = {
		.base = event_base_new(),
		.listener = listener,
		.entries = entries,
		.group = (gid_t)-1,
	};

	control_server_new(&settings);
	event_base_dispatch(settings.base);
	_exit(1);
}

static int begin(void **state)
{
	int listener;

	(void)state;
	strcpy(directory + sizeof directory - 7, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/control", directory);
	listener = control_listen(path, 0660, (gid_t)-1);
	assert_true(listener >= 0);
	fflush(NULL);
	daemon_process = fork();
	if (daemon_process == 0)
		serve(listener);
	close(listener);
	return 0;
}

static int end(void **state)
{
	(void)state;
	kill(daemon_process, SIGKILL);
	waitpid(daemon_process, NULL, 0);
	unlink(path);
	return rmdir(directory);
}

struct heard {
	unsigned lines;
	char text[256];
};

static void hear(void *context, json_t *line, const char *text)
{
	struct heard *heard = context;

	assert_true(json_is_object(line));
	heard->lines++;
	strcat(strcat(heard->text, text), ";");
}

static int ask(const char *socket_name, struct heard *heard, json_t *request)
{
	struct call call = {
		.run_directory = directory,
		.socket = socket_name,
		.line = hear,
		.context = heard,
	};

	return call_make(&call, request, message);
}

static void lines_come_one_by_one_and_the_end_last(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(ask("control", &heard, json_pack("{ss si}", "command", "two", "asked", 7)),
			 0);
	assert_int_equal(heard.lines, 2);
	assert_string_equal(heard.text, "{\"name\":\"first\",\"asked\":7};{\"name\":\"second\"};");
	assert_string_equal(message, "both");
}

static void a_no_has_status_1_and_its_reason(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(ask("control", &heard, json_pack("{ss}", "command", "no")), 1);
	assert_string_equal(message, "that cannot be");
	assert_int_equal(heard.lines, 0);
}

static void a_daemon_that_ends_in_between_is_told(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(ask("control", &heard, json_pack("{ss}", "command", "die")), 1);
	assert_non_null(strstr(message, "ended before its answer was complete"));
}

static void without_a_daemon_it_says_what_to_do(void **state)
{
	struct heard heard = { 0 };

	(void)state;
	assert_int_equal(ask("journal", &heard, json_pack("{ss}", "command", "events")), 1);
	assert_non_null(strstr(message, "headgated is not running"));
	assert_non_null(strstr(message, directory));
	assert_non_null(strstr(message, "systemctl start headgate"));
}

static void without_permission_it_says_who_may(void **state)
{
	struct heard heard = { 0 };
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	fflush(NULL);
	child = fork();
	if (child == 0) {
		if (setuid(65534) ||
		    ask("control", &heard, json_pack("{ss}", "command", "no")) != 1)
			_exit(2);
		_exit(strstr(message, "Be root") ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* What a showing prints of the lines of JSON. */
static const char *shown(struct show show, const char *lines)
{
	static char text[16384];
	FILE *file = tmpfile();
	int saved = dup(STDOUT_FILENO);
	size_t length;

	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	assert_int_equal(show_begin(&show), 0);
	for (; *lines; lines += strcspn(lines, "\n") + 1) {
		json_t *line = json_loadb(lines, strcspn(lines, "\n"), 0, NULL);

		assert_non_null(line);
		show.line(&show, line);
		json_decref(line);
	}
	show_end(&show, true);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	rewind(file);
	length = fread(text, 1, sizeof text - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static const struct column columns[] = {
	{ "HITS", cell_value, "hits", true },
	{ "NAME", cell_value, "name", false },
	{ "SEEN", cell_bytes, "bytes.in", true },
	{ "LAST", cell_value, "last", false },
	{ NULL, NULL, NULL, false },
};

static void tables_are_aligned(void **state)
{
	struct show show = { .line = show_row, .columns = columns, .none = "nothing" };

	(void)state;
	assert_string_equal(
		shown(show,
		      "{\"hits\":5,\"name\":\"caf\\u00e9\",\"bytes\":{\"in\":1234567}}\n"
		      "{\"hits\":12345,\"name\":\"a longer name\",\"last\":[\"x\",2,null]}\n"),
		" HITS  NAME             SEEN  LAST\n"
		"    5  caf\xc3\xa9           1.2 MB  -\n"
		"12345  a longer name       -  x, 2, null\n");
	assert_string_equal(shown(show, ""), "nothing\n");
}

static void facts_are_listed_with_their_units(void **state)
{
	struct show show = { .line = show_facts };

	(void)state;
	assert_string_equal(shown(show,
				  "{\"version\":\"1\",\"uptime\":7800,\"totals\":{\"accepted\":3,"
				  "\"bytes_from_clients\":2500}}\n"),
			    "version:             1\n"
			    "uptime:              2 h 10 min\n"
			    "totals:\n"
			    "  accepted:          3\n"
			    "  bytes from clients: 2.5 kB\n");
}

static void status_is_facts_and_a_table(void **state)
{
	static const struct column processes[] = {
		{ "PROCESS", cell_value, "process", false },
		{ "PID", cell_value, "pid", true },
		{ NULL, NULL, NULL, false },
	};
	struct show show = { .line = show_status, .columns = processes, .none = "none" };

	(void)state;
	assert_string_equal(shown(show, "{\"pid\":1}\n{\"process\":\"worker\",\"pid\":22}\n"),
			    "pid:                 1\n"
			    "\n"
			    "PROCESS  PID\n"
			    "worker    22\n");
}

static void texts_are_printed_as_they_are(void **state)
{
	struct show show = { .line = show_text };

	(void)state;
	assert_string_equal(shown(show, "{\"text\":\"one\\ntwo\"}\n{\"text\":\"three\"}\n"),
			    "one\ntwo\nthree\n");
}

static void findings_name_their_place(void **state)
{
	struct show show = { .line = show_finding };

	(void)state;
	assert_string_equal(shown(show, "{\"severity\":\"error\",\"file\":\"a.yaml\",\"line\":3,"
					"\"column\":7,\"message\":\"no such list\"}\n"
					"{\"severity\":\"warning\",\"message\":\"odd\"}\n"),
			    "a.yaml:3:7: error: no such list\nwarning: odd\n");
}

static void an_event_is_one_line(void **state)
{
	struct show show = { .line = show_event };
	const char *text;

	(void)state;
	setenv("TZ", "UTC", 1);
	text = shown(
		show,
		"{\"event\":\"response\",\"time\":1700000000.250000,\"connection\":\"01\","
		"\"client\":{\"peername\":[\"192.0.2.1\",5],\"sockname\":[\"2001:db8::1\",443],"
		"\"device\":\"tv\",\"error\":null},\"server\":null,\"protocol\":\"tls\","
		"\"host\":\"a.example\",\"verdict\":\"inspect\",\"rule\":\"look\","
		"\"exchange\":{\"method\":\"GET\",\"authority\":\"a.example\",\"path\":\"/\","
		"\"status\":200,\"error\":null}}\n"
		"{\"event\":\"lost\",\"count\":12}\n");
	assert_string_equal(text,
			    "22:13:20.250000 response               01 192.0.2.1:5 (tv) > "
			    "[2001:db8::1]:443 tls a.example GET a.example/ 200 [inspect: look]\n"
			    "(12 lines were lost: this reader is too slow)\n");
}

/* A name from the network must not steer the terminal. */
static void nothing_steers_the_terminal(void **state)
{
	static const struct column host[] = {
		{ "HOST", cell_value, "host", false },
		{ NULL, NULL, NULL, false },
	};
	struct show table = { .line = show_row, .columns = host, .none = "" };
	struct show event = { .line = show_event };
	struct show text = { .line = show_text };
	struct show shows[] = { table, event, text };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const char *out = shown(
			shows[i], "{\"host\":\"a\\u001b[2Jb\\u009bc\\r\",\"event\":\"\\u0007\","
				  "\"text\":\"a\\u001b[2Jb\\u009bc\\r\"}\n");

		for (; *out; out++) {
			assert_int_not_equal(*out, 0x1b);
			assert_int_not_equal(*out, '\r');
			assert_int_not_equal(*out, 7);
			assert_false(out[0] == '\xc2' && out[1] == '\x9b');
		}
	}
}

static json_t *authority_line(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	BIO *output = BIO_new(BIO_s_mem());
	char *pem;
	json_t *line;
	long length;

	X509_set_version(certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"Headgate test", -1, -1, 0);
	X509_set_pubkey(certificate, key);
	X509_sign(certificate, key, EVP_sha256());
	PEM_write_bio_X509(output, certificate);
	length = BIO_get_mem_data(output, &pem);
	line = json_pack("{ss ss%}", "directory", "/d", "pem", pem, (size_t)length);
	BIO_free(output);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return line;
}

static void the_authority_is_shown_and_exported(void **state)
{
	json_t *line = authority_line();
	char *text = json_dumps(line, JSON_COMPACT);
	struct show facts = { .line = export_facts };
	struct show pem = { .line = export_pem };
	struct show der = { .line = export_der };
	const char *out;

	(void)state;
	text = realloc(text, strlen(text) + 2);
	strcat(text, "\n");
	out = shown(facts, text);
	assert_non_null(strstr(out, "subject:            CN=Headgate test\n"));
	assert_non_null(strstr(out, "sha256:             "));
	assert_non_null(strstr(out, "directory:          /d\n"));
	assert_string_equal(shown(pem, text), json_string_value(json_object_get(line, "pem")));
	assert_memory_equal(shown(der, text), "\x30\x82", 2);
	free(text);
	json_decref(line);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(lines_come_one_by_one_and_the_end_last),
		WITH_DAEMON(a_no_has_status_1_and_its_reason),
		WITH_DAEMON(a_daemon_that_ends_in_between_is_told),
		WITH_DAEMON(without_a_daemon_it_says_what_to_do),
		WITH_DAEMON(without_permission_it_says_who_may),
		cmocka_unit_test(tables_are_aligned),
		cmocka_unit_test(facts_are_listed_with_their_units),
		cmocka_unit_test(status_is_facts_and_a_table),
		cmocka_unit_test(texts_are_printed_as_they_are),
		cmocka_unit_test(findings_name_their_place),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(nothing_steers_the_terminal),
		cmocka_unit_test(the_authority_is_shown_and_exported),
	};

	alarm(60);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
