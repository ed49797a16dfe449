#include "daemon/side.h"

#include <errno.h>
#include <event2/event.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/tls/carrier.h"
#include "daemon/tls/stream.h"

void side_begin(struct side *side, struct allowance *allowance)
{
	memset(side, 0, sizeof(*side));
	side->allowance = allowance;
	side->fd = -1;
}

void side_open(struct side *side, int fd)
{
	side->fd = fd;
	wire_begin(&side->wire, fd);
	side->read_ended = false;
	side->write_ended = false;
	side->shutdown_wanted = false;
	side->endpoint.state = ENDPOINT_ACTIVE;
}

static void awake(evutil_socket_t fd, short what, void *argument)
{
	struct side *side = argument;

	(void)fd;
	if (what & (EV_READ | EV_CLOSED))
		wire_announce(&side->wire, what & EV_CLOSED);
	else
		wire_announce_room(&side->wire);
	side->wake(side->context);
}

int side_watch(struct side *side, struct event_base *base, void (*wake)(void *context),
	       void *context)
{
	side->wake = wake;
	side->context = context;
	if (event_assign(&side->event, base, side->fd,
			 EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, awake, side) < 0)
		return -1;
	if (event_add(&side->event, NULL) < 0)
		return -1;
	side->watched = true;
	side->wire.announced = true;
	return 0;
}

int side_secure(struct side *side, SSL *tls)
{
	if (!tls || wire_attach(&side->wire, tls) < 0) {
		SSL_free(tls);
		return -1;
	}
	side->tls = tls;
	return 0;
}

int side_nest(struct side *side)
{
	side->carrier = carrier_new(&side->wire, side->tls);
	if (!side->carrier)
		return -1;
	side->tls = NULL;
	return 0;
}

static void end_reading(struct side *side)
{
	side->read_ended = true;
	side->endpoint.state &= ~ENDPOINT_CAN_READ;
}

/* Where OpenSSL waits for room, reading goes on when there is some, not when there is something to read. */
static void heed_writing(struct side *side)
{
	if (SSL_want_write(side->tls))
		side->wire.drained = false;
}

static bool is_resting(const struct side *side)
{
	if (!side->wire.drained || side_buffered(side))
		return false;
	errno = EAGAIN;
	return true;
}

static ssize_t read_tls(struct side *side, void *bytes, size_t size,
			ssize_t (*take)(SSL *tls, void *bytes, size_t size))
{
	ssize_t got = take(side->tls, bytes, size);

	if (got < 0)
		heed_writing(side);
	return got;
}

ssize_t side_read(struct side *side, void *bytes, size_t size)
{
	ssize_t got;

	if (is_resting(side))
		return -1;
	got = side->tls ? read_tls(side, bytes, size, stream_read)
			: wire_read(&side->wire, bytes, size);
	if (got > 0)
		side->endpoint.received += (uint64_t)got;
	else if (got == 0)
		end_reading(side);
	return got;
}

ssize_t side_peek(struct side *side, void *bytes, size_t size)
{
	if (is_resting(side))
		return -1;
	return side->tls ? read_tls(side, bytes, size, stream_peek)
			 : wire_peek(&side->wire, bytes, size);
}

bool side_is_broken(struct side *side)
{
	struct pollfd look = { .fd = side->fd };

	/* It would have been an edge. */
	if (side->wire.announced && !side->wire.news)
		return false;
	side->wire.news = false;
	return poll(&look, 1, 0) == 1 && look.revents & POLLERR;
}

void side_rest(struct side *side)
{
	struct wire *wire = &side->wire;

	/* An edge that came after the last read has announced bytes that nobody has looked at. */
	if (wire->announced && !wire->fresh && !wire->full && !wire->ending &&
	    !side_buffered(side))
		wire->drained = true;
}

size_t side_buffered(const struct side *side)
{
	return side->tls && SSL_has_pending(side->tls) ? 1 : 0;
}

/* >=0: bytes taken at once. */
static ssize_t write_some(struct side *side, const void *bytes, size_t length)
{
	ssize_t taken;

	if (side->tls) {
		taken = stream_write(side->tls, bytes, length);
		if (taken < 0)
			heed_writing(side);
	} else {
		taken = wire_write(&side->wire, bytes, length);
	}
	if (taken > 0)
		side->endpoint.sent += (uint64_t)taken;
	if (taken < 0 && errno == EAGAIN)
		taken = 0;
	return taken;
}

