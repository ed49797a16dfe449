// link: daemon/allowance.c daemon/spare.c daemon/journal/har.c daemon/journal/har_file.c daemon/http/message.c daemon/http/exchange.c record -ljansson
/* HTTP Archives: an entry has what HAR 1.2 asks for, and the file is whole whatever became of its writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/journal/har.h"
#include "daemon/journal/har_file.h"

static char storage[RECORD_MAX];
static struct text text;
static struct endpoint client, server;
static struct rule rule = { .name = "look" };
static struct exchange exchange;
static struct connection_view view = { .id = 7, .client = &client, .server = &server };
static char path[] = "/tmp/headgate-har-XXXXXX";
static int directory = -1;

static struct instant after(int64_t microseconds)
{
	return (struct instant){ 1700000000123456 + microseconds, 5000000 + microseconds };
}

static uint32_t put(struct head *head, const char *string)
{
	uint32_t offset = head_add_text(head, string, strlen(string));

	assert_int_not_equal(offset, 0);
	return offset;
}

static int begin(void **state)
{
	struct head *request = &exchange.request;

	(void)state;
	head_begin(request, NULL);
	head_begin(&exchange.response, NULL);
	address_parse_with_port(&client.peer, "192.0.2.10:50000");
	address_parse_with_port(&server.peer, "[2001:db8::1]:443");
	client.tls_setup = after(90);
	server.start = after(1000);
	server.tcp_setup = after(3000);
	server.tls_setup = after(7000);
	request->version = HTTP_1_1;
	request->method = put(request, "POST");
	request->path = put(request, "/a\"b");
	request->query = put(request, "q=1&&empty&x=y=z&=only");
	request->port = 8443;
	strcpy(request->host, "shop.example");
	head_add_field(request, "Cookie", 6, "a=\xff\"b", 5);
	exchange.response.phrase = put(&exchange.response, "Fine");
	head_add_field(&exchange.response, "Content-Type", 12, "text/html", 9);
	exchange.rule = &rule;
	exchange.status = 200;
	exchange.start = after(0);
	exchange.request_end = after(8000);
	exchange.response_start = after(18000);
	exchange.end = after(20500);
	exchange.request_body = 3;
	exchange.response_body = 1234;
	text_begin(&text, storage, sizeof(storage));
	return 0;
}

static int end(void **state)
{
	(void)state;
	exchange_end(&exchange);
	memset(&exchange, 0, sizeof(exchange));
	return 0;
}

static json_t *entry(void)
{
	json_error_t error;
	json_t *parsed;

	har_print_entry(&text, &view, &exchange);
	assert_null(strchr(text.bytes, '\n'));
	parsed = json_loads(text.bytes, JSON_REJECT_DUPLICATES, &error);
	if (!parsed)
		fail_msg("%s in %s", error.text, text.bytes);
	return parsed;
}

static const char *word(json_t *object, const char *first, const char *second)
{
	json_t *value = json_object_get(object, first);

	return json_string_value(second ? json_object_get(value, second) : value);
}

static double number(json_t *object, const char *first, const char *second)
{
	json_t *value = json_object_get(object, first);

	value = second ? json_object_get(value, second) : value;
	assert_true(json_is_number(value));
	return json_number_value(value);
}

static void an_entry_has_what_the_standard_asks_for(void **state)
{
	static const char *const request_members[] = { "method", "url", "httpVersion", "cookies",
						       "headers", "queryString", "headersSize",
						       "bodySize" };
	static const char *const response_members[] = { "status", "statusText", "httpVersion",
							"cookies", "headers", "content",
							"redirectURL", "headersSize", "bodySize" };
	json_t *har = entry(), *queries;

	(void)state;
	for (size_t i = 0; i < sizeof(request_members) / sizeof(*request_members); i++)
		assert_non_null(json_object_get(json_object_get(har, "request"), request_members[i]));
	for (size_t i = 0; i < sizeof(response_members) / sizeof(*response_members); i++)
		assert_non_null(json_object_get(json_object_get(har, "response"), response_members[i]));
	assert_string_equal(word(har, "startedDateTime", NULL), "2023-11-14T22:13:20.123Z");
	assert_string_equal(word(har, "request", "url"),
			    "https://shop.example:8443/a\"b?q=1&&empty&x=y=z&=only");
	assert_string_equal(word(har, "serverIPAddress", NULL), "2001:db8::1");
	assert_string_equal(word(har, "response", "statusText"), "Fine");
	assert_int_equal(number(json_object_get(har, "response"), "content", "size"), 1234);
	queries = json_object_get(json_object_get(har, "request"), "queryString");
	assert_int_equal(json_array_size(queries), 4);
	assert_string_equal(word(json_array_get(queries, 2), "value", NULL), "y=z");
	assert_string_equal(word(json_array_get(queries, 1), "value", NULL), "");
	assert_true(json_is_object(json_object_get(har, "cache")));
	json_decref(har);
}

static void timings_add_up(void **state)
{
	static const char *const parts[] = { "blocked", "connect", "send", "wait", "receive" };
	json_t *har = entry();
	double sum = 0;

	(void)state;
	for (size_t i = 0; i < 5; i++)
		sum += number(har, "timings", parts[i]);
	assert_true(sum > 20.499 && sum < 20.501);
	assert_true(number(har, "time", NULL) > 20.499 && number(har, "time", NULL) < 20.501);
	assert_true(number(har, "timings", "ssl") == 4);
	assert_true(number(har, "timings", "connect") == 6);
	assert_true(number(har, "timings", "dns") == -1);
	json_decref(har);
	text_begin(&text, storage, sizeof(storage));
	server.resolved = after(2000);
	har = entry();
	assert_true(number(har, "timings", "dns") == 1);
	assert_true(number(har, "timings", "connect") == 5);
	assert_true(number(har, "time", NULL) > 20.499 && number(har, "time", NULL) < 20.501);
	server.resolved = (struct instant){ 0 };
	json_decref(har);
	text_begin(&text, storage, sizeof(storage));
	server.start = after(-5000);
	har = entry();
	assert_true(number(har, "timings", "connect") == -1);
	assert_true(number(har, "timings", "send") == 8);
	json_decref(har);
}

static void an_error_is_an_entry(void **state)
{
	json_t *har;

	(void)state;
	exchange.status = 0;
	exchange.error = REASON_CONNECT_REFUSED;
	exchange.response_start = exchange.request_end = (struct instant){ 0 };
	view.server = NULL;
	har = entry();
	view.server = &server;
	assert_int_equal(number(har, "response", "status"), 0);
	assert_string_equal(word(har, "response", "_error"), "connect-refused");
	json_decref(har);
}

static void what_is_too_long_loses_its_headers(void **state)
{
	static char value[60000];
	json_t *har;

	(void)state;
	memset(value, '"', sizeof(value));
	assert_int_equal(head_add_field(&exchange.response, "X", 1, value, sizeof(value)), 0);
	har = entry();
	assert_true(json_is_true(json_object_get(har, "_cut")));
	assert_int_equal(json_array_size(json_object_get(json_object_get(har, "request"), "headers")),
			 0);
	json_decref(har);
}

/* Files */

