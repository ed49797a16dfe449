// link: tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/dialogue.h"

#define HOST  "Host: a.example\r\n"
#define GET   "GET / HTTP/1.1\r\n" HOST "\r\n"
#define OK    "HTTP/1.1 200 OK\r\n"
#define OK_HI OK "Content-Length: 2\r\n\r\nhi"

static int begin(void **state)
{
	*state = dialogue_new();
	return 0;
}

static int end(void **state)
{
	dialogue_free(*state);
	return 0;
}

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

/* D03 */
static void chunked_bodies_and_trailers_go_both_ways(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue,
		    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTrailer: A\r\n\r\n"
		    "3;x=y\r\nabc\r\n002\r\nde\r\n0\r\nA: b\r\nHost: c\r\n\r\n");
	server_hears(dialogue, 0,
		     "POST / HTTP/1.1\r\n" HOST "Trailer: A\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "5\r\nabcde\r\n0\r\nA: b\r\n\r\n");
	server_says(dialogue, 0, OK "Transfer-Encoding: Chunked\r\n\r\n");
	client_hears(dialogue, OK "Transfer-Encoding: chunked\r\n\r\n");
	server_says(dialogue, 0, "3\r\nabc\r\n2\r\nd");
	client_hears(dialogue, "4\r\nabcd\r\n");
	server_says(dialogue, 0, "e\r\n0\r\nContent-Length: 9\r\nB: c\r\n\r\n");
	client_hears(dialogue, "1\r\ne\r\n0\r\nB: c\r\n\r\n");
	client_says(dialogue, GET);
	server_hears(dialogue, 0, GET);
}

static void chunks_may_be_split_anywhere(void **state)
{
	static const char bytes[] = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
				    "3\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n";
	static const char answer[] = OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
	size_t length = sizeof(bytes) - 1;

	(void)state;
	for (size_t i = 1; i < length; i++) {
		struct dialogue *dialogue = dialogue_new();
		const char *body;

		client_says_bytes(dialogue, bytes, i);
		client_says_bytes(dialogue, bytes + i, length - i);
		dialogue->servers[0].received[dialogue->servers[0].length] = '\0';
		body = strstr(dialogue->servers[0].received, "\r\n\r\n") + 4;
		assert_true(strcmp(body, "5\r\nabcde\r\n0\r\nA: b\r\n\r\n") == 0 ||
			    strstr(body, "\r\n0\r\nA: b\r\n\r\n"));
		for (size_t j = 0; j < sizeof(answer) - 1; j++) {
			char one[2] = { answer[j], '\0' };

			server_says(dialogue, 0, one);
		}
		assert_string_equal(dialogue->notes,
				    "request-headers request response-headers response ");
		dialogue_free(dialogue);
	}
}

static void expect_is_answered_by_the_server(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue,
		    "PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	server_hears(dialogue, 0,
		     "PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	server_says(dialogue, 0, "HTTP/1.1 100 Continue\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 100 Continue\r\n\r\n");
	client_says(dialogue, "abc");
	server_hears(dialogue, 0, "abc");
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI);
}

static void a_client_that_does_not_wait_for_100_goes_on(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "PUT / HTTP/1.1\r\n" HOST
			      "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc");
	server_says(dialogue, 0, "HTTP/1.1 100 Continue\r\n\r\n" OK_HI);
	client_hears(dialogue, "HTTP/1.1 100 Continue\r\n\r\n" OK_HI);
}

static void a_refused_expectation_closes(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue,
		    "PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	server_says(dialogue, 0, "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	assert_true(dialogue->heard_end);
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
	assert_int_equal(dialogue->servers[0].side.fd, -1);
}

static void interim_responses_pass(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0,
		    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	server_says(dialogue, 0, "HTTP/1.1 102 P\r\nContent-Length: 5\r\n\r\n" OK_HI);
	client_hears(dialogue, "HTTP/1.1 102 P\r\n\r\n" OK_HI);
	assert_string_equal(dialogue->notes, "request-headers request response-headers response ");
}

static void interim_responses_do_not_reach_http_1_0(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "GET / HTTP/1.0\r\n\r\n");
	server_hears(dialogue, 0, "GET / HTTP/1.0\r\n\r\n");
	server_says(dialogue, 0, "HTTP/1.1 103 Early Hints\r\n\r\n" OK_HI);
	client_hears(dialogue, OK "Content-Length: 2\r\nConnection: close\r\n\r\nhi");
	assert_true(dialogue->heard_end);
}

