#include "tests/fuzz/h2_stage.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http/conversation.h"

enum { SERVERS = 128 };

struct end {
	struct side side;
	int far;
};

struct stage {
	struct conversation *conversation;
	struct allowance allowance;
	struct end client;
	struct end servers[SERVERS];
	size_t count;
	struct span answer;
	bool h2;
	bool finished;
	long began, over;
};

static const struct rule pass = { .name = (char *)"pass", .verdict = VERDICT_PASS };

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void open_end(struct end *end, struct allowance *allowance)
{
	int fds[2];

	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	side_begin(&end->side, allowance);
	side_open(&end->side, fds[0]);
	end->far = fds[1];
}

static void close_end(struct end *end)
{
	side_end(&end->side);
	close(end->far);
}

static uint64_t identify(void *context)
{
	struct stage *stage = context;

	return (uint64_t)++stage->began;
}

static struct decision judge(void *context, const struct exchange *exchange)
{
	(void)context;
	(void)exchange;
	return (struct decision){ .rule = &pass };
}

/* A server of its own for each, that has already answered. */
static void reach(void *context, struct exchange *exchange)
{
	struct stage *stage = context;
	struct end *end = &stage->servers[stage->count];
	struct leg *leg;

	if (stage->count == SERVERS) {
		conversation_server_failed(exchange, REASON_TOO_MANY);
		return;
	}
	stage->count++;
	open_end(end, &stage->allowance);
	leg = stage->h2 ? conversation_speak_h2(stage->conversation, &end->side)
			: conversation_speak(stage->conversation, &end->side);
	if (!leg) {
		conversation_server_failed(exchange, REASON_NO_MEMORY);
		return;
	}
	send(end->far, stage->answer.bytes, stage->answer.length, MSG_NOSIGNAL);
	conversation_server_ready(exchange, leg);
}

static void release(void *context, struct exchange *exchange, struct side *server, bool reusable)
{
	(void)context, (void)exchange, (void)server, (void)reusable;
}

static void note(void *context, const struct exchange *exchange, enum exchange_event event)
{
	struct stage *stage = context;

	(void)exchange;
	if (event == EXCHANGE_OVER)
		stage->over++;
}

static void finish(void *context, enum reason reason)
{
	struct stage *stage = context;

	require(reason != REASON_NONE && !stage->finished);
	stage->finished = true;
}

static const struct conversation_host host = { identify, judge, reach, release, note, finish };

static void empty(int fd)
{
	static char bytes[65536];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void run(struct stage *stage)
{
	for (int turn = 0; turn < 4 && !stage->finished; turn++) {
		conversation_turn(stage->conversation);
		empty(stage->client.far);
		for (size_t i = 0; i < stage->count; i++)
			empty(stage->servers[i].far);
	}
}

static void talk(struct stage *stage, struct span client)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

	send(stage->client.far, preface, sizeof(preface) - 1, MSG_NOSIGNAL);
	send(stage->client.far, client.bytes, client.length, MSG_NOSIGNAL);
	run(stage);
	shutdown(stage->client.far, SHUT_WR);
	for (size_t i = 0; i < stage->count; i++)
		shutdown(stage->servers[i].far, SHUT_WR);
	run(stage);
}

bool h2_play(struct span client, struct span server, bool h2)
{
	static struct stage stage;
	static struct limits limits;
	struct conversation_settings settings = { .host = &host, .context = &stage, .http2 = true };

	stage = (struct stage){ .h2 = h2, .answer = server };
	limits_begin(&limits);
	stage.allowance.most = limits.value[LIMIT_CONNECTION_MEMORY];
	settings.allowance = &stage.allowance;
	open_end(&stage.client, &stage.allowance);
	settings.client = &stage.client.side;
	settings.limits = &limits;
	stage.conversation = conversation_new(&settings);
	if (stage.conversation)
		talk(&stage, client);
	conversation_free(stage.conversation);
	require(stage.began == stage.over);
	close_end(&stage.client);
	for (size_t i = 0; i < stage.count; i++)
		close_end(&stage.servers[i]);
	require(stage.allowance.used == 0);
	return stage.began > 0;
}
