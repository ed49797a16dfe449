/* A worker's way to the recorder: lines are collected and sent in batches over a SOCK_SEQPACKET pair that
 * outlives both ends' processes. Never blocks: what the recorder does not take is dropped and
 * counted; only traces, and answers, wait for it. */
#pragma once

#include <event2/event.h>

#include "daemon/counters.h"
#include "daemon/journal/record.h"
#include "daemon/journal/trace_queue.h"

struct journal;

/* channel: our end of the pair. list(context) is called when somebody asks for the live connections; the
 * worker answers with journal_live() for each and then journal_live_end(); NULL: nobody asks. NULL when out of memory. */
struct journal_settings_worker {
	struct event_base *base;
	int channel;
	struct counters *counters;
	void (*list)(void *context, uint32_t question);
	void (*wants)(void *context); /* what journal_wants_events() says has changed; NULL: nobody asks */
	void *context;
};
struct journal *journal_new(const struct journal_settings_worker *settings);
void journal_free(struct journal *journal);

/* True while somebody listens to `headgatectl events`: events are not even printed otherwise. */
bool journal_wants_events(const struct journal *journal);

/* Each writes one line; lost ones are counted in counters->dropped_records. */
void journal_event(struct journal *journal, enum event_kind kind,
		   const struct connection_view *view, const struct exchange *exchange);
void journal_connection(struct journal *journal, const struct connection_view *view);
void journal_exchange(struct journal *journal, const struct connection_view *view,
		      const struct exchange *exchange, bool with_headers);

void journal_carried(struct journal *journal, const struct carried_view *view);

/* Writes an exchange that has ended into the HTTP archive. */
void journal_archive(struct journal *journal, const struct connection_view *view,
		     const struct exchange *exchange);

/* Bytes for a trace file, whole blocks or lines: they wait for the recorder (trace_queue.h); lost ones are counted
 * likewise. */
void journal_trace(struct journal *journal, enum trace_kind kind, const void *bytes, size_t length);

/* As trace_queue_await() and trace_queue_forget(). */
bool journal_await_traces(struct journal *journal, struct trace_waiter *waiter);
void journal_forget(struct journal *journal, struct trace_waiter *waiter);

/* Answers to list(): waits its turn instead of being dropped, up to a stated bound. */
void journal_live(struct journal *journal, uint32_t question, const struct connection_view *view);
void journal_live_end(struct journal *journal, uint32_t question);

/* Sends what is collected now; also done by itself at the end of a turn or within 50 ms. */
void journal_flush(struct journal *journal);
