/* The recorder's ends of the pairs to all workers: hears what they say, tells them whether somebody
 * reads events, and puts questions to them. */
#pragma once

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "daemon/journal/message.h"

struct channels;

struct channels_settings {
	struct event_base *base;
	const int *descriptors; /* stay the caller's */
	size_t count;
	size_t asked; /* the first of them carry connections; the others have none to tell of, and may not be there */

	/* One message of a worker; text is valid during the call. */
	void (*take)(void *context, const struct message_header *header, const char *text,
		     size_t length);

	/* The last pair was closed by its last holder. */
	void (*closed)(void *context);
	void *context;
};

/* NULL when out of memory. */
struct channels *channels_new(const struct channels_settings *settings);
void channels_free(struct channels *channels);

/* Tells every worker, and every worker that starts later, whether events are wanted. */
void channels_want(struct channels *channels, bool wanted);

/* Asks the first `asked` for their live connections; returns how many could be. */
size_t channels_ask(struct channels *channels, uint32_t question);

/* Takes everything that waits, now. */
void channels_drain(struct channels *channels);
