/* Who listens at RUN/journal: readers of `events`, and questions for the live `connections`; and who is
 * introduced (introduction.h): readers of the `journal`, from its last lines on, and the same questions. A slow
 * reader loses lines and is told how many; it never holds anybody up. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	EVENTS_UNREAD_MAX = 256 << 10,	   /* bytes one reader of events or of the journal may be behind */
	RECENT_MAX = 192 << 10,		   /* bytes of the journal's last lines */
	CONNECTIONS_UNREAD_MAX = 16 << 20, /* the same for one answer to `connections` */
	ANSWER_SECONDS = 2,		   /* a worker that says nothing for so long is given up */
};

struct subscribers;

struct subscribers_settings {
	struct event_base *base;
	int listener; /* from control_listen(); stays the caller's */
	int introductions; /* who comes by them may read the journal; -1: nobody, and nothing is kept of it */
	gid_t group;

	/* The first reader of events has come, or the last has gone. */
	void (*want)(void *context, bool wanted);

	/* Puts the question to every worker; returns to how many. */
	size_t (*ask)(void *context, uint32_t question);
	void *context;
};

/* NULL when out of memory. */
struct subscribers *subscribers_new(const struct subscribers_settings *settings);
void subscribers_free(struct subscribers *subscribers);

/* Hands whole lines to every reader of events. */
void subscribers_event(struct subscribers *subscribers, const char *lines, size_t length);

/* The same for the journal's lines. */
void subscribers_journal(struct subscribers *subscribers, const char *lines, size_t length);

/* Hands whole lines to whoever asked this question; an unknown one is dropped. */
void subscribers_answer(struct subscribers *subscribers, uint32_t question, const char *lines,
			size_t length);

/* One worker has answered completely. */
void subscribers_answer_end(struct subscribers *subscribers, uint32_t question);
