/* The reference limit of passing: the least that a transparent relay in user space can do. Accepts
 * through TPROXY, dials the original destination from the client's address, and splices both ways.
 * No names, no rules, no journal, no time-outs. Usage: lim_splice PORT */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, EVENTS = 256 };

struct flow {
	int from, to, pipe[2];
	size_t held; /* bytes in the pipe */
	bool ended;  /* from has no more, and to was told */
};

struct pair {
	struct flow up, down;
	struct pair *next_dead;
	bool dead;
};

/* Writes what the pipe holds: 1 when it is empty, 0 when the receiver is full, -1 when broken. */
static int drain(struct flow *flow)
{
	while (flow->held > 0) {
		ssize_t out = splice(flow->pipe[0], NULL, flow->to, NULL, flow->held,
				     SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (out < 0)
			return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
		flow->held -= out;
	}
	return 1;
}

/* Moves what can be moved; -1 when the pair is broken. The pipe is empty before each read, so that
 * EAGAIN always means that the sender has nothing: with edge-triggered events no byte is left
 * behind. */
static int pump(struct flow *flow)
{
	while (!flow->ended) {
		int drained = drain(flow);
		ssize_t in;

		if (drained <= 0)
			return drained;
		in = splice(flow->from, NULL, flow->pipe[1], NULL, CHUNK,
			    SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (in < 0)
			return errno == EAGAIN || errno == ENOTCONN ? 0 : -1;
		flow->held = in;
		flow->ended = in == 0;
		if (flow->ended)
			shutdown(flow->to, SHUT_WR);
	}
	return 0;
}

static int dial(const struct sockaddr_in *client, const struct sockaddr_in *server)
{
	struct sockaddr_in source = *client;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	source.sin_port = 0;
	setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	bind(fd, (struct sockaddr *)&source, sizeof(source));
	if (connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0 &&
	    errno != EINPROGRESS)
		perror("connect");
	return fd;
}

static void pair_new(int loop, int client_fd, const struct sockaddr_in *client)
{
	struct sockaddr_in server;
	socklen_t length = sizeof(server);
	struct pair *pair = calloc(1, sizeof(*pair));
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int on = 1;

	if (!pair || getsockname(client_fd, (struct sockaddr *)&server, &length) < 0)
		exit(1);
	setsockopt(client_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	pair->up.from = pair->down.to = client_fd;
	pair->up.to = pair->down.from = dial(client, &server);
	if (pipe2(pair->up.pipe, O_NONBLOCK) < 0 || pipe2(pair->down.pipe, O_NONBLOCK) < 0)
		exit(1);
	event.data.ptr = pair;
	epoll_ctl(loop, EPOLL_CTL_ADD, pair->up.from, &event);
	epoll_ctl(loop, EPOLL_CTL_ADD, pair->up.to, &event);
}

static void pair_free(struct pair *pair)
{
	close(pair->up.from);
	close(pair->up.to);
	for (int i = 0; i < 2; i++) {
		close(pair->up.pipe[i]);
		close(pair->down.pipe[i]);
	}
	free(pair);
}

static void accept_all(int loop, int listener)
{
	struct sockaddr_in client;
	socklen_t length = sizeof(client);
	int fd;

	while ((fd = accept4(listener, (struct sockaddr *)&client, &length, SOCK_NONBLOCK)) >= 0)
		pair_new(loop, fd, &client);
}

static int listen_at(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4096) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

/* One turn of the loop. A pair may be named by two events of a turn: it is freed after the last. */
static void turn(int loop, int listener)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(loop, events, EVENTS, -1);
	struct pair *dead = NULL;

	for (int i = 0; i < count; i++) {
		struct pair *pair = events[i].data.ptr;
		if (!pair) {
			accept_all(loop, listener);
			continue;
		}
		if (pair->dead || (pump(&pair->up) == 0 && pump(&pair->down) == 0 &&
				   !(pair->up.ended && pair->down.ended)))
			continue;
		pair->dead = true;
		pair->next_dead = dead;
		dead = pair;
	}
	while (dead) {
		struct pair *next = dead->next_dead;
		pair_free(dead);
		dead = next;
	}
}

int main(int argc, char **argv)
{
	int listener = listen_at(argc > 1 ? atoi(argv[1]) : 0);
	int loop = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	signal(SIGPIPE, SIG_IGN);
	epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event);
	for (;;)
		turn(loop, listener);
}
