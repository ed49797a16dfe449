#include "daemon/console/asking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/introduction.h"
#include "daemon/limits.h"

struct asking {
	struct asking_settings settings;
	int fd;
	struct event *readable;
};

static char bytes[CHUNK_SIZE];

static void hear(evutil_socket_t fd, short what, void *context)
{
	struct asking *asking = context;
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)what;
	if (got > 0) {
		asking->settings.take(asking->settings.context, bytes, (size_t)got);
		return;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	event_del(asking->readable);
	asking->settings.over(asking->settings.context);
}

/* The socket is new and empty: a question that it does not take whole would never fit. */
static int ask(int fd, const char *question)
{
	char line[1024];
	size_t length = strlen(question);

	if (length + 1 > sizeof(line)) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(line, question, length);
	line[length++] = '\n';
	return send(fd, line, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

struct asking *asking_new(const struct asking_settings *settings)
{
	struct asking *asking = calloc(1, sizeof(*asking));

	if (!asking)
		return NULL;
	asking->settings = *settings;
	asking->fd = introduction_make(settings->channel);
	if (asking->fd < 0)
		goto failed;
	asking->readable =
		event_new(settings->base, asking->fd, EV_READ | EV_PERSIST, hear, asking);
	if (asking->readable && event_add(asking->readable, NULL) == 0 &&
	    ask(asking->fd, settings->question) == 0)
		return asking;
failed:
	asking_free(asking);
	return NULL;
}

void asking_free(struct asking *asking)
{
	if (!asking)
		return;
	if (asking->readable)
		event_free(asking->readable);
	if (asking->fd >= 0)
		close(asking->fd);
	free(asking);
}

void asking_rest(struct asking *asking)
{
	event_del(asking->readable);
}

void asking_resume(struct asking *asking)
{
	event_add(asking->readable, NULL);
}
