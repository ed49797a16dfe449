#include "daemon/control/subscribers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "daemon/control/server.h"
#include "daemon/journal/output.h"
#include "daemon/journal/recent.h"

enum { LOST_MILLISECONDS = 500 }; /* how soon a reader that caught up is told what it lost */

enum reads { READS_EVENTS, READS_JOURNAL, READS_LIST };

struct subscriber {
	struct subscriber *next;
	struct subscriber **link;
	struct subscribers *among;
	struct control_answer *answer;
	enum reads reads;
	uint64_t lost;
	size_t bound;	    /* bytes it may be behind */
	uint32_t question;  /* of a list */
	size_t waiting_for; /* workers that have not answered yet */
	struct event *timer;
};

struct subscribers {
	struct subscribers_settings settings;
	struct control_server *server;
	struct control_server *introduced; /* NULL: nobody is */
	struct recent *recent;		   /* likewise */
	struct subscriber *first;
	size_t readers; /* of events */
	uint32_t question;
};

static void leave(struct subscriber *subscriber)
{
	struct subscribers *among = subscriber->among;

	*subscriber->link = subscriber->next;
	if (subscriber->next)
		subscriber->next->link = subscriber->link;
	if (subscriber->reads == READS_EVENTS && --among->readers == 0)
		among->settings.want(among->settings.context, false);
	event_free(subscriber->timer);
	free(subscriber);
}

static void end(struct subscriber *subscriber, int status, const char *message)
{
	struct control_answer *answer = subscriber->answer;

	leave(subscriber);
	control_answer_end(answer, status, message);
}

static void forget(void *context)
{
	end(context, 0, NULL);
}

static bool tell_lost(struct subscriber *subscriber)
{
	char line[64];
	int length = snprintf(line, sizeof line, "{\"event\":\"lost\",\"count\":%" PRIu64 "}\n",
			      subscriber->lost);

	if (!control_answer_text(subscriber->answer, line, (size_t)length, subscriber->bound / 2))
		return false;
	subscriber->lost = 0;
	return true;
}

/* After a loss nothing is added before half of what is unread was read and the loss was told. */
static void hand(struct subscriber *subscriber, const char *lines, size_t length)
{
	struct timeval wait = { .tv_usec = LOST_MILLISECONDS * 1000 };

	if (subscriber->lost && !tell_lost(subscriber)) {
		subscriber->lost += lines_count(lines, length);
		return;
	}
	if (control_answer_text(subscriber->answer, lines, length, subscriber->bound))
		return;
	subscriber->lost += lines_count(lines, length);
	if (subscriber->reads != READS_LIST)
		event_add(subscriber->timer, &wait);
}

static void tell_lost_later(evutil_socket_t nothing, short what, void *context)
{
	struct timeval wait = { .tv_usec = LOST_MILLISECONDS * 1000 };
	struct subscriber *subscriber = context;

	(void)nothing;
	(void)what;
	if (subscriber->lost && !tell_lost(subscriber))
		event_add(subscriber->timer, &wait);
}

static void give_up(evutil_socket_t nothing, short what, void *context)
{
	(void)nothing;
	(void)what;
	end(context, 1, "a worker did not answer; the list is not complete");
}

/* NULL when out of memory; the answer has ended then. */
static struct subscriber *join(struct subscribers *among, struct control_answer *answer,
			       enum reads reads)
{
	struct subscriber *subscriber = calloc(1, sizeof *subscriber);

	if (subscriber)
		subscriber->timer = evtimer_new(among->settings.base,
						reads == READS_LIST ? give_up : tell_lost_later,
						subscriber);
	if (!subscriber || !subscriber->timer) {
		free(subscriber);
		control_answer_end(answer, 1, "the recorder is out of memory");
		return NULL;
	}
	subscriber->among = among;
	subscriber->reads = reads;
	subscriber->bound = reads == READS_LIST ? CONNECTIONS_UNREAD_MAX : EVENTS_UNREAD_MAX;
	subscriber->answer = answer;
	subscriber->next = among->first;
	subscriber->link = &among->first;
	if (among->first)
		among->first->link = &subscriber->next;
	among->first = subscriber;
	control_answer_watch(answer, forget, subscriber);
	return subscriber;
}

static void run_events(void *context, json_t *request, struct control_answer *answer)
{
	struct subscribers *subscribers = context;

	(void)request;
	if (join(subscribers, answer, READS_EVENTS) && subscribers->readers++ == 0)
		subscribers->settings.want(subscribers->settings.context, true);
}

static void run_journal(void *context, json_t *request, struct control_answer *answer)
{
	struct subscribers *subscribers = context;
	struct subscriber *subscriber = join(subscribers, answer, READS_JOURNAL);
	const char *lines;
	size_t length;

	(void)request;
	if (!subscriber)
		return;
	lines = recent_lines(subscribers->recent, &length);
	hand(subscriber, lines, length);
}

