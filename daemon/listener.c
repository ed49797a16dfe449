#include "daemon/listener.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/connection.h"
#include "daemon/log.h"
#include "netfilter/socket.h"

enum {
	ACCEPTS_PER_TURN = 64,
	PAUSE_MILLISECONDS = 100, /* without descriptors, memory or room: others must end first */
};

/* Names outlive their listener: connections and journal lines point at them. There are at most as many as
 * the owner ever names in `lan`. */
struct port_name {
	struct port_name *next;
	char name[PORT_NAME];
};

struct listener {
	struct gateway *gateway;
	int fd;
	const char *name;
	unsigned index; /* of the interface */
	struct event event;
	struct event resume;
	struct log_limit limit;
};

static const char *intern(const char *name)
{
	static struct port_name *names;
	struct port_name *one;

	for (one = names; one; one = one->next)
		if (strcmp(one->name, name) == 0)
			return one->name;
	one = calloc(1, sizeof(*one));
	if (!one)
		return NULL;
	strncpy(one->name, name, sizeof(one->name) - 1);
	one->next = names;
	names = one;
	return one->name;
}

static void pause_accepting(struct listener *listener, const char *why)
{
	const struct timeval pause = { 0, PAUSE_MILLISECONDS * 1000 };

	log_warning_limited(&listener->limit, "new connections on %s wait: %s", listener->name,
			    why);
	event_del(&listener->event);
	evtimer_add(&listener->resume, &pause);
}

static void resume(evutil_socket_t fd, short what, void *argument)
{
	struct listener *listener = argument;

	(void)fd;
	(void)what;
	event_add(&listener->event, NULL);
}

static bool is_worth_waiting(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static bool accept_one(struct listener *listener)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	struct arrival arrival = { .port_name = listener->name, .port_index = listener->index };

	if (listener->gateway->live >= listener->gateway->capacity) {
		pause_accepting(listener, "the limit on connections is reached");
		return false;
	}
	arrival.fd = accept4(listener->fd, (struct sockaddr *)&peer, &length,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (arrival.fd < 0) {
		if (is_worth_waiting(errno))
			pause_accepting(listener, strerror(errno));
		/* The client may have gone before we came: the next one is asked at once. */
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (address_from_socket(&arrival.peer, (struct sockaddr *)&peer) < 0) {
		close(arrival.fd);
		return true;
	}
	atomic_fetch_add_explicit(&listener->gateway->counters->accepted, 1, memory_order_relaxed);
	connection_new(listener->gateway, &arrival);
	return true;
}

static void knock(evutil_socket_t fd, short what, void *argument)
{
	struct listener *listener = argument;

	(void)fd;
	(void)what;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++)
		if (!accept_one(listener))
			return;
}

struct listener *listener_open(struct gateway *gateway, int fd, const char *port_name,
			       unsigned port_index)
{
	struct listener *listener = calloc(1, sizeof(*listener));
	const char *name = intern(port_name);

	if (!listener || !name) {
		free(listener);
		close(fd);
		return NULL;
	}
	listener->gateway = gateway;
	listener->fd = fd;
	listener->name = name;
	listener->index = port_index;
	socket_tune(fd);
	event_assign(&listener->event, gateway->base, fd, EV_READ | EV_PERSIST, knock, listener);
	evtimer_assign(&listener->resume, gateway->base, resume, listener);
	event_add(&listener->event, NULL);
	return listener;
}

void listener_close(struct listener *listener)
{
	if (!listener)
		return;
	event_del(&listener->event);
	evtimer_del(&listener->resume);
	close(listener->fd);
	free(listener);
}

const char *listener_port_name(const struct listener *listener)
{
	return listener->name;
}
