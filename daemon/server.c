#include "daemon/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/tls/origin.h"
#include "daemon/trace.h"
#include "netfilter/socket.h"

/* Of several servers one that does not answer is left after this long, and the next one tried. */
enum { PATIENCE = 2000000 }; /* microseconds */

void server_begin(struct server *server, const struct server_world *world,
		  struct connection *connection, struct allowance *allowance,
		  void (*wake)(struct server *server))
{
	memset(server, 0, sizeof(*server));
	side_begin(&server->side, allowance);
	server->world = world;
	server->connection = connection;
	server->wake = wake;
	server->deadline = INT64_MAX;
}

static void awake(void *context)
{
	struct server *server = context;

	server->wake(server);
}

static const struct proxy *proxy_of(const struct server *server)
{
	const struct upstream *upstream = server->target.upstream;

	return upstream && upstream->proxy.through != THROUGH_NOTHING ? &upstream->proxy : NULL;
}

static void drop_addresses(struct server *server)
{
	free(server->addresses);
	server->addresses = NULL;
}

static void stop_trying(struct server *server)
{
	drop_addresses(server);
	resolver_cancel(&server->resolution);
	dialer_free(server->dialer);
	server->dialer = NULL;
	tunnel_free(server->tunnel);
	server->tunnel = NULL;
}

/* SIDE_DONE when another of the upstream's servers may do better. */
static enum side_progress fail(struct server *server, enum reason reason, const char *detail)
{
	bool elsewhere = candidates_blames_server(reason) && clock_steady() < server->given_up &&
			 candidates_are_left(&server->candidates);

	candidates_note_failure(&server->candidates, reason);
	endpoint_fail(&server->side.endpoint, reason, detail);
	if (elsewhere)
		candidates_add_tried(&server->candidates, &server->side.endpoint, reason);
	stop_trying(server);
	server->stage = elsewhere ? SERVER_ELSEWHERE : SERVER_FAILED;
	server->deadline = INT64_MAX;
	return elsewhere ? SIDE_DONE : SIDE_FAILED;
}

static void allow(struct server *server, int64_t microseconds)
{
	server->deadline = clock_steady() + microseconds;
}

static int64_t limit(const struct server *server, enum limit which)
{
	return (int64_t)server->target.limits->value[which];
}

/* The address the server is wanted at, as far as it is known without asking. */
static struct address wanted(const struct server *server)
{
	const struct station *station = server->candidates.current;
	struct address address = server->target.destination;

	if (!station)
		return address;
	address = station->address;
	address.port = station_port(station, server->target.destination.port);
	return address;
}

static const char *wanted_name(const struct server *server)
{
	return server->candidates.current ? server->candidates.current->host : NULL;
}

/* An end of its own for each server that is tried. */
static void set_out(struct server *server, uint64_t id)
{
	struct endpoint *endpoint = &server->side.endpoint;
	char *tried = server->candidates.tried ? endpoint->tried : NULL;

	if (tried)
		endpoint->tried = NULL;
	endpoint_end(endpoint);
	endpoint->tried = tried;
	server->verdict = REASON_NONE;
	server->resolved = false;
	drop_addresses(server);
	server->stage = SERVER_RESOLVING;
	candidates_advance(&server->candidates);
	endpoint->id = id;
	endpoint->address = wanted(server);
	endpoint->host = wanted_name(server);
	endpoint->via = proxy_of(server);
	endpoint->tls = server->target.tls;
	endpoint->start = clock_now();
	server->deadline = server->given_up;
	if (candidates_are_left(&server->candidates) &&
	    endpoint->start.steady + PATIENCE < server->given_up)
		allow(server, PATIENCE);
}

static void set_target(struct server *server, const struct target *target)
{
	server->target = *target;
	server->candidates = (struct candidates){
		.upstream = target->upstream,
		.port = target->destination.port,
		.health = server->world->health,
	};
	server->served = false;
	server->bound = false;
}

void server_start(struct server *server, const struct target *target, uint64_t id)
{
	stop_trying(server);
	free(server->proxied_name);
	set_target(server, target);
	server->given_up = clock_steady() + limit(server, LIMIT_CONNECT);
	server->proxied_name = NULL;
	if (proxy_of(server) && !target->upstream->server_count && target->destination_name)
		server->proxied_name = strdup(target->destination_name);
	server->target.destination_name = server->proxied_name;
	set_out(server, id);
}

/* The name a server of its own must prove; else that of the destination. */
static const char *name_to_prove(const struct server *server)
{
	const struct upstream *upstream = server->target.upstream;

	if (upstream && upstream->verify_name)
		return upstream->verify_name;
	return wanted_name(server) ? wanted_name(server) : server->target.name;
}

