#include "daemon/dialer.h"

#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <unistd.h>

struct attempt {
	struct dialer *dialer;
	struct event event;
	int fd; /* -1: not begun, or over */
};

struct dialer {
	struct event_base *base;
	struct resolved addresses;
	size_t begun; /* addresses that have had their turn */
	struct attempt attempts[RESOLVED_MAX];
	struct attempt *winner;
	int error;
	struct event stagger;
	dialer_dial *dial;
	void (*wake)(void *context);
	void *context;
};

void dialer_sort(struct resolved *addresses, sa_family_t first)
{
	struct resolved sorted = { 0 };
	bool taken[RESOLVED_MAX] = { false };
	sa_family_t family = first;

	while (sorted.count < addresses->count) {
		size_t next = addresses->count;

		for (size_t i = addresses->count; i-- > 0;)
			if (!taken[i] &&
			    (next == addresses->count || addresses->addresses[i].family == family ||
			     addresses->addresses[next].family != family))
				next = i;
		taken[next] = true;
		sorted.addresses[sorted.count++] = addresses->addresses[next];
		family = sorted.addresses[sorted.count - 1].family == AF_INET ? AF_INET6 : AF_INET;
	}
	*addresses = sorted;
}

static void close_attempt(struct attempt *attempt)
{
	if (attempt->fd < 0)
		return;
	event_del(&attempt->event);
	close(attempt->fd);
	attempt->fd = -1;
}

static void fail(struct dialer *dialer, int error)
{
	/* A refusal tells more than silence, and the first one most. */
	if (!dialer->error || dialer->error == ETIMEDOUT)
		dialer->error = error;
}

static bool under_way(const struct dialer *dialer)
{
	for (size_t i = 0; i < dialer->begun; i++)
		if (dialer->attempts[i].fd >= 0)
			return true;
	return false;
}

static void writable(evutil_socket_t fd, short what, void *argument);

/* 0, or -1 when this one has failed at once. */
static int begin(struct dialer *dialer)
{
	size_t index = dialer->begun++;
	struct attempt *attempt = &dialer->attempts[index];
	int fd = dialer->dial(dialer->context, &dialer->addresses.addresses[index]);

	if (fd < 0) {
		fail(dialer, errno);
		return -1;
	}
	attempt->fd = fd;
	event_assign(&attempt->event, dialer->base, fd, EV_WRITE, writable, attempt);
	return event_add(&attempt->event, NULL);
}

/* The next address that can be tried at all. */
static void begin_next(struct dialer *dialer)
{
	const struct timeval wait = { .tv_usec = DIALER_STAGGER * 1000 };

	while (dialer->begun < dialer->addresses.count && begin(dialer) < 0)
		;
	if (dialer->begun < dialer->addresses.count)
		evtimer_add(&dialer->stagger, &wait);
	else
		evtimer_del(&dialer->stagger);
}

static void writable(evutil_socket_t fd, short what, void *argument)
{
	struct attempt *attempt = argument;
	struct dialer *dialer = attempt->dialer;
	socklen_t length = sizeof(int);
	int error = 0;

	(void)what;
	if (dialer->winner)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (!error) {
		dialer->winner = attempt;
		evtimer_del(&dialer->stagger);
	} else {
		fail(dialer, error);
		close_attempt(attempt);
		begin_next(dialer);
	}
	if (dialer->winner || !under_way(dialer))
		dialer->wake(dialer->context);
}

static void next_turn(evutil_socket_t fd, short what, void *argument)
{
	struct dialer *dialer = argument;

	(void)fd;
	(void)what;
	begin_next(dialer);
	if (!under_way(dialer))
		dialer->wake(dialer->context);
}

struct dialer *dialer_new(struct event_base *base, const struct resolved *addresses,
			  dialer_dial *dial, void (*wake)(void *context), void *context)
{
	struct dialer *dialer = calloc(1, sizeof(*dialer));

	if (!dialer)
		return NULL;
	dialer->base = base;
	dialer->addresses = *addresses;
	dialer->dial = dial;
	dialer->wake = wake;
	dialer->context = context;
	for (size_t i = 0; i < RESOLVED_MAX; i++) {
		dialer->attempts[i].dialer = dialer;
		dialer->attempts[i].fd = -1;
	}
	evtimer_assign(&dialer->stagger, base, next_turn, dialer);
	begin_next(dialer);
	return dialer;
}

enum dialing dialer_turn(struct dialer *dialer, int *fd, struct address *address)
{
	struct attempt *winner = dialer->winner;

	if (!winner && under_way(dialer))
		return DIALING;
	if (!winner) {
		errno = dialer->error;
		return DIALING_FAILED;
	}
	event_del(&winner->event);
	*fd = winner->fd;
	*address = dialer->addresses.addresses[winner - dialer->attempts];
	winner->fd = -1;
	return DIALED;
}

void dialer_free(struct dialer *dialer)
{
	if (!dialer)
		return;
	evtimer_del(&dialer->stagger);
	for (size_t i = 0; i < dialer->begun; i++)
		close_attempt(&dialer->attempts[i]);
	free(dialer);
}

enum reason dialer_reason(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return REASON_CONNECT_REFUSED;
	case ECONNRESET:
		return REASON_SERVER_RESET;
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
