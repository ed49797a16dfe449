#include "daemon/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/limits.h"
#include "daemon/tls/origin.h"
#include "netfilter/socket.h"

void server_begin(struct server *server, const struct server_world *world,
		  struct connection *connection, void (*wake)(struct server *server))
{
	memset(server, 0, sizeof(*server));
	side_begin(&server->side);
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

static enum side_progress fail(struct server *server, enum reason reason, const char *detail)
{
	endpoint_fail(&server->side.endpoint, reason, detail);
	server->stage = SERVER_FAILED;
	server->deadline = INT64_MAX;
	return SIDE_FAILED;
}

static void allow(struct server *server, enum limit limit)
{
	server->deadline = clock_steady() + (int64_t)server->target.limits->value[limit];
}

static void resolved(void *context, const struct address *address)
{
	struct server *server = context;

	if (address) {
		server->target.address = *address;
		server->target.address.port = server->target.port;
	} else {
		fail(server, REASON_NAME_UNRESOLVED, server->target.host);
	}
	server->wake(server);
}

void server_start(struct server *server, const struct target *target, uint64_t id)
{
	struct endpoint *endpoint = &server->side.endpoint;

	resolver_cancel(&server->resolution);
	endpoint_end(endpoint);
	server->target = *target;
	server->verdict = REASON_NONE;
	server->stage = SERVER_RESOLVING;
	endpoint->id = id;
	endpoint->address = target->address;
	endpoint->host = target->host;
	endpoint->tls = target->tls;
	endpoint->start = clock_now();
	allow(server, LIMIT_CONNECT);
}

static enum reason reason_of_connect(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REASON_CONNECT_REFUSED;
	case ETIMEDOUT:
		return REASON_CONNECT_TIMEOUT;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRNOTAVAIL:
		return REASON_CONNECT_UNREACHABLE;
	case EMFILE:
	case ENFILE:
		return REASON_NO_DESCRIPTORS;
	case ENOMEM:
	case ENOBUFS:
		return REASON_NO_MEMORY;
	default:
		return REASON_CONNECT_FAILED;
	}
}

static int dial(struct server *server)
{
	const struct target *target = &server->target;
	struct sockaddr_storage to;
	sa_family_t family = target->address.family;
	socklen_t length = address_to_socket(&target->address, AF_UNSPEC, &to);
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	side_open(&server->side, fd);
	socket_tune(fd);
	/* A client of the other family cannot be shown to this server: it sees the gateway. */
	if (target->keep_source && target->source.family == family &&
	    socket_keep_source(fd, family, &target->source) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, length) < 0 && errno != EINPROGRESS)
		return -1;
	return side_watch(&server->side, server->world->base, awake, server);
}

static enum side_progress set_out(struct server *server)
{
	struct target *target = &server->target;
	const struct server_world *world = server->world;
	int error;

	if (target->address.family == AF_UNSPEC) {
		if (server->resolution.request)
			return SIDE_WAIT;
		server->resolution.done = resolved;
		server->resolution.context = server;
		resolver_ask(world->resolver, target->host, target->source.family,
			     &server->resolution);
		if (server->stage == SERVER_FAILED)
			return SIDE_FAILED;
		/* A name of the hosts file is answered at once. */
		if (target->address.family == AF_UNSPEC)
			return SIDE_WAIT;
	}
	/* A rule, or a name, that leads back to us would have us talk to ourselves for ever. */
	if (world->is_own_listener(world->context, &target->address))
		return fail(server, REASON_LOOP, NULL);
	server->side.endpoint.peer = target->address;
	server->stage = SERVER_CONNECTING;
	if (dial(server) == 0)
		return SIDE_WAIT;
	error = errno;
	side_close(&server->side);
	return fail(server, reason_of_connect(error), strerror(error));
}

static enum side_progress arrive(struct server *server)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	int fd = server->side.fd, error = 0;

	if (getpeername(fd, (struct sockaddr *)&name, &length) < 0) {
		length = sizeof(error);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
			error = errno;
		if (!error)
			return SIDE_WAIT;
		side_close(&server->side);
		return fail(server, reason_of_connect(error), strerror(error));
	}
	length = sizeof(name);
	if (getsockname(fd, (struct sockaddr *)&name, &length) == 0)
		address_from_socket(&server->side.endpoint.local, (struct sockaddr *)&name);
	server->side.endpoint.tcp_setup = clock_now();
	server->stage = server->target.tls ? SERVER_SECURING : SERVER_READY;
	if (server->target.tls)
		allow(server, LIMIT_TLS);
	else
		server->deadline = INT64_MAX;
	return SIDE_DONE;
}

static int begin_tls(struct server *server)
{
	const struct target *target = &server->target;
	const struct origin origin = {
		.name = target->name,
		.address = &target->address,
		.alpn = target->alpn,
		.alpn_length = target->alpn_length,
		.trust = target->trust,
		.generation = target->generation,
		.tolerant = target->tolerant,
		.wants_status = target->wants_status,
	};

	if (!target->trust)
		return -1;
	return side_secure(&server->side,
			   origin_open(server->world->tls, &origin, server->side.fd));
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
	if (server->target.name)
		strncpy(facts->sni, server->target.name, sizeof(facts->sni) - 1);
	if (progress == SIDE_FAILED || (server->verdict != REASON_NONE && !server->target.tolerant)) {
		enum reason reason =
			server->verdict != REASON_NONE ? server->verdict : REASON_TLS_SERVER_FAILED;

		fail(server, reason, detail);
		side_close(&server->side);
		return SIDE_FAILED;
	}
	endpoint->tls_setup = clock_now();
	server->stage = SERVER_READY;
	server->deadline = INT64_MAX;
	return SIDE_DONE;
}

enum side_progress server_advance(struct server *server)
{
	switch (server->stage) {
	case SERVER_RESOLVING:
		return set_out(server);
	case SERVER_CONNECTING:
		return arrive(server);
	case SERVER_SECURING:
		return secure(server);
	case SERVER_READY:
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
	else if (server->resolution.request)
		reason = REASON_NAME_UNRESOLVED;
	resolver_cancel(&server->resolution);
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
	    !same_name(mine->name, target->name) || (target->wants_status && !mine->wants_status))
		return false;
	if (target->host)
		return same_name(mine->host, target->host) && mine->port == target->port;
	return address_equal(&mine->address, &target->address);
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
	resolver_cancel(&server->resolution);
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
}