static int keep(struct side *side, const char *bytes, size_t length)
{
	char *pending;

	if (side->pending_start) {
		memmove(side->pending, side->pending + side->pending_start, side->pending_length);
		side->pending_start = 0;
	}
	pending = allowance_resize(side->allowance, side->pending, side->pending_length + length);
	if (!pending) {
		errno = ENOMEM;
		return -1;
	}
	memcpy(pending + side->pending_length, bytes, length);
	side->pending = pending;
	side->pending_length += length;
	return 0;
}

int side_send(struct side *side, const void *bytes, size_t length)
{
	const char *next = bytes;

	while (length && !side->pending_length) {
		ssize_t taken = write_some(side, next, length);

		if (taken < 0)
			return -1;
		if (taken == 0)
			break;
		next += taken;
		length -= (size_t)taken;
	}
	return length ? keep(side, next, length) : 0;
}

/* False while the socket has no room for the alert. */
static bool close_notify(struct side *side)
{
	int result;

	ERR_clear_error();
	side->wire.more = true;
	result = SSL_shutdown(side->tls);
	side->wire.more = false;
	return result >= 0 || SSL_get_error(side->tls, result) != SSL_ERROR_WANT_WRITE;
}

static int finish_writing(struct side *side)
{
	if (side->write_ended)
		return 0;
	side->shutdown_wanted = side->tls && !close_notify(side);
	if (side->shutdown_wanted)
		return 0;
	side->write_ended = true;
	side->endpoint.state &= ~ENDPOINT_CAN_WRITE;
	if (side->carrier)
		carrier_finish(side->carrier);
	return shutdown(side->fd, SHUT_WR);
}

int side_flush(struct side *side)
{
	while (side->pending_length) {
		ssize_t taken = write_some(side, side->pending + side->pending_start,
					   side->pending_length);

		if (taken < 0)
			return -1;
		if (taken == 0)
			return 0;
		side->pending_start += (size_t)taken;
		side->pending_length -= (size_t)taken;
	}
	allowance_free(side->allowance, side->pending);
	side->pending = NULL;
	side->pending_start = 0;
	return side->shutdown_wanted ? finish_writing(side) : 0;
}

size_t side_pending(const struct side *side)
{
	return side->pending_length + side->shutdown_wanted;
}

int side_shutdown(struct side *side)
{
	if (side->pending_length) {
		side->shutdown_wanted = true;
		return 0;
	}
	return finish_writing(side);
}

/* A server of TLS 1.3 that waits for the client's Finished has nothing left to write but a ticket, which can
 * travel with the first answer: nobody waits for it (RFC 8446 section 4.6.1). */
static bool owes_ticket(const SSL *tls)
{
	return SSL_get_state(tls) == TLS_ST_EARLY_DATA && SSL_is_server(tls);
}

enum side_progress side_handshake(struct side *side)
{
	int result;

	ERR_clear_error();
	errno = 0;
	side->wire.more = owes_ticket(side->tls);
	result = SSL_do_handshake(side->tls);
	side->wire.more = false;
	if (result == 1)
		return SIDE_DONE;
	heed_writing(side);
	return stream_errno(side->tls, result) == EAGAIN ? SIDE_WAIT : SIDE_FAILED;
}

static void let_go(struct side *side)
{
	if (side->watched)
		event_del(&side->event);
	side->watched = false;
	SSL_free(side->tls);
	side->tls = NULL;
	carrier_free(side->carrier);
	side->carrier = NULL;
	allowance_free(side->allowance, side->pending);
	side->pending = NULL;
	side->pending_start = 0;
	side->pending_length = 0;
	if (side->wire.tap)
		side->wire.tap->end(side->wire.tap);
	side->wire.tap = NULL;
	side->fd = -1;
	side->endpoint.state = ENDPOINT_CLOSED;
	side->endpoint.end = clock_now();
}

/* The socket goes last: event_del() needs it, and SSL_free() may still look at it. */
static void drop(struct side *side)
{
	int fd = side->fd;

	let_go(side);
	close(fd);
}

int side_release(struct side *side, SSL **tls)
{
	int fd = side->fd;

	*tls = side->tls;
	side->tls = NULL;
	let_go(side);
	return fd;
}

void side_close(struct side *side)
{
	if (side->fd < 0)
		return;
	if (side->tls && !side->write_ended && SSL_is_init_finished(side->tls))
		close_notify(side);
	drop(side);
}

void side_reset(struct side *side)
{
	struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	if (side->fd < 0)
		return;
	setsockopt(side->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	drop(side);
}

void side_end(struct side *side)
{
	side_close(side);
	endpoint_end(&side->endpoint);
	side_begin(side, side->allowance);
}
