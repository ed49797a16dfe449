#include "tests/unit/dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct rule dialogue_pass = { .name = (char *)"pass", .verdict = VERDICT_PASS };

static void pair(struct side *side, struct allowance *allowance, int *far)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	side_begin(side, allowance);
	side_open(side, fds[0]);
	*far = fds[1];
}

/* The host */

static struct decision judge(void *context, const struct exchange *exchange)
{
	struct dialogue *dialogue = context;

	dialogue->judgements++;
	if (dialogue->response_rule && !exchange->response.status)
		return (struct decision){ .ask = true, .wanted = MOMENT_RESPONSE };
	if (dialogue->response_rule)
		return (struct decision){ .rule = dialogue->response_rule };
	return (struct decision){ .rule = dialogue->rule };
}

static struct dialogue_server *idle_server(struct dialogue *dialogue, const struct rule *rule)
{
	for (size_t i = 0; i < dialogue->server_count; i++) {
		struct dialogue_server *server = &dialogue->servers[i];

		if (!server->busy && server->side.fd >= 0 && server->rule == rule)
			return server;
	}
	return NULL;
}

static struct dialogue_server *new_server(struct dialogue *dialogue, const struct rule *rule)
{
	struct dialogue_server *server = &dialogue->servers[dialogue->server_count++];

	assert_true(dialogue->server_count <= DIALOGUE_SERVERS);
	pair(&server->side, &dialogue->allowance, &server->fd);
	server->rule = rule;
	if (rule && rule->upstream) {
		server->side.endpoint.host = rule->upstream->servers[0].host;
		server->side.endpoint.address.port = station_port(&rule->upstream->servers[0], 0);
		server->side.endpoint.tls = rule->upstream->tls == UPSTREAM_TLS_ON;
	}
	server->received = calloc(1, DIALOGUE_TEXT);
	assert_non_null(server->received);
	return server;
}

static void answer(struct dialogue *dialogue, struct exchange *exchange)
{
	struct dialogue_server *server = idle_server(dialogue, exchange->rule);

	if (dialogue->reach_failure != REASON_NONE) {
		conversation_server_failed(exchange, dialogue->reach_failure);
		return;
	}
	if (!server)
		server = new_server(dialogue, exchange->rule);
	server->busy = true;
	if (!server->leg)
		server->leg = conversation_speak(dialogue->conversation, &server->side);
	if (server->leg)
		conversation_server_ready(exchange, server->leg);
	else
		conversation_server_failed(exchange, REASON_NO_MEMORY);
}

static void reach(void *context, struct exchange *exchange)
{
	struct dialogue *dialogue = context;

	dialogue->reaching = exchange;
	if (!dialogue->late)
		answer(dialogue, exchange);
}

static void release(void *context, struct exchange *exchange, struct side *side, bool reusable)
{
	struct dialogue *dialogue = context;

	(void)exchange;
	for (size_t i = 0; i < dialogue->server_count; i++) {
		struct dialogue_server *server = &dialogue->servers[i];

		if (&server->side != side)
			continue;
		server->busy = false;
		server->released = true;
		if (reusable)
			continue;
		leg_retire(server->leg);
		server->leg = NULL;
		side_close(&server->side);
	}
}

static void note(void *context, const struct exchange *exchange, enum exchange_event event)
{
	static const char *const words[] = {
		"request-headers", "request",	      "response-headers", "response",
		"error",	   "websocket-start", "websocket-end",
	};
	struct dialogue *dialogue = context;

	if (event == EXCHANGE_OVER)
		return;
	strcat(dialogue->notes, words[event]);
	strcat(dialogue->notes, " ");
	if (event != EXCHANGE_RESPONSE && event != EXCHANGE_ERROR)
		return;
	dialogue->error = exchange->error;
	dialogue->status = exchange->status;
}

static void finish(void *context, enum reason reason)
{
	struct dialogue *dialogue = context;

	assert_int_equal(dialogue->finished, REASON_NONE);
	assert_int_not_equal(reason, REASON_NONE);
	dialogue->finished = reason;
	if (dialogue->client.write_ended)
		side_close(&dialogue->client);
	else
		side_reset(&dialogue->client);
}

static uint64_t identify(void *context)
{
	static uint64_t last;

	(void)context;
	return ++last;
}

static const struct conversation_host host = {
	identify, judge, reach, release, note, finish,
};

struct dialogue *dialogue_new(void)
{
	struct dialogue *dialogue = calloc(1, sizeof(*dialogue));
	struct conversation_settings settings = { .host = &host };

	assert_non_null(dialogue);
	dialogue->allowance.most = SIZE_MAX;
	pair(&dialogue->client, &dialogue->allowance, &dialogue->fd);
	dialogue->rule = &dialogue_pass;
	dialogue->heard = calloc(1, DIALOGUE_TEXT);
	assert_non_null(dialogue->heard);
	settings.context = dialogue;
	settings.client = &dialogue->client;
	limits_begin(&dialogue->limits);
	settings.allowance = &dialogue->allowance;
	settings.limits = &dialogue->limits;
	dialogue->conversation = conversation_new(&settings);
	assert_non_null(dialogue->conversation);
	return dialogue;
}

