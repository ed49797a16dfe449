#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/journal/output.h"

/* Facility 3 (daemon), severity 6 (info). */
static const char tag[] = "<30>headgate: ";

struct syslog {
	struct output output;
	struct sockaddr_un name;
	int fd; /* -1: not connected */
};

static int reach(struct syslog *log)
{
	if (log->fd >= 0)
		return 0;
	log->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (log->fd < 0)
		return -1;
	return connect(log->fd, (struct sockaddr *)&log->name, sizeof log->name);
}

static void let_go(struct syslog *log)
{
	int saved = errno;

	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	errno = saved;
}

static int send_line(struct syslog *log, const char *line, size_t length)
{
	struct iovec parts[] = {
		{ .iov_base = (char *)tag, .iov_len = sizeof tag - 1 },
		{ .iov_base = (char *)line, .iov_len = length },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (reach(log)) {
		let_go(log);
		return -1;
	}
	return sendmsg(log->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* Once more when the system's log was restarted in between. */
static int deliver(struct syslog *log, const char *line, size_t length)
{
	if (!send_line(log, line, length))
		return 0;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
		return -1;
	let_go(log);
	return send_line(log, line, length);
}

static uint64_t syslog_write(struct output *output, const char *lines, size_t length)
{
	struct syslog *log = (struct syslog *)output;
	const char *end = lines + length;
	const char *newline;
	uint64_t lost = 0;
	int cause = 0;

	while ((newline = memchr(lines, '\n', (size_t)(end - lines)))) {
		if (deliver(log, lines, (size_t)(newline - lines))) {
			cause = errno;
			lost++;
		}
		lines = newline + 1;
	}
	errno = cause;
	return lost;
}

static void syslog_free(struct output *output)
{
	let_go((struct syslog *)output);
	free(output);
}

struct output *syslog_output(const char *path)
{
	struct syslog *log = calloc(1, sizeof *log);

	if (!log)
		return NULL;
	log->output = (struct output){ .write = syslog_write, .free = syslog_free };
	log->name.sun_family = AF_UNIX;
	strncpy(log->name.sun_path, path, sizeof log->name.sun_path - 1);
	log->fd = -1;
	return &log->output;
}