static int open_directory(void **state)
{
	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	if (!mkdtemp(path))
		return -1;
	directory = open(path, O_RDONLY | O_DIRECTORY);
	return directory < 0 ? -1 : 0;
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "x.har", "x.har.1", "x.har.2", "x.har.3" };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		unlinkat(directory, names[i], 0);
	close(directory);
	return rmdir(path);
}

static size_t count_entries(const char *name)
{
	char full[128];
	json_error_t error;
	json_t *har, *log;
	size_t count;

	snprintf(full, sizeof(full), "%s/%s", path, name);
	har = json_load_file(full, 0, &error);
	if (!har)
		fail_msg("%s:%d: %s", name, error.line, error.text);
	log = json_object_get(har, "log");
	assert_string_equal(word(log, "version", NULL), "1.2");
	count = json_array_size(json_object_get(log, "entries"));
	for (size_t i = 0; i < count; i++)
		assert_int_equal(number(json_array_get(json_object_get(log, "entries"), i), "n", NULL), i);
	json_decref(har);
	return count;
}

static uint64_t write_entry(struct har_file *file, int n)
{
	char line[64];
	int length = snprintf(line, sizeof(line), "{\"n\":%d,\"x\":[{}]}\n", n);

	return har_file_write(file, line, (size_t)length);
}

