#include "daemon/control/answer.h"

#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 4096, LINE_FLAGS = JSON_COMPACT | JSON_ENCODE_ANY };

struct control_answer {
	struct control_answer *next;
	struct control_answer **link; /* what points here; NULL: in no list */
	struct answer_list *list;     /* NULL: the client is gone */
	struct answer_settings settings;
	struct event *readable;
	struct event *writable;
	struct evbuffer *request;
	struct evbuffer *unread;
	bool asked; /* the command has begun */
	bool ended;
	bool broken; /* a line was lost on the way */
	void (*gone)(void *context);
	void *gone_context;
};

static void answer_free(struct control_answer *answer)
{
	if (answer->readable)
		event_free(answer->readable);
	if (answer->writable)
		event_free(answer->writable);
	if (answer->request)
		evbuffer_free(answer->request);
	if (answer->unread)
		evbuffer_free(answer->unread);
	free(answer);
}

static void unlink_answer(struct control_answer *answer)
{
	answer->list->count--;
	*answer->link = answer->next;
	if (answer->next)
		answer->next->link = answer->link;
	answer->list = NULL;
}

/* The client is gone or not worth waiting for. A command still at work keeps its answer. */
static void cut(struct control_answer *answer)
{
	void (*gone)(void *context) = answer->gone;

	unlink_answer(answer);
	event_del(answer->readable);
	event_del(answer->writable);
	close(answer->settings.client);
	evbuffer_drain(answer->unread, evbuffer_get_length(answer->unread));
	answer->gone = NULL;
	if (answer->ended || !answer->asked)
		answer_free(answer);
	else if (gone)
		gone(answer->gone_context);
}

void answer_list_cut(struct answer_list *list)
{
	while (list->first)
		cut(list->first);
}

static const struct timeval *patience(const struct control_answer *answer, struct timeval *wait)
{
	*wait = (struct timeval){ .tv_sec = answer->settings.reader_seconds };
	return wait->tv_sec < 0 ? NULL : wait;
}

static void write_later(struct control_answer *answer)
{
	struct timeval wait;

	if (!event_pending(answer->writable, EV_WRITE, NULL))
		event_add(answer->writable, patience(answer, &wait));
}

static void write_unread(evutil_socket_t client, short what, void *context)
{
	struct control_answer *answer = context;

	if (what & EV_TIMEOUT ||
	    (evbuffer_write(answer->unread, client) < 0 && errno != EAGAIN && errno != EINTR)) {
		cut(answer);
		return;
	}
	if (evbuffer_get_length(answer->unread))
		write_later(answer);
	else if (answer->ended)
		cut(answer);
}

static bool add(struct control_answer *answer, const char *bytes, size_t length)
{
	if (evbuffer_add(answer->unread, bytes, length))
		return false;
	write_later(answer);
	return true;
}

/* Text with its newline, malloc'd; NULL when out of memory or not printable. */
static char *print(const json_t *line, size_t *length)
{
	char *text = json_dumps(line, LINE_FLAGS);
	char *longer;

	if (!text)
		return NULL;
	*length = strlen(text) + 1;
	longer = realloc(text, *length + 1);
	if (!longer) {
		free(text);
		return NULL;
	}
	longer[*length - 1] = '\n';
	return longer;
}

static bool fits(const struct control_answer *answer, size_t length, size_t bound)
{
	return evbuffer_get_length(answer->unread) + length <= bound;
}

void control_answer_line(struct control_answer *answer, json_t *line)
{
	size_t length = 0;
	char *text = line ? print(line, &length) : NULL;

	json_decref(line);
	if (!answer->list)
		goto done;
	if (text && !fits(answer, length, CONTROL_ANSWER_MAX))
		cut(answer);
	else if (!text || !add(answer, text, length))
		answer->broken = true;
done:
	free(text);
}

bool control_answer_text(struct control_answer *answer, const char *lines, size_t length,
			 size_t bound)
{
	return answer->list && fits(answer, length, bound) && add(answer, lines, length);
}

static void add_end(struct control_answer *answer, int status, const char *message)
{
	json_t *line = json_pack("{sb si ss?}", "end", 1, "status", status, "message", message);
	size_t length = 0;
	char *text = line ? print(line, &length) : NULL;

	if (text)
		add(answer, text, length);
	json_decref(line);
	free(text);
}

void control_answer_end(struct control_answer *answer, int status, const char *message)
{
	answer->ended = true;
	if (!answer->list) {
		answer_free(answer);
		return;
	}
	if (answer->broken && !status) {
		status = 1;
		message = "the daemon ran out of memory; the answer is not complete";
	}
	add_end(answer, status, message);
	write_later(
		answer); /* even when nothing could be added: then the end of the stream tells */
}

int control_answer_client(const struct control_answer *answer)
{
	return answer->list ? fcntl(answer->settings.client, F_DUPFD_CLOEXEC, 0) : -1;
}

void control_answer_watch(struct control_answer *answer, void (*gone)(void *context), void *context)
{
	answer->gone = gone;
	answer->gone_context = context;
}

/* From here on the client only reads; the event stays to notice that it leaves. */
static void begin_command(struct control_answer *answer, const char *line, size_t length)
{
	answer->asked = true;
	event_del(answer->readable);
	event_add(answer->readable, NULL);
	answer->settings.ask(answer->settings.context, answer, line, length);
}

static void look_for_line(struct control_answer *answer)
{
	size_t length;
	char *line = evbuffer_readln(answer->request, &length, EVBUFFER_EOL_LF);

	if (line) {
		begin_command(answer, line, length);
	} else if (evbuffer_search_eol(answer->request, NULL, NULL, EVBUFFER_EOL_LF).pos >= 0) {
		cut(answer); /* out of memory */
	} else if (evbuffer_get_length(answer->request) > CONTROL_REQUEST_MAX) {
		answer->asked = true;
		control_answer_end(answer, 1, "the request is too long");
	}
	free(line);
}

static void read_request(evutil_socket_t client, short what, void *context)
{
	struct control_answer *answer = context;
	char bytes[READ_SIZE];
	ssize_t length;

	if (what & EV_TIMEOUT) {
		cut(answer);
		return;
	}
	length = recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		cut(answer);
		return;
	}
	if (answer->asked) /* one request each; the rest is not read as anything */
		return;
	if (evbuffer_add(answer->request, bytes, (size_t)length))
		cut(answer);
	else
		look_for_line(answer);
}

static void link_answer(struct answer_list *list, struct control_answer *answer)
{
	answer->list = list;
	answer->next = list->first;
	answer->link = &list->first;
	if (list->first)
		list->first->link = &answer->next;
	list->first = answer;
	list->count++;
}

int answer_open(struct answer_list *list, const struct answer_settings *settings)
{
	struct timeval wait = { .tv_sec = CONTROL_SECONDS };
	struct control_answer *answer = calloc(1, sizeof *answer);

	if (!answer)
		return -1;
	answer->settings = *settings;
	answer->request = evbuffer_new();
	answer->unread = evbuffer_new();
	answer->readable = event_new(settings->base, settings->client, EV_READ | EV_PERSIST,
				     read_request, answer);
	answer->writable =
		event_new(settings->base, settings->client, EV_WRITE, write_unread, answer);
	if (!answer->request || !answer->unread || !answer->readable || !answer->writable ||
	    event_add(answer->readable, &wait)) {
		answer_free(answer);
		return -1;
	}
	link_answer(list, answer);
	return 0;
}
