/* `source`, `refresh` and `ca` of a list: from the policy file into struct feed. */
#include "daemon/policy/feed_reader.h"

#include "daemon/policy/scalar.h"

static struct feed *feed_of(struct reading *reading, struct list *list)
{
	struct policy *policy = reading->policy;
	struct feed *feed;
	struct feed **grown;

	if (list->feed)
		return list->feed;
	feed = feed_new(list->name ? list->name : "");
	grown = feed ? reading_grow(reading, policy->feeds, &policy->feed_count, sizeof(feed))
		     : NULL;
	if (!grown) {
		feed_free(feed);
		reading_exhausted(reading);
		return NULL;
	}
	policy->feeds = grown;
	return list->feed = grown[policy->feed_count - 1] = feed;
}

void read_feed_source(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct feed *feed;

	if (!feed_is_url(value_text(value))) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	feed = feed_of(reading, target);
	if (!feed || feed->url)
		return;
	feed->url = reading_copy(reading, value_text(value));
	feed->place = value_place(value);
}

void read_feed_refresh(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct feed *feed = feed_of(reading, target);
	uint64_t microseconds;

	if (!feed || !scalar_duration(reading, keyword, value, &microseconds))
		return;
	microseconds /= 1000000;
	if (microseconds < FEED_SECONDS_LEAST || microseconds > FEED_SECONDS_MOST)
		keyword_mismatch(reading, keyword, value);
	else
		feed->seconds = (unsigned)microseconds;
}

void read_feed_ca(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	struct feed *feed = feed_of(reading, target);
	char name[SOURCE_NAME_SIZE];

	if (!feed || feed->ca)
		return;
	if (source_name(name, value_place(value).file, value_text(value)))
		feed->ca = reading_copy(reading, name);
	else
		keyword_mismatch(reading, keyword, value);
}
