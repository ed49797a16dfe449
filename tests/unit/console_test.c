// link: daemon/console/query.c daemon/console/resource.c daemon/console/reception.c daemon/http/message.c daemon/http/guard.c daemon/allowance.c daemon/spare.c daemon/name.c daemon/address.c daemon/text.c daemon/tls/digest.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/console/query.h"
#include "daemon/console/reception.h"
#include "daemon/http/guard.h"
#include "daemon/text.h"
#include "daemon/tls/digest.h"

static const char token[] = "correct-horse-battery";
static const char *const names[] = { "gateway.lan", NULL };

static void values_are_found_and_decoded(void **state)
{
	static const struct {
		const char *query, *name, *value;
		int result;
	} rows[] = {
		{ "device=tv&host=www.example.com", "host", "www.example.com", 1 },
		{ "host=a%2Fb+c%3D%26", "host", "a/b c=&", 1 },
		{ "host=&x=1", "host", "", 1 },
		{ "hosts=1&xhost=2", "host", NULL, 0 },
		{ "host", "host", NULL, 0 },
		{ "", "host", NULL, 0 },
		{ NULL, "host", NULL, 0 },
		{ "host=%", "host", NULL, -1 },
		{ "host=%4", "host", NULL, -1 },
		{ "host=%4&x=41", "host", NULL, -1 },
		{ "host=%zz", "host", NULL, -1 },
		{ "host=a%00b", "host", NULL, -1 },
		{ "host=a%0ab", "host", NULL, -1 },
		{ "host=0123456789abcde", "host", "0123456789abcde", 1 },
		{ "host=0123456789abcdef", "host", NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char value[16];

		assert_int_equal(query_find(rows[i].query, rows[i].name, value, sizeof(value)),
				 rows[i].result);
		if (rows[i].result > 0)
			assert_string_equal(value, rows[i].value);
	}
}

static void a_question_holds_what_its_command_takes_and_no_more(void **state)
{
	const struct resource *explain = resource_find("/api/explain");
	char storage[256];
	struct text line;

	(void)state;
	text_begin(&line, storage, sizeof(storage));
	assert_int_equal(resource_question(explain, "command=reload&destination=%22%5C&device=tv", &line), 0);
	assert_string_equal(storage, "{\"command\":\"explain\",\"device\":\"tv\",\"destination\":\"\\\"\\\\\"}");
	text_begin(&line, storage, sizeof(storage));
	assert_int_equal(resource_question(resource_find("/api/status"), "device=tv", &line), 0);
	assert_string_equal(storage, "{\"command\":\"status\"}");
	text_begin(&line, storage, 20);
	assert_int_equal(resource_question(resource_find("/api/status"), NULL, &line), -1);
	assert_null(resource_find("/api/reload"));
	assert_null(resource_find("/console.js/"));
}

/* A request as the guard leaves it. */
static struct reception ask(const char *method, const char *path, const char *host,
			    const char *const *fields)
{
	char digest[DIGEST_HEX_SIZE];
	const char *detail = NULL;
	struct reception reception;
	struct head head;

	head_begin(&head, NULL);
	head.version = HTTP_1_1;
	head.method = head_add_text(&head, method, strlen(method));
	head.path = head_add_text(&head, path, strlen(path));
	assert_int_equal(head_add_field(&head, "Host", 4, host, strlen(host)), 0);
	for (; fields && fields[0]; fields += 2)
		assert_int_equal(head_add_field(&head, fields[0], strlen(fields[0]), fields[1],
						strlen(fields[1])),
				 0);
	assert_int_equal(guard_request(&head, &detail), REASON_NONE);
	digest_hex(token, digest);
	reception = reception_judge(&head, digest, names);
	head_end(&head);
	return reception;
}

static void only_its_own_names_and_addresses_are_served(void **state)
{
	static const char *const good[] = { "192.0.2.1", "192.0.2.1:8090", "[2001:db8::1]:8090", "localhost:1",
					    "GATEWAY.lan.", "gateway.lan:8090" };
	static const char *const bad[] = { "evil.example", "gateway.lan.evil.example", "192.0.2.1.evil.example",
					   "lan" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_non_null(ask("GET", "/", good[i], NULL).resource);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(ask("GET", "/", bad[i], NULL).status, 421);
}

static void what_is_private_wants_the_token(void **state)
{
	static const char *const right[] = { "Authorization", "Bearer correct-horse-battery", NULL };
	static const char *const other_case[] = { "Authorization", "bearer correct-horse-battery", NULL };
	static const char *const wrong[] = { "Authorization", "Bearer correct-horse-batterY", NULL };
	static const char *const longer[] = { "Authorization", "Bearer correct-horse-battery ", NULL };
	static const char *const basic[] = { "Authorization", "Basic Y29ycmVjdA==", NULL };
	static const char *const empty[] = { "Authorization", "Bearer ", NULL };

	(void)state;
	assert_true(ask("GET", "/api/status", "192.0.2.1", right).known);
	assert_true(ask("HEAD", "/metrics?x=1", "192.0.2.1", other_case).known);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1", NULL).status, 401);
	assert_false(ask("GET", "/api/status", "192.0.2.1", NULL).wrong);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1", wrong).status, 401);
	assert_true(ask("GET", "/api/status", "192.0.2.1", wrong).wrong);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1", longer).status, 401);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1", basic).status, 401);
	assert_int_equal(ask("GET", "/metrics", "192.0.2.1", empty).status, 401);
	assert_false(ask("GET", "/", "192.0.2.1", right).known);
}