static void the_file_is_whole_after_each_entry(void **state)
{
	struct har_file *file = har_file_new(dup(directory), "x.har", 0, 1);

	(void)state;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(write_entry(file, i), 0);
		assert_int_equal(count_entries("x.har"), i + 1);
	}
	har_file_free(file);
	file = har_file_new(dup(directory), "x.har", 0, 1);
	assert_int_equal(write_entry(file, 20), 0);
	assert_int_equal(count_entries("x.har"), 21);
	har_file_free(file);
}

/* Wherever a write was torn, the next writer keeps what was whole before it. */
static void a_torn_file_is_mended(void **state)
{
	struct har_file *file = har_file_new(dup(directory), "x.har", 0, 3);
	struct stat two, three;
	char whole[512];
	int fd;

	(void)state;
	write_entry(file, 0);
	write_entry(file, 1);
	fstatat(directory, "x.har", &two, 0);
	write_entry(file, 2);
	fstatat(directory, "x.har", &three, 0);
	har_file_free(file);
	fd = openat(directory, "x.har", O_RDWR);
	assert_int_equal(pread(fd, whole, sizeof(whole), 0), three.st_size);
	/* A tail of five bytes was written over: from there on anything may be missing. */
	for (off_t size = two.st_size - 5; size < three.st_size; size++) {
		size_t kept;

		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, whole, (size_t)size, 0), size);
		file = har_file_new(dup(directory), "x.har", 0, 3);
		kept = size >= three.st_size - 4 ? 3 : 2;
		/* Without the comma behind it, nothing tells that the second one was whole. */
		if (size < two.st_size - 3)
			kept = 1;
		assert_int_equal(write_entry(file, (int)kept), 0);
		assert_int_equal(count_entries("x.har"), kept + 1);
		har_file_free(file);
	}
	close(fd);
}

static void foreign_files_are_put_aside(void **state)
{
	int fd = openat(directory, "x.har", O_WRONLY | O_CREAT, 0600);
	struct har_file *file = har_file_new(dup(directory), "x.har", 0, 2);

	(void)state;
	assert_int_equal(write(fd, "my notes\n", 9), 9);
	close(fd);
	assert_int_equal(write_entry(file, 0), 0);
	assert_int_equal(count_entries("x.har"), 1);
	assert_int_equal(faccessat(directory, "x.har.1", F_OK, 0), 0);
	har_file_free(file);
}

static void files_are_rotated(void **state)
{
	struct har_file *file = har_file_new(dup(directory), "x.har", 200, 2);

	(void)state;
	for (int i = 0, n = 0; i < 40; i++, n++) {
		struct stat before, after_it;

		if (fstatat(directory, "x.har", &before, 0))
			before.st_size = 0;
		if (before.st_size + snprintf(NULL, 0, "{\"n\":%d,\"x\":[{}]}", n) > 200)
			n = 0;
		assert_int_equal(write_entry(file, n), 0);
		fstatat(directory, "x.har", &after_it, 0);
		assert_true(after_it.st_size <= 200);
		count_entries("x.har");
	}
	count_entries("x.har.1");
	count_entries("x.har.2");
	assert_int_not_equal(faccessat(directory, "x.har.3", F_OK, 0), 0);
	har_file_free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry_has_what_the_standard_asks_for, begin, end),
		cmocka_unit_test_setup_teardown(timings_add_up, begin, end),
		cmocka_unit_test_setup_teardown(an_error_is_an_entry, begin, end),
		cmocka_unit_test_setup_teardown(what_is_too_long_loses_its_headers, begin, end),
		cmocka_unit_test_setup_teardown(the_file_is_whole_after_each_entry, open_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(a_torn_file_is_mended, open_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(foreign_files_are_put_aside, open_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(files_are_rotated, open_directory, remove_directory),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