static void endless_interim_responses_are_refused(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "GET / HTTP/1.0\r\n\r\n");
	for (int i = 0; i < 40 && !dialogue->heard_end; i++)
		server_says(dialogue, 0, "HTTP/1.1 102 P\r\n\r\n");
	client_hears_page(dialogue, 502);
	assert_int_equal(dialogue->error, REASON_RESPONSE_MALFORMED);
}

static void http_1_0_stays_when_it_asks_and_can(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	server_hears(dialogue, 0, "GET / HTTP/1.0\r\n\r\n");
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK "Content-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
	client_says(dialogue, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	server_says(dialogue, 1,
		    OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nA: b\r\n\r\n");
	client_hears(dialogue, OK "Connection: close\r\n\r\nhi");
	assert_true(dialogue->heard_end);
}

static void responses_without_a_body_keep_their_length(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
	server_says(dialogue, 0, OK "Content-Length: 99\r\n\r\n");
	client_hears(dialogue, OK "Content-Length: 99\r\n\r\n");
	client_says(dialogue, GET);
	server_says(dialogue, 0, "HTTP/1.1 304 X\r\nContent-Length: 99\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 304 X\r\nContent-Length: 99\r\n\r\n");
	client_says(dialogue, GET);
	server_says(dialogue, 0, "HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 204 X\r\n\r\n");
	assert_int_equal(dialogue->server_count, 1);
}

static void a_response_until_close_closes(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK "\r\nabc");
	client_hears(dialogue, OK "Connection: close\r\n\r\nabc");
	server_says(dialogue, 0, "def");
	client_hears(dialogue, "def");
	assert_false(dialogue->heard_end);
	server_closes(dialogue, 0);
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->error, REASON_NONE);
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
}

