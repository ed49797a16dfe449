#include "daemon/checks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/health.h"
#include "daemon/log.h"

enum {
	STATUS_LINE = 12, /* "HTTP/1.1 200" */
	ANSWER_MAX = 64,
	REQUEST_MAX = CHECK_PATH_MAX + 320,
};

/* One server. */
struct check {
	struct server server; /* first: it comes back to us */
	struct upstream upstream; /* as the policy's, but with this server alone; nothing in it is ours */
	const struct upstream *whole;
	struct checks *checks;
	struct event timer; /* of the next, or of the end of this one */
	bool asked;
	char answer[ANSWER_MAX];
	size_t length;
	char name[STATION_TEXT];
};

struct checks {
	struct regime *regime;
	const struct server_world *world;
	struct check *check;
	size_t count;
};

static void wait_for(struct check *check, uint64_t microseconds)
{
	const struct timeval time = { .tv_sec = (time_t)(microseconds / 1000000),
				      .tv_usec = (suseconds_t)(microseconds % 1000000) };

	evtimer_add(&check->timer, &time);
}

static uint64_t patience(const struct check *check)
{
	const struct limits *limits = &regime_policy(check->checks->regime)->limits;

	return limits->value[LIMIT_CONNECT];
}

static void finish(struct check *check)
{
	server_close(&check->server);
	wait_for(check, check->whole->check_every);
}

static void note_well(struct check *check)
{
	if (health_reached(check->checks->world->health, check->name))
		log_info("upstream \"%s\": %s is well again, says its check", check->whole->name,
			 check->name);
	finish(check);
}

/* It counts as failing until a check says otherwise, or no check comes any more. */
static void note_ill(struct check *check, const char *why)
{
	int64_t until = clock_steady() + 3 * (int64_t)(check->whole->check_every + patience(check));

	if (health_hold(check->checks->world->health, check->name, until))
		log_warning("upstream \"%s\": %s is left alone until its check is content: %s",
			    check->whole->name, check->name, why);
	finish(check);
}

/* Reading */

/* "HTTP/1.x 2nn" or a redirect. */
static bool is_content(const struct check *check)
{
	return check->length >= STATUS_LINE && memcmp(check->answer, "HTTP/1.", 7) == 0 &&
	       check->answer[8] == ' ' && (check->answer[9] == '2' || check->answer[9] == '3');
}

static void listen_to(struct check *check)
{
	ssize_t got = 1;

	while (got > 0 && check->length < STATUS_LINE) {
		got = side_read(&check->server.side, check->answer + check->length,
				sizeof(check->answer) - check->length);
		if (got > 0)
			check->length += (size_t)got;
	}
	if (got < 0 && errno == EAGAIN)
		return;
	if (is_content(check))
		note_well(check);
	else
		note_ill(check, "it does not answer with a status of success");
}

static void ask(struct check *check)
{
	char storage[REQUEST_MAX];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_addf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: headgate\r\nConnection: close\r\n\r\n",
		  check->whole->check_path, check->name);
	check->asked = true;
	check->length = 0;
	if (text.full || side_send(&check->server.side, text.bytes, text.length) < 0)
		note_ill(check, "it closed the connection");
	else
		listen_to(check);
}

/* On the way */

static void settle(struct check *check)
{
	if (check->server.stage != SERVER_READY)
		note_ill(check, reason_sentence(check->server.side.endpoint.error));
	else if (!check->whole->check_path)
		note_well(check);
	else if (!check->asked)
		ask(check);
	else
		listen_to(check);
}

static void turn(struct server *server)
{
	struct check *check = (struct check *)server;

	while (server->stage != SERVER_READY && server->stage != SERVER_FAILED)
		if (server->stage == SERVER_UNUSED || server_advance(server) == SIDE_WAIT)
			return;
	settle(check);
}

static void begin(struct check *check)
{
	const struct policy *policy = regime_policy(check->checks->regime);
	const struct target target = {
		.upstream = &check->upstream,
		.tls = check->whole->tls == UPSTREAM_TLS_ON,
		.trust = regime_trust(check->checks->regime, check->whole),
		.proxy_trust = regime_trust(check->checks->regime, NULL),
		.generation = policy->generation,
		.limits = &policy->limits,
	};

	check->asked = false;
	server_start(&check->server, &target, 0);
	wait_for(check, patience(check));
	turn(&check->server);
}

/* Either it is time for the next, or this one takes too long. */
static void due(evutil_socket_t fd, short what, void *argument)
{
	struct check *check = argument;

	(void)fd, (void)what;
	if (check->server.stage == SERVER_UNUSED)
		begin(check);
	else
		note_ill(check, "it does not answer in time");
}

/* Birth and end */

static void begin_check(struct checks *checks, const struct upstream *upstream, size_t number)
{
	struct check *check = &checks->check[checks->count++];

	check->checks = checks;
	check->whole = upstream;
	check->upstream = *upstream;
	check->upstream.servers[0] = upstream->servers[number];
	check->upstream.server_count = 1;
	station_print(&upstream->servers[number], 0, check->name);
	server_begin(&check->server, checks->world, NULL, NULL, turn);
	evtimer_assign(&check->timer, checks->world->base, due, check);
	wait_for(check, 0);
}

static size_t count_servers(const struct policy *policy)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->upstream_count; i++)
		if (policy->upstreams[i]->check_every)
			count += policy->upstreams[i]->server_count;
	return count;
}

struct checks *checks_new(struct regime *regime, const struct server_world *world)
{
	const struct policy *policy = regime_policy(regime);
	size_t count = count_servers(policy);
	struct checks *checks = count ? calloc(1, sizeof(*checks)) : NULL;

	if (!checks)
		return NULL;
	checks->check = calloc(count, sizeof(*checks->check));
	if (!checks->check) {
		free(checks);
		return NULL;
	}
	checks->regime = regime_hold(regime);
	checks->world = world;
	for (size_t i = 0; i < policy->upstream_count; i++)
		for (size_t j = 0; policy->upstreams[i]->check_every && j < policy->upstreams[i]->server_count; j++)
			begin_check(checks, policy->upstreams[i], j);
	return checks;
}

void checks_free(struct checks *checks)
{
	if (!checks)
		return;
	for (size_t i = 0; i < checks->count; i++) {
		evtimer_del(&checks->check[i].timer);
		server_end(&checks->check[i].server);
	}
	free(checks->check);
	regime_release(checks->regime);
	free(checks);
}
