#include "daemon/journey.h"

#include "daemon/view.h"

static uint64_t next_id(const struct server *server)
{
	return ids_next(&server->connection->gateway->ids);
}

void journey_begin(struct server *server, const struct target *target)
{
	server_start(server, target, next_id(server));
	server_event(server, EVENT_SERVER_CONNECT);
}

/* One of the upstream's servers has failed, and the next one is another end. */
static void note_elsewhere(struct server *server, enum server_stage before)
{
	if (before == SERVER_SECURING) {
		server_event(server, EVENT_TLS_FAILED_SERVER);
		server_event(server, EVENT_SERVER_DISCONNECTED);
	} else {
		server_event(server, EVENT_SERVER_CONNECT_ERROR);
	}
	server_retry(server, next_id(server));
	server_event(server, EVENT_SERVER_CONNECT);
}

static void note(struct server *server, enum server_stage before)
{
	if (server->stage == SERVER_ELSEWHERE) {
		note_elsewhere(server, before);
		return;
	}
	if (server->stage == SERVER_FAILED && before == SERVER_SECURING) {
		server_event(server, EVENT_TLS_FAILED_SERVER);
		server_event(server, EVENT_SERVER_DISCONNECTED);
		return;
	}
	if (server->stage == SERVER_FAILED) {
		server_event(server, EVENT_SERVER_CONNECT_ERROR);
		return;
	}
	if (before == SERVER_CONNECTING)
		server_event(server, EVENT_SERVER_CONNECTED);
	if (server->stage == SERVER_SECURING)
		server_event(server, EVENT_TLS_START_SERVER);
	if (before == SERVER_SECURING)
		server_event(server, EVENT_TLS_ESTABLISHED_SERVER);
}

enum side_progress journey_advance(struct server *server)
{
	enum server_stage before = server->stage;
	enum side_progress progress = server_advance(server);

	if (progress != SIDE_WAIT)
		note(server, before);
	return progress;
}

void journey_expire(struct server *server)
{
	enum server_stage before = server->stage;

	server_expire(server);
	note(server, before);
}
