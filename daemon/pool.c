#include "daemon/pool.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALPN_MAX = 16 };

struct parked {
	struct pool *pool;
	struct parked *next; /* older */
	struct target target; /* name and alpn are copies, below; what else it points to belongs to its generation */
	char name[NAME_SIZE];
	uint8_t alpn[ALPN_MAX];
	const struct station *station;
	struct address peer;
	struct wire wire;
	SSL *tls;
	struct event event;
};

struct pool {
	struct event_base *base;
	struct parked *parked; /* newest first */
	size_t count;
};

struct pool *pool_new(struct event_base *base)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->base = base;
	return pool;
}

/* Without its socket and TLS. */
static void drop(struct parked *parked)
{
	struct parked **link = &parked->pool->parked;

	while (*link != parked)
		link = &(*link)->next;
	*link = parked->next;
	parked->pool->count--;
	event_del(&parked->event);
	free(parked);
}

static void discard(struct parked *parked)
{
	SSL *tls = parked->tls;
	int fd = parked->wire.fd;

	if (tls)
		SSL_shutdown(tls);
	drop(parked);
	SSL_free(tls);
	close(fd);
}

/* The server has ended it or said something unasked, or it has waited for long enough. */
static void over(evutil_socket_t fd, short what, void *argument)
{
	(void)fd, (void)what;
	discard(argument);
}

static bool may_be_kept(struct server *server)
{
	const struct target *target = &server->target;
	const struct upstream *upstream = target->upstream;
	const struct side *side = &server->side;

	return server->stage == SERVER_READY && server->verdict == REASON_NONE &&
	       !target->keep_source && !target->identity && !target->captures && !target->tolerant &&
	       (!upstream || upstream->proxy.through == THROUGH_NOTHING) && !side->carrier &&
	       !side->read_ended && !side->write_ended && !side_pending(side) &&
	       target->alpn_length <= ALPN_MAX && !server_is_stale(server);
}

static struct parked *oldest(const struct pool *pool)
{
	struct parked *parked = pool->parked;

	while (parked->next)
		parked = parked->next;
	return parked;
}

static void note_key(struct parked *parked, const struct server *server)
{
	parked->target = server->target;
	parked->station = server->candidates.current;
	parked->peer = server->side.endpoint.peer;
	if (parked->target.alpn_length)
		memcpy(parked->alpn, parked->target.alpn, parked->target.alpn_length);
	parked->target.alpn = parked->alpn;
	if (!parked->target.name)
		return;
	strncpy(parked->name, parked->target.name, sizeof(parked->name) - 1);
	parked->target.name = parked->name;
}

bool pool_keep(struct pool *pool, struct server *server)
{
	const struct timeval time = { .tv_sec = POOL_SECONDS };
	struct parked *parked;
	SSL *tls;
	int fd;

	if (!pool || !may_be_kept(server))
		return false;
	parked = calloc(1, sizeof(*parked));
	if (!parked)
		return false;
	note_key(parked, server);
	parked->pool = pool;
	fd = side_release(&server->side, &tls);
	wire_begin(&parked->wire, fd);
	if ((tls && wire_attach(&parked->wire, tls) < 0) ||
	    event_assign(&parked->event, pool->base, fd, EV_READ | EV_CLOSED, over, parked) < 0 ||
	    event_add(&parked->event, &time) < 0) {
		SSL_free(tls);
		close(fd);
		free(parked);
		return true;
	}
	parked->tls = tls;
	if (pool->count == POOL_MAX)
		discard(oldest(pool));
	parked->next = pool->parked;
	pool->parked = parked;
	pool->count++;
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Where the upstream names its servers, the original destination says no more than the port. */
static bool same_place(const struct target *had, const struct target *wanted)
{
	if (had->upstream && had->upstream->server_count)
		return had->destination.port == wanted->destination.port;
	return address_equal(&had->destination, &wanted->destination);
}

/* Everything that was true of the connection when it was made has to be wanted of the new one. */
static bool fits(const struct target *had, const struct target *wanted)
{
	return had->generation == wanted->generation && had->upstream == wanted->upstream &&
	       had->trust == wanted->trust && had->tls == wanted->tls &&
	       same_text(had->name, wanted->name) && same_place(had, wanted) &&
	       had->anonymous == wanted->anonymous && had->wants_status == wanted->wants_status &&
	       had->plain_h2 == wanted->plain_h2 && !wanted->keep_source && !wanted->identity &&
	       !wanted->captures && !wanted->tolerant && had->alpn_length == wanted->alpn_length &&
	       (!had->alpn_length || memcmp(had->alpn, wanted->alpn, had->alpn_length) == 0);
}

bool pool_give(struct pool *pool, struct server *server, const struct target *target, uint64_t id)
{
	struct parked *parked = pool ? pool->parked : NULL;
	struct server_socket socket;

	while (parked && !fits(&parked->target, target))
		parked = parked->next;
	if (!parked)
		return false;
	socket = (struct server_socket){
		.fd = parked->wire.fd,
		.tls = parked->tls,
		.peer = parked->peer,
		.station = parked->station,
	};
	drop(parked);
	return server_adopt(server, target, &socket, id) == 0;
}
