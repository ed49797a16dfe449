#include "daemon/control/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int dial(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof name.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(name.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&name, sizeof name))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void explain_failure(const char *path, char message[static CALL_MESSAGE])
{
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
		snprintf(
			message, CALL_MESSAGE,
			"headgated is not running (nobody listens at %s).\n"
			"Start it with `systemctl start headgate` or `headgated --config FILE`, or "
			"say where it runs with --run-directory DIR.",
			path);
	else if (errno == EACCES || errno == EPERM)
		snprintf(message, CALL_MESSAGE,
			 "you may not speak to headgated at %s.\n"
			 "Be root, or become a member of the group `headgate`.",
			 path);
	else
		snprintf(message, CALL_MESSAGE, "cannot speak to headgated at %s: %s", path,
			 strerror(errno));
}

/* A daemon that refuses us may have closed already; its answer is there all the same. */
static void send_request(int fd, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t sent = 0, length = text ? strlen(text) : 0;
	ssize_t now = 1;

	if (text)
		text[length++] = '\n';
	while (sent < length && now > 0) {
		now = send(fd, text + sent, length - sent, MSG_NOSIGNAL);
		sent += now > 0 ? (size_t)now : 0;
	}
	free(text);
}

static int take_end(const json_t *line, char message[static CALL_MESSAGE])
{
	const char *said = json_string_value(json_object_get(line, "message"));

	snprintf(message, CALL_MESSAGE, "%s", said ? said : "");
	return json_integer_value(json_object_get(line, "status")) ? 1 : 0;
}

/* Reads lines up to the end; returns its status. */
static int read_answer(const struct call *call, FILE *stream, char message[static CALL_MESSAGE])
{
	char *text = NULL;
	size_t size = 0;
	ssize_t length;
	int status = -1;

	while (status < 0 && (length = getline(&text, &size, stream)) > 0) {
		json_t *line;

		if (text[length - 1] == '\n')
			text[--length] = '\0';
		line = json_loadb(text, (size_t)length, 0, NULL);
		if (json_is_true(json_object_get(line, "end")))
			status = take_end(line, message);
		else if (line)
			call->line(call->context, line, text);
		json_decref(line);
	}
	free(text);
	if (status >= 0)
		return status;
	snprintf(message, CALL_MESSAGE, "headgated ended before its answer was complete");
	return 1;
}

int call_make(const struct call *call, json_t *request, char message[static CALL_MESSAGE])
{
	char path[256];
	FILE *stream;
	int fd, status;

	message[0] = '\0';
	snprintf(path, sizeof path, "%s/%s", call->run_directory, call->socket);
	fd = dial(path);
	stream = fd < 0 ? NULL : fdopen(fd, "r");
	if (!stream) {
		explain_failure(path, message);
		if (fd >= 0)
			close(fd);
		json_decref(request);
		return 1;
	}
	send_request(fd, request);
	json_decref(request);
	status = read_answer(call, stream, message);
	fclose(stream);
	return status;
}