void dialogue_free(struct dialogue *dialogue)
{
	conversation_free(dialogue->conversation);
	side_end(&dialogue->client);
	close(dialogue->fd);
	for (size_t i = 0; i < dialogue->server_count; i++) {
		side_end(&dialogue->servers[i].side);
		if (dialogue->servers[i].fd >= 0)
			close(dialogue->servers[i].fd);
		free(dialogue->servers[i].received);
	}
	assert_int_equal(dialogue->allowance.used, 0);
	free(dialogue->heard);
	free(dialogue);
}

void dialogue_turn(struct dialogue *dialogue)
{
	if (dialogue->finished == REASON_NONE)
		conversation_turn(dialogue->conversation);
}

static bool client_listens(struct dialogue *dialogue)
{
	ssize_t got = read(dialogue->fd, dialogue->heard + dialogue->heard_length,
			   DIALOGUE_TEXT - 1 - dialogue->heard_length);

	if (got == 0)
		dialogue->heard_end = true;
	if (got < 0 && errno != EAGAIN)
		dialogue->heard_reset = true;
	if (got > 0)
		dialogue->heard_length += (size_t)got;
	return got > 0;
}

static bool server_listens(struct dialogue_server *server)
{
	ssize_t got;

	if (server->fd < 0)
		return false;
	got = read(server->fd, server->received + server->length,
		   DIALOGUE_TEXT - 1 - server->length);
	if (got > 0)
		server->length += (size_t)got;
	return got > 0;
}

void dialogue_run(struct dialogue *dialogue)
{
	bool moved;

	do {
		dialogue_turn(dialogue);
		moved = client_listens(dialogue);
		for (size_t i = 0; i < dialogue->server_count; i++)
			moved |= server_listens(&dialogue->servers[i]);
	} while (moved);
}

/* Writes all of it while everything else runs, so that no buffer can be too small. */
static void say(struct dialogue *dialogue, int fd, const char *bytes, size_t length)
{
	for (int tries = 0; length && tries < 100000; tries++) {
		ssize_t written = send(fd, bytes, length, MSG_NOSIGNAL);

		if (written < 0 && errno != EAGAIN)
			break;
		if (written > 0) {
			bytes += written;
			length -= (size_t)written;
		}
		dialogue_run(dialogue);
	}
	dialogue_run(dialogue);
}

void client_says(struct dialogue *dialogue, const char *text)
{
	say(dialogue, dialogue->fd, text, strlen(text));
}

void client_says_bytes(struct dialogue *dialogue, const char *bytes, size_t length)
{
	say(dialogue, dialogue->fd, bytes, length);
}

void server_says(struct dialogue *dialogue, size_t server, const char *text)
{
	assert_true(server < dialogue->server_count);
	say(dialogue, dialogue->servers[server].fd, text, strlen(text));
}

void client_ends(struct dialogue *dialogue)
{
	shutdown(dialogue->fd, SHUT_WR);
	dialogue_run(dialogue);
}

void client_closes(struct dialogue *dialogue)
{
	close(dialogue->fd);
	dialogue->fd = open("/dev/null", O_RDONLY);
	dialogue_run(dialogue);
}

void server_closes(struct dialogue *dialogue, size_t server)
{
	assert_true(server < dialogue->server_count);
	close(dialogue->servers[server].fd);
	dialogue->servers[server].fd = -1;
	dialogue_run(dialogue);
}

void host_answers(struct dialogue *dialogue)
{
	assert_non_null(dialogue->reaching);
	answer(dialogue, dialogue->reaching);
	dialogue_run(dialogue);
}

void client_hears(struct dialogue *dialogue, const char *text)
{
	dialogue->heard[dialogue->heard_length] = '\0';
	assert_string_equal(dialogue->heard, text);
	dialogue->heard_length = 0;
}

void server_hears(struct dialogue *dialogue, size_t server, const char *text)
{
	struct dialogue_server *far = &dialogue->servers[server];

	assert_true(server < dialogue->server_count);
	far->received[far->length] = '\0';
	assert_string_equal(far->received, text);
	far->length = 0;
}

void client_hears_page(struct dialogue *dialogue, unsigned status)
{
	char line[32];

	dialogue->heard[dialogue->heard_length] = '\0';
	snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
	if (strncmp(dialogue->heard, line, strlen(line)) != 0)
		print_message("# heard: %.300s\n", dialogue->heard);
	assert_memory_equal(dialogue->heard, line, strlen(line));
	assert_non_null(strstr(dialogue->heard, "\r\nContent-Security-Policy: "));
	assert_null(strstr(dialogue->heard + 5, "HTTP/1.1 "));
	assert_true(dialogue->heard_end);
	dialogue->heard_length = 0;
}

int dialogue_begin(void **state)
{
	*state = dialogue_new();
	return 0;
}

int dialogue_end(void **state)
{
	dialogue_free(*state);
	return 0;
}
