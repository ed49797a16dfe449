/* One question that the console puts to another process, which was introduced to it (control/introduction.h), and
 * the bytes of the answer as they come. */
#pragma once

#include <event2/event.h>
#include <stddef.h>

struct asking;

struct asking_settings {
	struct event_base *base;
	int channel;	      /* of introductions */
	const char *question; /* a line of the control protocol, without its newline */

	/* The next bytes of the answer; it may be freed meanwhile. */
	void (*take)(void *context, const char *bytes, size_t length);

	/* The answer has ended; likewise. */
	void (*over)(void *context);
	void *context;
};

/* NULL with errno: EAGAIN when too many questions wait. */
struct asking *asking_new(const struct asking_settings *settings);

/* The other process notices, and stops. NULL is fine. */
void asking_free(struct asking *asking);

/* Nothing is taken from now on; whoever answers waits. */
void asking_rest(struct asking *asking);
void asking_resume(struct asking *asking);
