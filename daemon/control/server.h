/* The daemon's end of RUN/control: one JSON request line per connection, answered by lines of JSON
 * of which the last is {"end":true,"status":0|1,"message":…}. Runs on the supervisor's event loop,
 * never blocks it; clients, requests and unread answers are bounded. Only root, the daemon's own
 * user and members of one group are served. */
#pragma once

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	CONTROL_CLIENTS_MAX = 16,
	CONTROL_REQUEST_MAX = 64 << 10, /* bytes */
	CONTROL_ANSWER_MAX =
		4 << 20,      /* unread bytes of one answer; beyond it the client is cut off */
	CONTROL_SECONDS = 10, /* to send the request, and between two reads of the answer */
};

struct control_server;
struct control_answer;

/* Carries out one request (a JSON object, the server's; json_incref() to keep it). Must lead to
 * exactly one control_answer_end(), now or at any later time. */
typedef void control_command(void *context, json_t *request, struct control_answer *answer);

struct control_entry {
	const char *name; /* the request's "command" */
	control_command *run;
};

struct control_settings {
	struct event_base *base;
	int listener; /* from control_listen(); stays the caller's; -1: who comes is introduced */
	const struct control_entry *entries; /* ends with a NULL name; kept, not copied */
	void *context;
	gid_t group;	    /* whose members are served too; (gid_t)-1: none */
	int reader_seconds; /* 0: CONTROL_SECONDS; -1: a slow reader is never cut off */
};

/* Binds and listens on a Unix stream socket, replacing a stale one (the caller holds the run
 * directory's lock), with this mode (0660) and group ((gid_t)-1: unchanged). Non-blocking,
 * close-on-exec. The descriptor, or -1 with errno. */
int control_listen(const char *path, mode_t mode, gid_t group);

/* NULL when out of memory. */
struct control_server *control_server_new(const struct control_settings *settings);

/* Serves everybody who is introduced over the channel (introduction.h), whoever it is: whoever holds its other end
 * is trusted. The channel stays the caller's. 0, or -1 when out of memory. Once. */
int control_server_hear(struct control_server *server, int channel);

/* Cuts every client off. Answers not yet ended stay valid and lead nowhere. */
void control_server_free(struct control_server *server);

/* Adds one line and takes over its reference; NULL (out of memory in the caller) is left out and
 * makes the end's status 1. */
void control_answer_line(struct control_answer *answer, json_t *line);

/* Ends the answer; it must not be used afterwards. status: 0 done, 1 no. message: for people, or
 * NULL. */
void control_answer_end(struct control_answer *answer, int status, const char *message);

/* For one that another program shall end: its client's socket once more, the caller's, close-on-exec. -1 with
 * errno, or when the client is gone. */
int control_answer_client(const struct control_answer *answer);

/* Ends the answer to a client that came by control_answer_client(); closes it. message: without quotation marks. */
void control_client_end(int client, int status, const char *message);

/* For answers without an end of their own: gone(context) is called once, as soon as nobody reads
 * any more; it may end the answer. */
void control_answer_watch(struct control_answer *answer, void (*gone)(void *context),
			  void *context);

/* Adds whole lines as they are, but only while what is unread stays within bound bytes. False:
 * nothing was added. */
bool control_answer_text(struct control_answer *answer, const char *lines, size_t length,
			 size_t bound);