static void note_sni(const struct server *server, struct tls_facts *facts)
{
	if (name_to_prove(server))
		strncpy(facts->sni, name_to_prove(server), sizeof(facts->sni) - 1);
}

static void describe(struct server *server, const struct server_socket *socket, uint64_t id)
{
	struct endpoint *endpoint = &server->side.endpoint;
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);

	endpoint->id = id;
	endpoint->address = wanted(server);
	endpoint->host = wanted_name(server);
	endpoint->peer = socket->peer;
	endpoint->tls = server->target.tls;
	endpoint->reused = true;
	endpoint->start = clock_now();
	endpoint->tcp_setup = endpoint->start;
	if (getsockname(socket->fd, (struct sockaddr *)&name, &length) == 0)
		address_from_socket(&endpoint->local, (struct sockaddr *)&name);
}

static int adopt_tls(struct server *server, SSL *tls)
{
	struct endpoint *endpoint = &server->side.endpoint;
	struct tls_facts *facts = endpoint_tls(endpoint);

	if (side_secure(&server->side, tls) < 0 || !facts || origin_facts(tls, facts) < 0)
		return -1;
	note_sni(server, facts);
	endpoint->tls_setup = endpoint->start;
	return 0;
}

int server_adopt(struct server *server, const struct target *target,
		 const struct server_socket *socket, uint64_t id)
{
	server_end(server);
	set_target(server, target);
	server->target.destination_name = NULL;
	server->candidates.current = socket->station;
	server->verdict = REASON_NONE;
	describe(server, socket, id);
	side_open(&server->side, socket->fd);
	server->stage = SERVER_READY;
	if (side_watch(&server->side, server->world->base, awake, server) == 0 &&
	    (!socket->tls || adopt_tls(server, socket->tls) == 0))
		return 0;
	server_reset(server);
	return -1;
}

void server_retry(struct server *server, uint64_t id)
{
	side_close(&server->side);
	set_out(server, id);
}

/* A client of the other family cannot be shown to this server: it sees the gateway. */
static int dial_address(void *context, const struct address *address)
{
	const struct server *server = context;
	const struct target *target = &server->target;

	return socket_dial(address, target->keep_source ? &target->source : NULL);
}

static enum side_progress dial_one(struct server *server, const struct address *address)
{
	int fd = dial_address(server, address), error;

	server->side.endpoint.peer = *address;
	server->stage = SERVER_CONNECTING;
	if (fd >= 0) {
		side_open(&server->side, fd);
		if (side_watch(&server->side, server->world->base, awake, server) == 0)
			return SIDE_WAIT;
	}
	error = errno;
	side_close(&server->side);
	return fail(server, dialer_reason(error), strerror(error));
}

static enum side_progress dial_all(struct server *server, const struct resolved *addresses)
{
	server->side.endpoint.peer = addresses->addresses[0];
	server->stage = SERVER_CONNECTING;
	server->dialer = dialer_new(server->world->base, addresses, dial_address, awake, server);
	return server->dialer ? SIDE_WAIT : fail(server, REASON_NO_MEMORY, NULL);
}

static void resolved(void *context, const struct resolved *addresses)
{
	struct server *server = context;

	server->resolved = true;
	if (addresses->count)
		server->addresses = malloc(sizeof(*server->addresses));
	if (server->addresses)
		*server->addresses = *addresses;
	server->wake(server);
}

/* A client whose address is shown needs a server of its family; else IPv6 comes first (RFC 8305
 * section 4). */
static sa_family_t first_family(const struct target *target)
{
	return target->keep_source ? target->source.family : AF_INET6;
}

/* A rule, or a name, that leads back to us would have us talk to ourselves for ever. */
static bool is_loop(const struct server *server, const struct address *address)
{
	return server->world->is_own_listener(server->world->context, address);
}

/* What can be dialled of the addresses, in the order to try them. */
static void arrange(struct server *server, uint16_t port)
{
	struct resolved *addresses = server->addresses;
	size_t left = 0;

	for (size_t i = 0; i < addresses->count; i++) {
		addresses->addresses[i].port = port;
		if (!is_loop(server, &addresses->addresses[i]))
			addresses->addresses[left++] = addresses->addresses[i];
	}
	addresses->count = left;
	dialer_sort(addresses, first_family(&server->target));
}

static enum side_progress dial_name(struct server *server, const char *host, uint16_t port)
{
	enum side_progress progress;

