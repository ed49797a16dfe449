#include "daemon/policy/feed.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct feed *feed_new(const char *name)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->seconds = FEED_SECONDS;
	feed->name = strdup(name);
	if (feed->name)
		return feed;
	free(feed);
	return NULL;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	free(feed->name);
	free(feed->url);
	free(feed->ca);
	free(feed);
}

bool feed_is_url(const char *text)
{
	static const char *const schemes[] = { "http://", "https://" };
	size_t length = strlen(text);

	for (const char *next = text; *next; next++)
		if (!isgraph((unsigned char)*next))
			return false;
	for (size_t i = 0; i < 2 && length < FEED_URL_MAX; i++) {
		size_t scheme = strlen(schemes[i]);

		if (strncasecmp(text, schemes[i], scheme) == 0)
			return isalnum((unsigned char)text[scheme]) || text[scheme] == '[';
	}
	return false;
}
