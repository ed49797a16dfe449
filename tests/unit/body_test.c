// link: tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Bodies of any size and form on their way through a conversation, and what breaks inside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/dialogue.h"

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogue_begin, dialogue_end)
	const struct CMUnitTest tests[] = {
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
		TEST(a_client_that_ends_inside_its_body_breaks_the_request),
		TEST(a_truncated_response_is_seen_to_be_truncated),
		cmocka_unit_test(a_broken_response_is_a_bad_gateway),
		TEST(a_response_that_breaks_later_is_cut),
		TEST(a_huge_body_waits_for_a_slow_reader),
		TEST(a_huge_upload_waits_for_a_slow_server),
		TEST(a_long_answer_lets_others_have_their_turn),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
