// link: tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Requests and responses in turn, where they go, and how a conversation ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/dialogue.h"

static void a_request_is_answered(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "GET /x?y HTTP/1.1\r\nHost: A.example\r\nAccept:  */* \r\n\r\n");
	server_hears(dialogue, 0, "GET /x?y HTTP/1.1\r\nHost: A.example\r\nAccept: */*\r\n\r\n");
	server_says(dialogue, 0, OK "Server: s\r\nContent-Length: 2\r\n\r\nhi");
	client_hears(dialogue, OK "Server: s\r\nContent-Length: 2\r\n\r\nhi");
	assert_string_equal(dialogue->notes, "request-headers request response-headers response ");
	assert_int_equal(dialogue->status, 200);
	assert_int_equal(dialogue->error, REASON_NONE);
	assert_null(conversation_exchange(dialogue->conversation, NULL));
}

static void a_server_is_used_again(void **state)
{
	struct dialogue *dialogue = *state;

	for (int i = 0; i < 3; i++) {
		client_says(dialogue, GET);
		server_hears(dialogue, 0, GET);
		server_says(dialogue, 0, OK_HI);
		client_hears(dialogue, OK_HI);
	}
	assert_int_equal(dialogue->server_count, 1);
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
	assert_true(dialogue->heard_end);
}

static void an_idle_conversation_is_small(void **state)
{
	struct dialogue *dialogue = *state;
	size_t before = mallinfo2().uordblks, after;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI);
	after = mallinfo2().uordblks;
	/* The printer's head is the process's, not the conversation's. */
	if (before)
		assert_true(after - before < DIALOGUE_TEXT + 4096);
}

static void pipelined_requests_wait_their_turn(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "GET /1 HTTP/1.1\r\n" HOST "\r\nPOST /2 HTTP/1.1\r\n" HOST
			      "Content-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\n" HOST "\r\n");
	server_hears(dialogue, 0, "GET /1 HTTP/1.1\r\n" HOST "\r\n");
	server_says(dialogue, 0, OK_HI);
	server_hears(dialogue, 0, "POST /2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	server_says(dialogue, 0, OK_HI);
	server_hears(dialogue, 0, "GET /3 HTTP/1.1\r\n" HOST "\r\n");
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI OK_HI OK_HI);
}

static void each_request_may_go_elsewhere(void **state)
{
	static const struct upstream upstream = { .server_count = 1, .servers[0] = { .host = (char *)"api.example", .port = 443 },
						  .tls = UPSTREAM_TLS_ON };
	static const struct rule route = { .verdict = VERDICT_ROUTE, .upstream = &upstream };
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	dialogue->rule = &route;
	client_says(dialogue, GET);
	server_hears(dialogue, 0, GET);
	server_hears(dialogue, 1, "GET / HTTP/1.1\r\nHost: api.example\r\n\r\n");
	server_says(dialogue, 1, OK_HI);
	dialogue->rule = &dialogue_pass;
	client_says(dialogue, GET);
	server_hears(dialogue, 0, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI OK_HI OK_HI);
}

static void an_upstream_by_address_keeps_host(void **state)
{
	static const struct upstream upstream = { .server_count = 1,
						  .servers[0].address = { .family = AF_INET } };
	static const struct rule route = { .verdict = VERDICT_ROUTE, .upstream = &upstream };
	struct dialogue *dialogue = *state;

	dialogue->rule = &route;
	client_says(dialogue, GET);
	server_hears(dialogue, 0, GET);
}

static void an_upstream_with_another_port_says_it_in_host(void **state)
{
	static const struct upstream upstream = { .server_count = 1, .servers[0] = { .host = (char *)"api.example", .port = 8443 },
						  .tls = UPSTREAM_TLS_ON };
	static const struct rule route = { .verdict = VERDICT_ROUTE, .upstream = &upstream };
	struct dialogue *dialogue = *state;

	dialogue->rule = &route;
	client_says(dialogue, GET);
	server_hears(dialogue, 0, "GET / HTTP/1.1\r\nHost: api.example:8443\r\n\r\n");
}

