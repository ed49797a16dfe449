/* All that is counted, gathered from the supervisor's answers one after the other, for /metrics. */
#pragma once

#include <event2/event.h>
#include <stddef.h>

struct scrape;

struct scrape_settings {
	struct event_base *base;
	int channel; /* of introductions to the supervisor */

	/* The text, or NULL when it could not be had; the scrape may be freed in it. */
	void (*done)(void *context, const char *text, size_t length);
	void *context;
};

/* NULL with errno. */
struct scrape *scrape_new(const struct scrape_settings *settings);
void scrape_free(struct scrape *scrape);