	if (!server->resolved && !server->resolution.lookup) {
		server->resolution.done = resolved;
		server->resolution.context = server;
		/* A name of the hosts file is answered at once. */
		resolver_ask(server->world->resolver, host, &server->resolution);
	}
	if (!server->resolved)
		return SIDE_WAIT;
	if (!server->addresses)
		return fail(server, REASON_NAME_UNRESOLVED, host);
	server->side.endpoint.resolved = clock_now();
	arrange(server, port);
	if (server->addresses->count == 0)
		progress = fail(server, REASON_LOOP, NULL);
	else if (server->addresses->count == 1)
		progress = dial_one(server, &server->addresses->addresses[0]);
	else
		progress = dial_all(server, server->addresses);
	drop_addresses(server);
	return progress;
}

static enum side_progress look_up(struct server *server)
{
	const struct proxy *proxy = proxy_of(server);
	struct address address = wanted(server);
	const char *host = wanted_name(server);

	if (proxy) {
		host = proxy->station.host;
		address = proxy->station.address;
		address.port = station_port(&proxy->station, 0);
	}
	if (host)
		return dial_name(server, host, address.port);
	if (is_loop(server, &address))
		return fail(server, REASON_LOOP, NULL);
	return dial_one(server, &address);
}

/* The socket that has been connected first. */
static enum side_progress take_dialed(struct server *server)
{
	struct address address;
	enum dialing dialing;
	int fd, error;

	dialing = dialer_turn(server->dialer, &fd, &address);
	error = errno;
	if (dialing == DIALING)
		return SIDE_WAIT;
	dialer_free(server->dialer);
	server->dialer = NULL;
	if (dialing == DIALING_FAILED)
		return fail(server, dialer_reason(error), strerror(error));
	server->side.endpoint.peer = address;
	side_open(&server->side, fd);
	if (side_watch(&server->side, server->world->base, awake, server) == 0)
		return SIDE_DONE;
	side_close(&server->side);
	return fail(server, REASON_NO_MEMORY, NULL);
}

/* Whether the socket is connected, and if not, why. */
static enum side_progress meet(struct server *server)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	int fd = server->side.fd, error = 0;

	if (!server->side.wire.told)
		return SIDE_WAIT;
	if (getpeername(fd, (struct sockaddr *)&name, &length) < 0) {
		length = sizeof(error);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
			error = errno;
		if (!error)
			return SIDE_WAIT;
		side_close(&server->side);
		return fail(server, dialer_reason(error), strerror(error));
	}
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		address_from_socket(&server->side.endpoint.local, (struct sockaddr *)&name);
	return SIDE_DONE;
}

static enum side_progress begin_tunnel(struct server *server)
{
	const struct target *target = &server->target;
	const struct tunnel_settings settings = {
		.proxy = proxy_of(server),
		.proxy_address = &server->side.endpoint.peer,
		.name = server->candidates.current ? wanted_name(server) : server->proxied_name,
		.address = wanted(server),
		.tls = server->world->tls,
		.trust = target->proxy_trust,
		.generation = target->generation,
	};

	server->tunnel = tunnel_new(&settings);
	return server->tunnel ? SIDE_DONE : fail(server, REASON_NO_MEMORY, NULL);
}

static enum side_progress pass_tunnel(struct server *server)
{
	enum side_progress progress = tunnel_turn(server->tunnel, &server->side);
	enum reason reason;
	const char *detail;

	if (progress == SIDE_FAILED) {
		reason = tunnel_failure(server->tunnel, &detail);
		progress = fail(server, reason, detail);
		side_reset(&server->side);
		return progress;
	}
	if (progress == SIDE_WAIT)
		return SIDE_WAIT;
	tunnel_free(server->tunnel);
	server->tunnel = NULL;
	/* What was said to the proxy was not said to the server. */
	server->side.endpoint.received = 0;
	server->side.endpoint.sent = 0;
	return SIDE_DONE;
}

static enum side_progress arrive(struct server *server)
{
	enum side_progress progress = SIDE_DONE;

	if (server->dialer)
		progress = take_dialed(server);
	if (progress != SIDE_DONE || server->stage != SERVER_CONNECTING)
		return progress;
	if (!server->tunnel) {
		progress = meet(server);
		if (progress != SIDE_DONE || server->stage != SERVER_CONNECTING)
			return progress;
		if (proxy_of(server))
			progress = begin_tunnel(server);
	}
	if (progress == SIDE_DONE && server->tunnel)
		progress = pass_tunnel(server);
	if (progress != SIDE_DONE || server->stage != SERVER_CONNECTING)
		return progress;
	server->side.endpoint.tcp_setup = clock_now();
	if (server->target.captures && !server->tunnel)
		trace_follow(server->world->journal, server->target.captures, &server->side,
			     PCAPNG_SERVERS);
	server->stage = server->target.tls ? SERVER_SECURING : SERVER_READY;
	if (server->target.tls) {
		allow(server, limit(server, LIMIT_TLS));
	} else {
		server->deadline = INT64_MAX;
		candidates_note_success(&server->candidates);
	}
	return SIDE_DONE;
}

