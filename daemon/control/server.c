#include "daemon/control/server.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control/answer.h"
#include "daemon/control/introduction.h"
#include "daemon/control/peer.h"
#include "daemon/control/request.h"
#include "daemon/log.h"

enum { BACKLOG = 16, RETRY_SECONDS = 1, INTRODUCTIONS_PER_TURN = 16 };

struct control_server {
	struct control_settings settings;
	struct trusted trusted;
	struct event *acceptable; /* NULL: nobody is accepted */
	struct event *retry; /* after accept() failed */
	struct event *introduced;
	struct answer_list answers;
};

static int bind_at(int listener, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof name.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(name.sun_path, path);
	if (unlink(path) && errno != ENOENT)
		return -1;
	return bind(listener, (struct sockaddr *)&name, sizeof name);
}

/* Nobody can connect before listen(), so mode and owner are never too wide. */
static int open_to(int listener, const char *path, mode_t mode, gid_t group)
{
	if (chmod(path, mode))
		return -1;
	if (group != (gid_t)-1 && chown(path, (uid_t)-1, group))
		return -1;
	return listen(listener, BACKLOG);
}

int control_listen(const char *path, mode_t mode, gid_t group)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (listener < 0)
		return -1;
	if (!bind_at(listener, path) && !open_to(listener, path, mode, group))
		return listener;
	saved = errno;
	close(listener);
	errno = saved;
	return -1;
}

static const struct control_entry *find(const struct control_entry *entries, const char *name)
{
	while (entries->name && strcmp(entries->name, name))
		entries++;
	return entries->name ? entries : NULL;
}

static void carry_out(void *context, struct control_answer *answer, const char *line, size_t length)
{
	struct control_server *server = context;
	const struct control_entry *entry;
	const char *message;
	json_t *request = request_parse(line, length, &message);

	if (!request) {
		control_answer_end(answer, 1, message);
		return;
	}
	entry = find(server->settings.entries, request_command(request));
	if (entry)
		entry->run(server->settings.context, request, answer);
	else
		control_answer_end(answer, 1, "there is no such command here");
	json_decref(request);
}

void control_client_end(int client, int status, const char *message)
{
	char line[256];
	int length = snprintf(line, sizeof line, "{\"end\":true,\"status\":%d,\"message\":\"%s\"}\n",
			      status, message);

	if (send(client, line, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("control: %m");
	close(client);
}

/* What a stranger is told, in one piece, without taking a place. */
static void refuse(int client, const char *message)
{
	control_client_end(client, 1, message);
}

static void serve(struct control_server *server, int client)
{
	int seconds = server->settings.reader_seconds;
	struct answer_settings settings = {
		.base = server->settings.base,
		.client = client,
		.reader_seconds = seconds ? seconds : CONTROL_SECONDS,
		.ask = carry_out,
		.context = server,
	};

	if (server->answers.count >= CONTROL_CLIENTS_MAX)
		refuse(client, "too many clients are connected; try again later");
	else if (answer_open(&server->answers, &settings))
		refuse(client, "the daemon is out of memory");
}

static void admit(struct control_server *server, int client)
{
	if (peer_is_trusted(client, &server->trusted))
		serve(server, client);
	else
		refuse(client, "you are neither root nor in the daemon's group");
}

static void accept_clients(evutil_socket_t listener, short what, void *context)
{
	struct control_server *server = context;
	struct timeval wait = { .tv_sec = RETRY_SECONDS };
	int client;

	(void)what;
	while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		admit(server, client);
	if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		return;
	log_warning("control: accept: %m");
	event_del(server->acceptable);
	event_add(server->retry, &wait);
}

static void accept_again(evutil_socket_t nothing, short what, void *context)
{
	struct control_server *server = context;

	(void)nothing;
	(void)what;
	event_add(server->acceptable, NULL);
}

/* What is no introduction is passed over. */
static void hear(evutil_socket_t channel, short what, void *context)
{
	struct control_server *server = context;

	(void)what;
	for (int i = 0; i < INTRODUCTIONS_PER_TURN; i++) {
		int client = introduction_take(channel);

		if (client >= 0) {
			serve(server, client);
			continue;
		}
		if (errno == EPIPE)
			event_del(server->introduced);
		if (errno != EBADMSG)
			return;
	}
}

int control_server_hear(struct control_server *server, int channel)
{
	server->introduced = event_new(server->settings.base, channel, EV_READ | EV_PERSIST, hear,
				       server);
	return server->introduced ? event_add(server->introduced, NULL) : -1;
}

static bool accept_from(struct control_server *server, int listener)
{
	if (listener < 0)
		return true;
	server->acceptable = event_new(server->settings.base, listener, EV_READ | EV_PERSIST,
				       accept_clients, server);
	return server->acceptable && event_add(server->acceptable, NULL) == 0;
}

struct control_server *control_server_new(const struct control_settings *settings)
{
	struct control_server *server = calloc(1, sizeof *server);

	if (!server)
		return NULL;
	server->settings = *settings;
	server->trusted = (struct trusted){ .user = geteuid(), .group = settings->group };
	server->retry = evtimer_new(settings->base, accept_again, server);
	if (server->retry && accept_from(server, settings->listener))
		return server;
	control_server_free(server);
	return NULL;
}

void control_server_free(struct control_server *server)
{
	if (!server)
		return;
	answer_list_cut(&server->answers);
	if (server->acceptable)
		event_free(server->acceptable);
	if (server->retry)
		event_free(server->retry);
	if (server->introduced)
		event_free(server->introduced);
	free(server);
}