static void headers_are_edited_in_the_order_written(void **state)
{
	static struct edit request[] = {
		{ EDIT_ADD, (char *)"X", (char *)"lost" },
		{ EDIT_REMOVE, (char *)"x", NULL },
		{ EDIT_SET, (char *)"Cookie", (char *)"none" },
		{ EDIT_ADD, (char *)"X", (char *)"2" },
		{ EDIT_SET, (char *)"Content-Length", (char *)"7" },
		{ EDIT_ADD, (char *)"Bad", (char *)"a\r\nEvil: b" },
	};
	static struct edit response[] = {
		{ EDIT_REMOVE, (char *)"Server", NULL },
		{ EDIT_SET, (char *)"Y", (char *)"z" },
	};
	static const struct rule rule = {
		.verdict = VERDICT_PASS,
		.request_headers = { 6, request },
		.response_headers = { 2, response },
	};
	struct dialogue *dialogue = *state;

	dialogue->rule = &rule;
	client_says(dialogue, "GET / HTTP/1.1\r\n" HOST "X: 1\r\ncookie: a\r\nB: c\r\n\r\n");
	server_hears(dialogue, 0, "GET / HTTP/1.1\r\n" HOST "B: c\r\nCookie: none\r\nX: 2\r\n\r\n");
	server_says(dialogue, 0, OK "Server: s\r\nY: 1\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, OK "Y: z\r\nContent-Length: 0\r\n\r\n");
}

static void an_edit_of_host_has_the_last_word(void **state)
{
	static struct edit edit = { EDIT_SET, (char *)"host", (char *)"c.example" };
	static const struct rule rule = { .verdict = VERDICT_PASS,
					  .request_headers = { 1, &edit } };
	struct dialogue *dialogue = *state;

	dialogue->rule = &rule;
	client_says(dialogue, GET);
	server_hears(dialogue, 0, "GET / HTTP/1.1\r\nHost: c.example\r\n\r\n");
}

static void hop_by_hop_fields_end_here(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue,
		    "GET / HTTP/1.1\r\n" HOST
		    "Connection: keep-alive, X-Hop, HTTP2-Settings, Upgrade\r\n"
		    "X-Hop: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\n"
		    "Upgrade: h2c, HTTP/2.0\r\nHTTP2-Settings: AAA\r\nTE: trailers, gzip\r\n"
		    "Trailer: x\r\nVia: 1.1 other\r\n\r\n");
	server_hears(dialogue, 0,
		     "GET / HTTP/1.1\r\n" HOST
		     "Via: 1.1 other\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
	server_says(dialogue, 0,
		    OK "Connection: X, keep-alive\r\nX: y\r\nKeep-Alive: timeout=5\r\n"
		       "Upgrade: h2,h2c\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, OK "Content-Length: 0\r\n\r\n");
}

static void a_half_closed_client_gets_its_answer(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_NONE);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI);
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
}

static void a_client_that_leaves_while_waiting_frees_the_server(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET GET);
	client_closes(dialogue);
	assert_int_equal(dialogue->finished, REASON_CLIENT_RESET);
	assert_int_equal(dialogue->servers[0].side.fd, -1);
}

static void a_server_is_told_when_the_client_asks_to_close(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n" GET);
	server_hears(dialogue, 0, "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi");
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->server_count, 1);
	server_hears(dialogue, 0, "");
}

static void a_server_that_closed_meanwhile_is_replaced_once(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	dialogue->late = true;
	client_says(dialogue, GET);
	close(dialogue->servers[0].fd);
	dialogue->servers[0].fd = -1;
	dialogue->late = false;
	host_answers(dialogue);
	assert_int_equal(dialogue->server_count, 2);
	server_hears(dialogue, 1, GET);
	server_says(dialogue, 1, OK_HI);
	client_hears(dialogue, OK_HI OK_HI);
	assert_string_equal(dialogue->notes, "request-headers request response-headers response "
					     "request-headers request response-headers response ");
}

static void a_post_is_never_repeated(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_says(dialogue, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	server_closes(dialogue, 0);
	client_hears(dialogue, OK_HI);
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->server_count, 1);
	assert_int_equal(dialogue->error, REASON_TRUNCATED);
}

static void a_fresh_server_that_closes_is_a_bad_gateway(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_closes(dialogue, 0);
	client_hears_page(dialogue, 502);
	assert_int_equal(dialogue->server_count, 1);
}

static void bytes_behind_a_response_spoil_the_server(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI "HTTP/1.1 200 Poison\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, OK_HI);
	assert_int_equal(dialogue->servers[0].side.fd, -1);
	client_says(dialogue, GET);
	server_hears(dialogue, 1, GET);
}

