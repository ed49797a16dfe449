#include "daemon/journal/journal.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/journal/har.h"
#include "daemon/journal/message.h"
#include "daemon/journal/outbox.h"
#include "daemon/log.h"

enum {
	FLUSH_MILLISECONDS = 50,
	FLUSH_SIZE = 32 << 10, /* bytes: a batch this long is sent without waiting */
};

/* Lines on their way into one message. */
struct batch {
	enum message_kind kind;
	unsigned lines;
	size_t length;
	char bytes[MESSAGE_TEXT_MAX];
};

struct journal {
	struct journal_settings_worker settings;
	bool wants_events;
	struct event *readable; /* what the recorder says */
	struct event *flush;	/* the end of a batch's 50 ms */
	struct outbox *answers;
	struct trace_queue *traces;
	struct batch journal;
	struct batch events;
	char line[RECORD_MAX];
};

static void count_lost(struct journal *journal, unsigned lines)
{
	atomic_fetch_add_explicit(&journal->settings.counters->dropped_records, lines,
				  memory_order_relaxed);
}

static void send_batch(struct journal *journal, struct batch *batch)
{
	if (!batch->length)
		return;
	if (message_send(journal->settings.channel, batch->kind, 0, batch->bytes, batch->length))
		count_lost(journal, batch->lines);
	batch->length = 0;
	batch->lines = 0;
}

void journal_flush(struct journal *journal)
{
	send_batch(journal, &journal->events);
	send_batch(journal, &journal->journal);
	event_del(journal->flush);
}

static void flush_later(struct journal *journal)
{
	struct timeval wait = { .tv_usec = FLUSH_MILLISECONDS * 1000 };

	if (!event_pending(journal->flush, EV_TIMEOUT, NULL) && event_add(journal->flush, &wait))
		journal_flush(journal);
}

/* Ends the printed line with a newline; its terminating NUL made the room. */
static size_t end_line(struct journal *journal, const struct text *text)
{
	journal->line[text->length] = '\n';
	return text->length + 1;
}

static void add_line(struct journal *journal, struct batch *batch, const struct text *text)
{
	size_t length = end_line(journal, text);

	if (batch->length + length > sizeof batch->bytes)
		send_batch(journal, batch);
	memcpy(batch->bytes + batch->length, journal->line, length);
	batch->length += length;
	batch->lines++;
	if (batch->length >= FLUSH_SIZE)
		send_batch(journal, batch);
	else
		flush_later(journal);
}

static void begin_line(struct journal *journal, struct text *text)
{
	text_begin(text, journal->line, sizeof journal->line);
}

bool journal_wants_events(const struct journal *journal)
{
	return journal->wants_events;
}

void journal_event(struct journal *journal, enum event_kind kind,
		   const struct connection_view *view, const struct exchange *exchange)
{
	struct text text;

	if (!journal->wants_events)
		return;
	begin_line(journal, &text);
	record_print_event(&text, kind, view, exchange);
	add_line(journal, &journal->events, &text);
}

void journal_connection(struct journal *journal, const struct connection_view *view)
{
	struct text text;

	begin_line(journal, &text);
	record_print_connection(&text, view);
	add_line(journal, &journal->journal, &text);
}

void journal_exchange(struct journal *journal, const struct connection_view *view,
		      const struct exchange *exchange, bool with_headers)
{
	struct text text;

	begin_line(journal, &text);
	record_print_exchange(&text, view, exchange, with_headers);
	add_line(journal, &journal->journal, &text);
}

void journal_carried(struct journal *journal, const struct carried_view *view)
{
	struct text text;

	begin_line(journal, &text);
	record_print_carried(&text, view);
	add_line(journal, &journal->journal, &text);
}

void journal_archive(struct journal *journal, const struct connection_view *view,
		     const struct exchange *exchange)
{
	struct text text;

	begin_line(journal, &text);
	har_print_entry(&text, view, exchange);
	journal_trace(journal, TRACE_HAR, text.bytes, text.length);
}

void journal_trace(struct journal *journal, enum trace_kind kind, const void *bytes, size_t length)
{
	if (length && trace_queue_add(journal->traces, kind, bytes, length))
		count_lost(journal, 1);
}

bool journal_await_traces(struct journal *journal, struct trace_waiter *waiter)
{
	return trace_queue_await(journal->traces, waiter);
}

void journal_forget(struct journal *journal, struct trace_waiter *waiter)
{
	trace_queue_forget(journal->traces, waiter);
}

void journal_live(struct journal *journal, uint32_t question, const struct connection_view *view)
{
	struct text text;

	begin_line(journal, &text);
	record_print_connection(&text, view);
	if (outbox_add(journal->answers, question, journal->line, end_line(journal, &text)))
		count_lost(journal, 1);
}

void journal_live_end(struct journal *journal, uint32_t question)
{
	outbox_end(journal->answers, question);
}

static void obey(struct journal *journal, const struct message_header *header)
{
	if (header->kind == MESSAGE_WANTED) {
		journal->wants_events = header->number != 0;
		if (journal->settings.wants)
			journal->settings.wants(journal->settings.context);
	} else if (header->kind == MESSAGE_LIST && journal->settings.list) {
		journal->settings.list(journal->settings.context, header->number);
	}
}

static void hear(evutil_socket_t channel, short what, void *context)
{
	struct journal *journal = context;
	struct message_header header;
	enum message_answer answer;
	size_t length;

	(void)what;
	while ((answer = message_receive(channel, &header, journal->line, &length)) ==
	       MESSAGE_TAKEN)
		obey(journal, &header);
	if (answer == MESSAGE_CLOSED) {
		event_del(journal->readable);
		journal->wants_events = false;
	}
}

static void flush_now(evutil_socket_t nothing, short what, void *context)
{
	(void)nothing;
	(void)what;
	journal_flush(context);
}

struct journal *journal_new(const struct journal_settings_worker *settings)
{
	struct journal *journal = calloc(1, sizeof *journal);

	if (!journal)
		return NULL;
	journal->settings = *settings;
	journal->journal.kind = MESSAGE_JOURNAL;
	journal->events.kind = MESSAGE_EVENTS;
	journal->answers = outbox_new(settings->base, settings->channel);
	journal->traces = trace_queue_new(settings->base, settings->channel);
	journal->flush = evtimer_new(settings->base, flush_now, journal);
	journal->readable =
		event_new(settings->base, settings->channel, EV_READ | EV_PERSIST, hear, journal);
	if (!journal->answers || !journal->traces || !journal->flush || !journal->readable ||
	    event_add(journal->readable, NULL)) {
		journal_free(journal);
		return NULL;
	}
	if (message_send(settings->channel, MESSAGE_HELLO, 0, NULL, 0))
		log_debug("the recorder is behind: %m");
	return journal;
}

static void event_free_if(struct event *event)
{
	if (event)
		event_free(event);
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->flush)
		journal_flush(journal);
	event_free_if(journal->readable);
	event_free_if(journal->flush);
	outbox_free(journal->answers);
	trace_queue_free(journal->traces);
	free(journal);
}