static void an_early_response_ends_the_upload(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nabc");
	server_says(dialogue, 0, "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno");
	client_hears(dialogue,
		     "HTTP/1.1 413 Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
	assert_true(dialogue->heard_end);
	client_says(dialogue, "more that nobody wants");
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
	server_hears(dialogue, 0, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nabc");
}

static void an_early_response_and_the_upload_can_run_together(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue,
		    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
	server_says(dialogue, 0, OK "Transfer-Encoding: chunked\r\n\r\n1\r\nA\r\n");
	client_says(dialogue, "1\r\nb\r\n");
	server_says(dialogue, 0, "1\r\nB\r\n");
	client_says(dialogue, "0\r\n\r\n");
	server_says(dialogue, 0, "0\r\n\r\n");
	server_hears(dialogue, 0,
		     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		     "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
	client_hears(dialogue, OK "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
				  "1\r\nA\r\n1\r\nB\r\n0\r\n\r\n");
}

static void an_answer_survives_a_server_that_takes_no_more(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, "POST / HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\nabc");
	send(dialogue->servers[0].fd, "HTTP/1.1 413 L\r\nContent-Length: 0\r\n\r\n", 37, 0);
	shutdown(dialogue->servers[0].fd, SHUT_RDWR);
	client_says(dialogue, "def");
	client_hears(dialogue, "HTTP/1.1 413 L\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
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

static void a_client_that_ends_inside_its_body_breaks_the_request(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue,
		    "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
	client_ends(dialogue);
	assert_int_equal(dialogue->error, REASON_CLIENT_RESET);
	assert_int_equal(dialogue->finished, REASON_CLIENT_RESET);
	assert_int_equal(dialogue->servers[0].side.fd, -1);
	server_hears(dialogue, 0,
		     "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
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

static void a_truncated_response_is_seen_to_be_truncated(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	server_closes(dialogue, 0);
	client_hears(dialogue, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->error, REASON_TRUNCATED);
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_TRUNCATED);
}

static void a_broken_response_is_a_bad_gateway(void **state)
{
	static const char *const wrong[] = {
		"SSH-2.0-x\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi",
		OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nhi",
		OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nhi",
		OK "Transfer-Encoding: gzip, chunked\r\n\r\nhi",
		OK "A: b\r\n folded\r\n\r\n",
		OK "Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
		"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
		"HTTP/2 200\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct dialogue *dialogue = dialogue_new();

		client_says(dialogue, GET);
		server_says(dialogue, 0, wrong[i]);
		if (dialogue->heard_reset)
			assert_int_equal(dialogue->heard_length, 0);
		else
			client_hears_page(dialogue, 502);
		assert_int_equal(dialogue->error, REASON_RESPONSE_MALFORMED);
		assert_int_equal(dialogue->servers[0].side.fd, -1);
		dialogue_free(dialogue);
	}
}

static void a_response_that_breaks_later_is_cut(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	server_says(dialogue, 0, "nonsense\r\n");
	client_hears(dialogue, OK "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
	assert_int_equal(dialogue->finished, REASON_RESPONSE_MALFORMED);
}

static void a_block_is_a_page_or_nothing(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	static const struct rule reset = { .verdict = VERDICT_BLOCK, .block = BLOCK_RESET };
	struct dialogue *dialogue = *state;

	dialogue->rule = &page;
	client_says(dialogue, "GET /<script>alert(1)</script> HTTP/1.1\r\n" HOST "\r\n");
	assert_null(strstr(dialogue->heard, "script"));
	client_hears_page(dialogue, 403);
	assert_int_equal(dialogue->error, REASON_BLOCKED);
	assert_int_equal(dialogue->server_count, 0);
	assert_string_equal(dialogue->notes, "request-headers error ");
	client_ends(dialogue);
	assert_int_equal(dialogue->finished, REASON_BLOCKED);

	dialogue = dialogue_new();
	dialogue->rule = &reset;
	client_says(dialogue, GET);
	client_hears(dialogue, "");
	assert_int_equal(dialogue->finished, REASON_BLOCKED);
	dialogue_free(dialogue);
}

static void a_block_does_not_wait_for_the_body(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	struct dialogue *dialogue = *state;

	dialogue->rule = &page;
	client_says(dialogue,
		    "PUT / HTTP/1.1\r\n" HOST "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	client_hears_page(dialogue, 403);
}

static void the_page_for_head_has_no_body(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	struct dialogue *dialogue = *state;

	dialogue->rule = &page;
	client_says(dialogue, "HEAD / HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(dialogue->heard, "\r\n\r\n"));
	assert_string_equal(strstr(dialogue->heard, "\r\n\r\n"), "\r\n\r\n");
}

static void a_rule_about_the_status_sees_the_response(void **state)
{
	static const struct rule page = { .verdict = VERDICT_BLOCK, .block = BLOCK_PAGE };
	static const struct rule pass = { .verdict = VERDICT_PASS };
	struct dialogue *dialogue = *state;

	dialogue->response_rule = &pass;
	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI);
	assert_int_equal(dialogue->judgements, 3);
	dialogue->response_rule = &page;
	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears_page(dialogue, 403);
	assert_int_equal(dialogue->error, REASON_BLOCKED);
}

static void a_server_out_of_reach_is_a_page(void **state)
{
	static const struct {
		enum reason reason;
		unsigned status;
	} cases[] = {
		{ REASON_CONNECT_REFUSED, 502 },    { REASON_CONNECT_TIMEOUT, 504 },
		{ REASON_TLS_SERVER_TIMEOUT, 504 }, { REASON_TOO_MANY, 503 },
		{ REASON_ORIGIN_EXPIRED, 502 },	    { REASON_NAME_UNRESOLVED, 502 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dialogue *dialogue = dialogue_new();

		dialogue->reach_failure = cases[i].reason;
		client_says(dialogue, GET);
		client_hears_page(dialogue, cases[i].status);
		assert_int_equal(dialogue->error, cases[i].reason);
		dialogue_free(dialogue);
	}
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

#define WEBSOCKET                                                                                  \
	"GET /chat HTTP/1.1\r\n" HOST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"  \
	"Sec-WebSocket-Key: x\r\n\r\n"
#define SWITCHING                                                                                  \
	"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: y\r\nUpgrade: websocket\r\n"    \
	"Connection: Upgrade\r\n\r\n"

static void a_websocket_is_handed_over_with_all_its_bytes(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET "early");
	server_hears(dialogue, 0,
		     "GET /chat HTTP/1.1\r\n" HOST
		     "Sec-WebSocket-Key: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	server_says(dialogue, 0, SWITCHING "frame");
	client_hears(dialogue, SWITCHING "frame");
	server_hears(dialogue, 0, "early");
	assert_string_equal(dialogue->notes,
			    "request-headers request response-headers response websocket-start ");
	assert_true(conversation_exchange(dialogue->conversation, NULL)->websocket);
	assert_int_equal(dialogue->finished, REASON_NONE);
}

static void a_tunnel_ends_in_each_direction(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET);
	server_says(dialogue, 0, SWITCHING);
	client_hears(dialogue, SWITCHING);
	client_says(dialogue, "ping");
	client_ends(dialogue);
	server_says(dialogue, 0, "pong");
	client_hears(dialogue, "pong");
	assert_int_equal(dialogue->finished, REASON_NONE);
	server_closes(dialogue, 0);
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
	assert_string_equal(dialogue->notes, "request-headers request response-headers response "
					     "websocket-start websocket-end ");
}

static void a_tunnel_breaks_with_either_end(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET);
	server_says(dialogue, 0, SWITCHING);
	client_closes(dialogue);
	server_says(dialogue, 0, "anybody there?");
	assert_int_equal(dialogue->finished, REASON_CLIENT_RESET);
	assert_non_null(strstr(dialogue->notes, "websocket-end "));
}

static void a_refused_upgrade_goes_on_as_http(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET GET);
	server_hears(dialogue, 0,
		     "GET /chat HTTP/1.1\r\n" HOST
		     "Sec-WebSocket-Key: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	server_says(dialogue, 0,
		    "HTTP/1.1 426 No\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 426 No\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
			       "Connection: Upgrade\r\n\r\n");
	server_hears(dialogue, 0, GET);
}

static void a_huge_body_waits_for_a_slow_reader(void **state)
{
	enum { BODY = 16 << 20 };
	struct dialogue *dialogue = *state;
	char *block = malloc(65536);
	size_t sent = 0, got = 0;

	assert_non_null(block);
	memset(block, 'x', 65536);
	client_says(dialogue, GET);
	sent = (size_t)snprintf(dialogue->heard, 99, OK "Content-Length: %d\r\n\r\n", BODY);
	assert_int_equal(send(dialogue->servers[0].fd, dialogue->heard, sent, 0), sent);
	for (sent = 0; sent < BODY;) {
		ssize_t count = send(dialogue->servers[0].fd, block,
				     BODY - sent < 65536 ? BODY - sent : 65536, 0);

		if (count > 0)
			sent += (size_t)count;
		dialogue_turn(dialogue);
		assert_true(side_pending(&dialogue->client) <= 2 * CHUNK_SIZE);
		if (count > 0)
			continue;
		/* Nothing moves until the client reads. */
		count = read(dialogue->fd, block, 1000);
		assert_true(count > 0);
		got += (size_t)count;
		memset(block, 'x', 65536);
	}
	while (got < BODY) {
		ssize_t count;

		dialogue_turn(dialogue);
		count = read(dialogue->fd, block, 65536);
		if (count > 0)
			got += (size_t)count;
	}
	assert_string_equal(dialogue->notes, "request-headers request response-headers response ");
	free(block);
}

static void a_huge_upload_waits_for_a_slow_server(void **state)
{
	struct dialogue *dialogue = *state;
	static char block[65536];
	size_t blocked = 0;

	client_says(dialogue, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 300; i++) {
		memset(block, 'x', sizeof(block));
		memcpy(block, "fff8\r\n", 6);
		memcpy(block + sizeof(block) - 2, "\r\n", 2);
		if (send(dialogue->fd, block, sizeof(block), 0) < 0)
			blocked++;
		dialogue_turn(dialogue);
		assert_true(side_pending(&dialogue->servers[0].side) <= 2 * CHUNK_SIZE);
	}
	assert_true(blocked > 0);
}

static void a_long_answer_lets_others_have_their_turn(void **state)
{
	struct dialogue *dialogue = *state;
	int large = 8 << 20;

	client_says(dialogue, GET);
	setsockopt(dialogue->servers[0].fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
	setsockopt(dialogue->client.fd, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
	send(dialogue->servers[0].fd, OK "Content-Length: 9999999\r\n\r\n", 44, 0);
	for (int i = 0; i < 64; i++)
		send(dialogue->servers[0].fd, dialogue->heard, 32768, 0);
	dialogue_turn(dialogue);
	if (side_pending(&dialogue->client) == 0)
		assert_int_equal(conversation_deadline(dialogue->conversation), 0);
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

static void limits_have_their_own_pages(void **state)
{
	static char bytes[HEAD_MAX * 2];
	size_t length;
	struct dialogue *dialogue = *state;

	length = (size_t)sprintf(bytes, "GET /");
	memset(bytes + length, 'a', TARGET_MAX + 10);
	client_says_bytes(dialogue, bytes, length + TARGET_MAX + 10);
	client_hears_page(dialogue, 414);
	dialogue = dialogue_new();
	length = (size_t)sprintf(bytes, "GET / HTTP/1.1\r\n" HOST "A: ");
	memset(bytes + length, 'a', HEAD_MAX);
	client_says_bytes(dialogue, bytes, length + HEAD_MAX);
	client_hears_page(dialogue, 431);
	assert_int_equal(dialogue->error, REASON_REQUEST_TOO_LARGE);
	dialogue_free(dialogue);
	dialogue = dialogue_new();
	client_says(dialogue, "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
	client_hears_page(dialogue, 405);
	assert_int_equal(dialogue->error, REASON_METHOD_REFUSED);
	dialogue_free(dialogue);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
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
		TEST(chunked_bodies_and_trailers_go_both_ways),
		cmocka_unit_test(chunks_may_be_split_anywhere),
		TEST(expect_is_answered_by_the_server),
		TEST(a_client_that_does_not_wait_for_100_goes_on),
		TEST(a_refused_expectation_closes),
		TEST(interim_responses_pass),
		TEST(interim_responses_do_not_reach_http_1_0),
		TEST(endless_interim_responses_are_refused),
		TEST(http_1_0_stays_when_it_asks_and_can),
		TEST(responses_without_a_body_keep_their_length),
		TEST(a_response_until_close_closes),
		TEST(an_early_response_ends_the_upload),
		TEST(an_early_response_and_the_upload_can_run_together),
		TEST(an_answer_survives_a_server_that_takes_no_more),
		TEST(a_half_closed_client_gets_its_answer),
		TEST(a_client_that_ends_inside_its_body_breaks_the_request),
		TEST(a_client_that_leaves_while_waiting_frees_the_server),
		TEST(a_server_is_told_when_the_client_asks_to_close),
		TEST(a_server_that_closed_meanwhile_is_replaced_once),
		TEST(a_post_is_never_repeated),
		TEST(a_fresh_server_that_closes_is_a_bad_gateway),
		TEST(bytes_behind_a_response_spoil_the_server),
		TEST(a_truncated_response_is_seen_to_be_truncated),
		cmocka_unit_test(a_broken_response_is_a_bad_gateway),
		TEST(a_response_that_breaks_later_is_cut),
		TEST(a_block_is_a_page_or_nothing),
		TEST(a_block_does_not_wait_for_the_body),
		TEST(the_page_for_head_has_no_body),
		TEST(a_rule_about_the_status_sees_the_response),
		cmocka_unit_test(a_server_out_of_reach_is_a_page),
		TEST(requests_wait_for_a_late_server),
		TEST(a_client_that_leaves_a_late_server_is_forgotten),
		TEST(a_websocket_is_handed_over_with_all_its_bytes),
		TEST(a_tunnel_ends_in_each_direction),
		TEST(a_tunnel_breaks_with_either_end),
		TEST(a_refused_upgrade_goes_on_as_http),
		TEST(a_huge_body_waits_for_a_slow_reader),
		TEST(a_huge_upload_waits_for_a_slow_server),
		TEST(a_long_answer_lets_others_have_their_turn),
		TEST(deadlines_follow_the_phases),
		TEST(draining_ends_after_the_exchange),
		TEST(retiring_answers_one_more_request),
		TEST(draining_ends_an_idle_conversation_at_once),
		TEST(an_exchange_that_is_freed_has_ended),
		TEST(empty_lines_at_the_end_are_no_request),
		TEST(limits_have_their_own_pages),
		TEST(the_largest_head_is_carried),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