static void over_plain_http_nothing_private_is_served_where_there_is_tls(void **state)
{
	static const char host[] = "192.0.2.1";
	struct head head;
	const char *detail;

	(void)state;
	for (int private = 0; private < 2; private++) {
		const char *path = private ? "/api/status" : "/authority.pem";
		struct reception reception;

		head_begin(&head, NULL);
		head.version = HTTP_1_1;
		head.method = head_add_text(&head, "GET", 3);
		head.path = head_add_text(&head, path, strlen(path));
		assert_int_equal(head_add_field(&head, "Host", 4, host, strlen(host)), 0);
		assert_int_equal(guard_request(&head, &detail), REASON_NONE);
		reception = reception_judge_exposed(&head, names);
		assert_int_equal(reception.resource == NULL, private);
		assert_int_equal(reception.status, private ? 403 : 0);
		head_end(&head);
	}
}

static void nothing_is_sent_to_it_and_no_other_page_asks(void **state)
{
	static const char *const own[] = { "Authorization", "Bearer correct-horse-battery", "Origin",
					   "http://192.0.2.1:8090", "Sec-Fetch-Site", "same-origin", NULL };
	static const char *const other[] = { "Authorization", "Bearer correct-horse-battery", "Origin",
					     "http://192.0.2.1:8091", NULL };
	static const char *const none[] = { "Authorization", "Bearer correct-horse-battery", "Origin", "null",
					    NULL };
	static const char *const cross[] = { "Authorization", "Bearer correct-horse-battery", "Sec-Fetch-Site",
					     "cross-site", NULL };

	(void)state;
	assert_non_null(ask("GET", "/api/status", "192.0.2.1:8090", own).resource);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1:8090", other).status, 403);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1:8090", none).status, 403);
	assert_int_equal(ask("GET", "/api/status", "192.0.2.1:8090", cross).status, 403);
	assert_int_equal(ask("POST", "/api/status", "192.0.2.1:8090", own).status, 405);
	assert_int_equal(ask("OPTIONS", "/api/status", "192.0.2.1:8090", other).status, 405);
	assert_int_equal(ask("GET", "/nothing", "192.0.2.1:8090", own).status, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_found_and_decoded),
		cmocka_unit_test(a_question_holds_what_its_command_takes_and_no_more),
		cmocka_unit_test(only_its_own_names_and_addresses_are_served),
		cmocka_unit_test(what_is_private_wants_the_token),
		cmocka_unit_test(over_plain_http_nothing_private_is_served_where_there_is_tls),
		cmocka_unit_test(nothing_is_sent_to_it_and_no_other_page_asks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