static int begin_tls(struct server *server)
{
	const struct target *target = &server->target;
	const struct address address = wanted(server);
	const struct origin origin = {
		.name = name_to_prove(server),
		.address = &address,
		.alpn = target->alpn,
		.alpn_length = target->alpn_length,
		.trust = target->trust,
		.generation = target->generation,
		.tolerant = target->tolerant,
		.identity = target->identity,
		.anonymous = target->anonymous,
		.wants_status = target->wants_status,
	};

	if (!target->trust)
		return -1;
	return side_secure(&server->side, origin_open(server->world->tls, &origin));
}

static enum side_progress secure(struct server *server)
{
	struct endpoint *endpoint = &server->side.endpoint;
	struct tls_facts *facts = endpoint_tls(endpoint);
	const char *detail = NULL;
	enum side_progress progress;

	if (!server->side.tls && (!facts || begin_tls(server) < 0)) {
		side_reset(&server->side);
		return fail(server, REASON_TLS_SERVER_FAILED,
			    server->target.trust ? "no TLS session could be made"
						 : "no trusted roots are loaded");
	}
	progress = side_handshake(&server->side);
	if (progress == SIDE_WAIT)
		return SIDE_WAIT;
	server->verdict = origin_verdict(server->side.tls, &detail);
	origin_facts(server->side.tls, facts);
	note_sni(server, facts);
	if (progress == SIDE_FAILED ||
	    (server->verdict != REASON_NONE && !server->target.tolerant)) {
		enum reason reason =
			server->verdict != REASON_NONE ? server->verdict : REASON_TLS_SERVER_FAILED;

		progress = fail(server, reason, detail);
		side_close(&server->side);
		return progress;
	}
	endpoint->tls_setup = clock_now();
	server->stage = SERVER_READY;
	server->deadline = INT64_MAX;
	candidates_note_success(&server->candidates);
	return SIDE_DONE;
}

enum side_progress server_advance(struct server *server)
{
	switch (server->stage) {
	case SERVER_RESOLVING:
		return look_up(server);
	case SERVER_CONNECTING:
		return arrive(server);
	case SERVER_SECURING:
		return secure(server);
	case SERVER_READY:
	case SERVER_ELSEWHERE:
		return SIDE_DONE;
	default:
		return SIDE_FAILED;
	}
}

void server_expire(struct server *server)
{
	enum reason reason = REASON_CONNECT_TIMEOUT;

	if (server->stage == SERVER_SECURING)
		reason = REASON_TLS_SERVER_TIMEOUT;
	else if (server->resolution.lookup)
		reason = REASON_NAME_UNRESOLVED;
	else if (server->tunnel)
		reason = REASON_PROXY_TIMEOUT;
	fail(server, reason, NULL);
	side_reset(&server->side);
}

static bool same_name(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool server_is_for(const struct server *server, const struct target *target)
{
	const struct target *mine = &server->target;

	if (server->stage == SERVER_UNUSED || server->stage == SERVER_FAILED)
		return false;
	if (mine->upstream != target->upstream || mine->tls != target->tls ||
	    !same_name(mine->name, target->name) || mine->identity != target->identity ||
	    (target->wants_status && !mine->wants_status))
		return false;
	if (proxy_of(server) && !same_name(mine->destination_name, target->destination_name))
		return false;
	return address_equal(&mine->destination, &target->destination);
}

bool server_is_stale(struct server *server)
{
	char byte;
	ssize_t got;

	if (server->stage != SERVER_READY)
		return server->stage == SERVER_FAILED;
	got = side_peek(&server->side, &byte, 1);
	return got >= 0 || errno != EAGAIN;
}

void server_close(struct server *server)
{
	stop_trying(server);
	side_close(&server->side);
	server->stage = SERVER_UNUSED;
	server->deadline = INT64_MAX;
	server->exchange = NULL;
}

void server_reset(struct server *server)
{
	side_reset(&server->side);
	server_close(server);
}

void server_end(struct server *server)
{
	server_close(server);
	side_end(&server->side);
	free(server->proxied_name);
	server->proxied_name = NULL;
}
