/* Where a list is fetched from, and how often. */
#pragma once

#include <stdbool.h>

#include "daemon/policy/place.h"

enum {
	FEED_URL_MAX = 2048,
	FEED_SECONDS = 24 * 3600, /* between two fetches, when nothing is said */
	FEED_SECONDS_LEAST = 300,
	FEED_SECONDS_MOST = 30 * 24 * 3600,
};

struct feed {
	char *name; /* of the list; "country file" of that of `countries` */
	char *url;  /* http:// or https:// */
	char *ca;   /* PEM file of the roots that its server must chain to; NULL: the system's */
	unsigned seconds;
	struct place place;
};

/* NULL when out of memory. */
struct feed *feed_new(const char *name);

/* Frees the feed; NULL is fine. */
void feed_free(struct feed *feed);

/* True for a URL that can be fetched: http or https, a host, nothing that is not ASCII or a blank.
 */
bool feed_is_url(const char *text);