static void requests_wait_for_a_late_server(void **state)
{
	struct dialogue *dialogue = *state;

	dialogue->late = true;
	client_says(dialogue, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nab");
	client_says(dialogue, "c" GET);
	assert_int_equal(dialogue->server_count, 0);
	dialogue->late = false;
	host_answers(dialogue);
	server_hears(dialogue, 0, "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
	server_says(dialogue, 0, OK_HI);
	server_hears(dialogue, 0, GET);
}

static void a_client_that_leaves_a_late_server_is_forgotten(void **state)
{
	struct dialogue *dialogue = *state;

	dialogue->late = true;
	client_says(dialogue, GET GET);
	client_closes(dialogue);
	assert_int_equal(dialogue->finished, REASON_CLIENT_RESET);
}

static int seconds_of(const struct dialogue *dialogue, enum limit limit)
{
	return (int)(dialogue->limits.value[limit] / LIMIT_SECOND);
}

/* Deadlines are asked for, then the clock is taken to have come there. */
static void expire(struct dialogue *dialogue, int64_t seconds)
{
	int64_t left = conversation_deadline(dialogue->conversation) - clock_steady();

	assert_true(left <= seconds * 1000000 && left > (seconds - 5) * 1000000);
}

static void deadlines_follow_the_phases(void **state)
{
	struct dialogue *dialogue = *state;

	dialogue_run(dialogue);
	expire(dialogue, seconds_of(dialogue, LIMIT_KEEP_ALIVE));
	client_says(dialogue, "POST /");
	expire(dialogue, seconds_of(dialogue, LIMIT_REQUEST));
	client_says(dialogue, " HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n");
	expire(dialogue, seconds_of(dialogue, LIMIT_GRACE));
	client_says(dialogue, "ab");
	expire(dialogue, seconds_of(dialogue, LIMIT_RESPONSE));
	server_says(dialogue, 0, OK "Content-Length: 3\r\n\r\na");
	expire(dialogue, seconds_of(dialogue, LIMIT_IDLE));
	server_says(dialogue, 0, "bc");
	expire(dialogue, seconds_of(dialogue, LIMIT_KEEP_ALIVE));
	dialogue->late = true;
	client_says(dialogue, GET);
	expire(dialogue, seconds_of(dialogue, LIMIT_RESPONSE));
	conversation_expire(dialogue->conversation);
	assert_int_equal(dialogue->finished, REASON_NONE);
}

static void draining_ends_after_the_exchange(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	conversation_drain(dialogue->conversation);
	assert_int_equal(dialogue->finished, REASON_NONE);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi");
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_DRAINED);
}

static void retiring_answers_one_more_request(void **state)
{
	struct dialogue *dialogue = *state;

	conversation_retire(dialogue->conversation);
	dialogue_run(dialogue);
	assert_false(dialogue->heard_end);
	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi");
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
}

static void draining_ends_an_idle_conversation_at_once(void **state)
{
	struct dialogue *dialogue = *state;

	dialogue_run(dialogue);
	client_ends(dialogue);
	(void)dialogue;
	dialogue = dialogue_new();
	conversation_drain(dialogue->conversation);
	dialogue_run(dialogue);
	assert_true(dialogue->heard_end);
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_DRAINED);
	dialogue_free(dialogue);
}

static void an_exchange_that_is_freed_has_ended(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	conversation_free(dialogue->conversation);
	dialogue->conversation = NULL;
	dialogue->finished = REASON_CUT;
	assert_string_equal(dialogue->notes, "request-headers request error ");
	assert_int_equal(dialogue->error, REASON_CUT);
}

static void empty_lines_at_the_end_are_no_request(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_says(dialogue, "\r\n");
	client_ends(dialogue);
	client_hears(dialogue, OK_HI);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
	assert_string_equal(dialogue->notes, "request-headers request response-headers response ");
}

/* The largest head that may come in still fits when it goes out. */
static void the_largest_head_is_carried(void **state)
{
	static char bytes[HEAD_MAX * 2];
	size_t length;
	struct dialogue *dialogue = *state;

	length = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\n" HOST);
	while (length < HEAD_MAX - 400)
		length += (size_t)sprintf(bytes + length, "A: %0300d\r\n", 1);
	length += (size_t)sprintf(bytes + length, "\r\n");
	client_says_bytes(dialogue, bytes, length);
	server_hears(dialogue, 0, bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogue_begin, dialogue_end)
	const struct CMUnitTest tests[] = {
		TEST(a_request_is_answered),
		TEST(a_server_is_used_again),
		TEST(an_idle_conversation_is_small),
		TEST(pipelined_requests_wait_their_turn),
		TEST(each_request_may_go_elsewhere),
		TEST(an_upstream_by_address_keeps_host),
		TEST(an_upstream_with_another_port_says_it_in_host),
		TEST(headers_are_edited_in_the_order_written),
		TEST(an_edit_of_host_has_the_last_word),
		TEST(hop_by_hop_fields_end_here),
		TEST(a_half_closed_client_gets_its_answer),
		TEST(a_client_that_leaves_while_waiting_frees_the_server),
		TEST(a_server_is_told_when_the_client_asks_to_close),
		TEST(a_server_that_closed_meanwhile_is_replaced_once),
		TEST(a_post_is_never_repeated),
		TEST(a_fresh_server_that_closes_is_a_bad_gateway),
		TEST(bytes_behind_a_response_spoil_the_server),
		TEST(requests_wait_for_a_late_server),
		TEST(a_client_that_leaves_a_late_server_is_forgotten),
		TEST(deadlines_follow_the_phases),
		TEST(draining_ends_after_the_exchange),
		TEST(retiring_answers_one_more_request),
		TEST(draining_ends_an_idle_conversation_at_once),
		TEST(an_exchange_that_is_freed_has_ended),
		TEST(empty_lines_at_the_end_are_no_request),
		TEST(the_largest_head_is_carried),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