static void wait_for_workers(struct subscriber *subscriber)
{
	struct timeval wait = { .tv_sec = ANSWER_SECONDS };

	event_add(subscriber->timer, &wait);
}

static uint32_t next_question(struct subscribers *subscribers)
{
	if (++subscribers->question == 0)
		subscribers->question = 1;
	return subscribers->question;
}

static void finish_list(struct subscriber *subscriber)
{
	if (subscriber->lost && !tell_lost(subscriber))
		end(subscriber, 1, "lines were lost; the list is not complete");
	else
		end(subscriber, 0, NULL);
}

static void run_connections(void *context, json_t *request, struct control_answer *answer)
{
	struct subscribers *subscribers = context;
	struct subscriber *subscriber = join(subscribers, answer, READS_LIST);

	(void)request;
	if (!subscriber)
		return;
	subscriber->question = next_question(subscribers);
	subscriber->waiting_for =
		subscribers->settings.ask(subscribers->settings.context, subscriber->question);
	if (subscriber->waiting_for)
		wait_for_workers(subscriber);
	else
		end(subscriber, 1, "no worker can be asked");
}

static const struct control_entry entries[] = {
	{ "events", run_events },
	{ "connections", run_connections },
	{ NULL, NULL },
};

static const struct control_entry introduced_entries[] = {
	{ "journal", run_journal },
	{ "connections", run_connections },
	{ NULL, NULL },
};

static void hand_all(struct subscribers *subscribers, enum reads reads, const char *lines,
		     size_t length)
{
	struct subscriber *next;

	for (struct subscriber *subscriber = subscribers->first; subscriber; subscriber = next) {
		next = subscriber->next;
		if (subscriber->reads == reads)
			hand(subscriber, lines, length);
	}
}

void subscribers_event(struct subscribers *subscribers, const char *lines, size_t length)
{
	hand_all(subscribers, READS_EVENTS, lines, length);
}

void subscribers_journal(struct subscribers *subscribers, const char *lines, size_t length)
{
	if (subscribers->recent)
		recent_add(subscribers->recent, lines, length);
	hand_all(subscribers, READS_JOURNAL, lines, length);
}

static struct subscriber *find(struct subscribers *subscribers, uint32_t question)
{
	struct subscriber *subscriber = subscribers->first;

	while (subscriber && (subscriber->reads != READS_LIST || subscriber->question != question))
		subscriber = subscriber->next;
	return subscriber;
}

void subscribers_answer(struct subscribers *subscribers, uint32_t question, const char *lines,
			size_t length)
{
	struct subscriber *subscriber = find(subscribers, question);

	if (!subscriber)
		return;
	hand(subscriber, lines, length);
	wait_for_workers(subscriber);
}

void subscribers_answer_end(struct subscribers *subscribers, uint32_t question)
{
	struct subscriber *subscriber = find(subscribers, question);

	if (!subscriber)
		return;
	if (--subscriber->waiting_for == 0)
		finish_list(subscriber);
	else
		wait_for_workers(subscriber);
}

/* A random start: answers to a dead recorder's questions are nobody's. */
static uint32_t first_question(void)
{
	uint32_t question = 0;

	if (getrandom(&question, sizeof question, GRND_NONBLOCK) < 0)
		question = 0;
	return question;
}

static struct control_server *open_server(struct subscribers *subscribers, int listener,
					  const struct control_entry *commands)
{
	const struct control_settings settings = {
		.base = subscribers->settings.base,
		.listener = listener,
		.entries = commands,
		.context = subscribers,
		.group = subscribers->settings.group,
		.reader_seconds = -1,
	};

	return control_server_new(&settings);
}

static int open_introduced(struct subscribers *subscribers)
{
	int channel = subscribers->settings.introductions;

	if (channel < 0)
		return 0;
	subscribers->recent = recent_new(RECENT_MAX);
	subscribers->introduced = open_server(subscribers, -1, introduced_entries);
	return subscribers->recent && subscribers->introduced
		       ? control_server_hear(subscribers->introduced, channel)
		       : -1;
}

struct subscribers *subscribers_new(const struct subscribers_settings *settings)
{
	struct subscribers *subscribers = calloc(1, sizeof *subscribers);

	if (!subscribers)
		return NULL;
	subscribers->settings = *settings;
	subscribers->question = first_question();
	subscribers->server = open_server(subscribers, settings->listener, entries);
	if (subscribers->server && open_introduced(subscribers) == 0)
		return subscribers;
	subscribers_free(subscribers);
	return NULL;
}

/* Cutting the clients off makes each subscriber leave. */
void subscribers_free(struct subscribers *subscribers)
{
	if (!subscribers)
		return;
	control_server_free(subscribers->server);
	control_server_free(subscribers->introduced);
	recent_free(subscribers->recent);
	free(subscribers);
}
