#include "daemon/supervisor/feeds.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/lists/compile.h"
#include "daemon/log.h"
#include "daemon/supervisor/exit_status.h"
#include "daemon/supervisor/fetcher.h"
#include "daemon/supervisor/larder.h"

enum {
	FIRST_SECONDS = 2,  /* after a start without a copy, and at most twice that */
	RETRY_SECONDS = 30, /* after the first failure, doubled after each further one */
	RETRY_SECONDS_MAX = 6 * 3600,
	JITTER_PARTS = 10, /* up to a tenth is added: not all gateways ask at the same moment */
	FETCH_SECONDS = 120,
	PATIENCE_SECONDS = 2, /* then what has come already does not wait for the rest */
	TROUBLE_SIZE = ERRAND_MESSAGE + 64,
};

static const char system_roots[] = "/etc/ssl/certs/ca-certificates.crt";

struct entry {
	char *name, *url, *ca;
	unsigned seconds;
	int64_t next; /* steady microseconds */
	int64_t tried;
	unsigned failures; /* in a row */
	bool wanted;	   /* in the round that is under way */
	bool on_trial;	   /* a new copy, not compiled yet */
	struct copy copy;
	char trouble[TROUBLE_SIZE];
};

struct feeds {
	struct feeds_settings settings;
	struct event timer; /* the next round, or its next step */
	struct event answer;
	struct fetcher fetcher;
	struct entry *current; /* being fetched; NULL */
	int output;
	bool changed; /* something new came in this round */
	size_t count;
	struct entry *entries;
};

/* Entries */

static void end_entry(struct entry *entry)
{
	free(entry->name);
	free(entry->url);
	free(entry->ca);
	copy_end(&entry->copy);
}

static void end_entries(struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		end_entry(&entries[i]);
	free(entries);
}

static int64_t jitter(int64_t seconds)
{
	int64_t range = seconds * 1000000 / JITTER_PARTS;
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0)
		random = 0;
	return range ? random % (uint64_t)range : 0;
}

static void wait_for(struct entry *entry, int64_t seconds)
{
	entry->next = clock_steady() + seconds * 1000000 + jitter(seconds);
}

/* A copy of before the start counts from when it was fetched. */
static void schedule_first(struct entry *entry)
{
	int64_t age = time(NULL) - entry->copy.dated;

	if (entry->copy.dated && age >= 0 && age < (int64_t)entry->seconds)
		wait_for(entry, (int64_t)entry->seconds - age);
	else
		entry->next = clock_steady() + FIRST_SECONDS * 1000000 + jitter(10 * FIRST_SECONDS);
}

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int begin_entry(struct entry *entry, const struct feed *feed, const char *directory)
{
	entry->name = strdup(feed->name);
	entry->url = strdup(feed->url);
	entry->ca = copy_text(feed->ca);
	entry->seconds = feed->seconds;
	if (!entry->name || !entry->url || (feed->ca && !entry->ca) ||
	    copy_begin(&entry->copy, directory, feed->name, feed->url) < 0)
		return -1;
	schedule_first(entry);
	return 0;
}

static struct entry *find(const struct feeds *feeds, const char *name)
{
	for (size_t i = 0; i < feeds->count; i++)
		if (feeds->entries[i].name && strcmp(feeds->entries[i].name, name) == 0)
			return &feeds->entries[i];
	return NULL;
}

/* The round */

static void begin_next(struct feeds *feeds);

static void arm(struct feeds *feeds)
{
	int64_t earliest = INT64_MAX, left;
	struct timeval wait;

	for (size_t i = 0; i < feeds->count; i++)
		if (feeds->entries[i].next < earliest)
			earliest = feeds->entries[i].next;
	event_del(&feeds->timer);
	if (!feeds->count)
		return;
	left = earliest - clock_steady();
	left = MAX(left, 0);
	wait = (struct timeval){ left / 1000000, left % 1000000 };
	evtimer_add(&feeds->timer, &wait);
}

static void say_failure(struct entry *entry, const char *message)
{
	unsigned doublings = MIN(entry->failures, 16);
	int64_t seconds = (int64_t)RETRY_SECONDS << doublings;
	int64_t most = MIN(entry->seconds, RETRY_SECONDS_MAX);

	snprintf(entry->trouble, sizeof entry->trouble, "%s", message);
	entry->failures++;
	wait_for(entry, MIN(seconds, most));
	log_warning("list %s was not fetched: %s; %s", entry->name, message,
		    entry->copy.dated ? "the last good copy stays" : "there is no copy yet");
}

static void note_success(struct entry *entry)
{
	entry->failures = 0;
	entry->trouble[0] = '\0';
	wait_for(entry, entry->seconds);
}

static void take_copy(struct feeds *feeds, struct entry *entry, const struct errand_report *report)
{
	char message[TROUBLE_SIZE];

	switch (copy_take(&entry->copy, entry->url, feeds->output, report)) {
	case 1:
		entry->on_trial = feeds->changed = true;
		note_success(entry);
		break;
	case 0:
		note_success(entry);
		break;
	default:
		snprintf(message, sizeof message, "the copy cannot be kept: %s", strerror(errno));
		copy_drop(&entry->copy); /* it would only take room */
		copy_forget(&entry->copy);
		say_failure(entry, message);
	}
}

static void finish_one(struct feeds *feeds, const struct errand_report *report)
{
	struct entry *entry = feeds->current;
	char end[EXIT_STATUS_TEXT], message[TROUBLE_SIZE];

	feeds->current = NULL;
	event_del(&feeds->answer);
	if (!report)
		snprintf(message, sizeof message, "its process %s before it had done",
			 fetcher_print_end(&feeds->fetcher, end));
	fetcher_leave(&feeds->fetcher);
	if (report && report->outcome == ERRAND_FETCHED)
		take_copy(feeds, entry, report);
	else
		copy_drop(&entry->copy);
	if (report && report->outcome == ERRAND_UNCHANGED)
		note_success(entry);
	else if (!report)
		say_failure(entry, message);
	else if (report->outcome != ERRAND_FETCHED)
		say_failure(entry, report->message);
	close(feeds->output);
	begin_next(feeds);
}

static void on_answer(evutil_socket_t fd, short what, void *argument)
{
	struct feeds *feeds = argument;
	struct errand_report report;
	int heard = fetcher_hear(&feeds->fetcher, &report);

	(void)fd;
	(void)what;
	if (heard)
		finish_one(feeds, heard > 0 ? &report : NULL);
}

static int open_roots(const struct entry *entry)
{
	int roots = open(entry->ca ? entry->ca : system_roots, O_RDONLY | O_CLOEXEC);

	/* Plain HTTP needs none. */
	if (roots < 0 && !entry->ca)
		roots = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return roots;
}

static int start(struct feeds *feeds, struct entry *entry)
{
	struct errand_order order = { .bytes_max = COMPILE_FILE_MAX, .seconds_max = FETCH_SECONDS };
	int roots = open_roots(entry);
	int result, reason;

	if (roots < 0)
		return -1;
	snprintf(order.url, sizeof order.url, "%s", entry->url);
	snprintf(order.etag, sizeof order.etag, "%s", entry->copy.etag);
	snprintf(order.modified, sizeof order.modified, "%s", entry->copy.modified);
	feeds->output = copy_open(&entry->copy);
	result = feeds->output < 0 ? -1
				   : fetcher_start(&feeds->fetcher, &order, feeds->output, roots,
						   feeds->settings.account);
	reason = errno;
	close(roots);
	if (result < 0 && feeds->output >= 0) {
		close(feeds->output);
		copy_drop(&entry->copy);
	}
	errno = reason;
	return result;
}

/* True when it is under way. */
static bool begin_one(struct feeds *feeds, struct entry *entry)
{
	const struct timeval patience = { PATIENCE_SECONDS, 0 };

	entry->wanted = false;
	entry->tried = time(NULL);
	if (start(feeds, entry) < 0) {
		say_failure(entry, strerror(errno));
		return false;
	}
	feeds->current = entry;
	event_assign(&feeds->answer, feeds->settings.base, feeds->fetcher.channel,
		     EV_READ | EV_PERSIST, on_answer, feeds);
	event_add(&feeds->answer, NULL);
	evtimer_add(&feeds->timer, &patience);
	return true;
}

/* Tried again by the timer as long as it cannot be done. */
static void put_into_force(struct feeds *feeds)
{
	const struct timeval second = { 1, 0 };

	if (feeds->changed && feeds->settings.changed(feeds->settings.context))
		feeds->changed = false;
	if (feeds->changed)
		evtimer_add(&feeds->timer, &second);
}

static void end_round(struct feeds *feeds)
{
	put_into_force(feeds);
	if (!feeds->changed)
		arm(feeds);
}

static void begin_next(struct feeds *feeds)
{
	for (size_t i = 0; i < feeds->count; i++)
		if (feeds->entries[i].wanted && begin_one(feeds, &feeds->entries[i]))
			return;
	end_round(feeds);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
	struct feeds *feeds = argument;
	int64_t now = clock_steady();
	bool due = false;

	(void)fd;
	(void)what;
	if (feeds->current) {
		put_into_force(feeds);
		return;
	}
	for (size_t i = 0; i < feeds->count; i++)
		due |= feeds->entries[i].next <= now;
	for (size_t i = 0; i < feeds->count; i++) {
		struct entry *entry = &feeds->entries[i];
		int64_t half = entry->failures ? 0 : (int64_t)entry->seconds * 500000;

		entry->wanted = due && entry->next <= now + half;
	}
	begin_next(feeds);
}

/* From outside */

void feeds_note_end(struct feeds *feeds, pid_t pid, int status)
{
	fetcher_note_end(&feeds->fetcher, pid, status);
}

struct feeds *feeds_new(const struct feeds_settings *settings)
{
	struct feeds *feeds = calloc(1, sizeof *feeds);

	if (!feeds)
		return NULL;
	feeds->settings = *settings;
	feeds->fetcher.channel = -1;
	evtimer_assign(&feeds->timer, settings->base, on_timer, feeds);
	evtimer_assign(&feeds->answer, settings->base, on_answer, feeds);
	return feeds;
}

/* What is under way is given up. */
static void stop(struct feeds *feeds)
{
	event_del(&feeds->timer);
	if (!feeds->current)
		return;
	event_del(&feeds->answer);
	fetcher_leave(&feeds->fetcher);
	close(feeds->output);
	copy_drop(&feeds->current->copy);
	feeds->current = NULL;
}

void feeds_free(struct feeds *feeds)
{
	if (!feeds)
		return;
	stop(feeds);
	end_entries(feeds->entries, feeds->count);
	free(feeds);
}

/* The list says what became of the new copy. A country's list stands for the file of countries. */
static const char *trouble_of(const struct policy *policy, const char *feed)
{
	for (size_t i = 0; i < policy->list_count; i++) {
		const struct list *list = policy->lists[i];

		if (list->feed && list->trouble && strcmp(list->feed->name, feed) == 0)
			return list->trouble;
	}
	return NULL;
}

static void judge(struct entry *entry, const struct policy *policy)
{
	const char *trouble = trouble_of(policy, entry->name);

	if (!entry->on_trial)
		return;
	entry->on_trial = false;
	if (!trouble) {
		copy_keep(&entry->copy);
		log_info("list %s is fetched and in force", entry->name);
		return;
	}
	copy_return(&entry->copy);
	/* Nothing was wrong with it: it is wanted again. */
	if (policy->lists_trouble)
		copy_forget(&entry->copy);
	snprintf(entry->trouble, sizeof entry->trouble, "what was fetched %s", trouble);
	log_warning("list %s: what was fetched %s; the last good copy stays", entry->name, trouble);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Takes over what is known of the same feed. */
static bool inherit(struct feeds *feeds, struct entry *entry, const struct feed *feed)
{
	struct entry *before = find(feeds, feed->name);

	if (!before || strcmp(before->url, feed->url) != 0 || !same_text(before->ca, feed->ca) ||
	    before->seconds != feed->seconds)
		return false;
	if (feeds->current == before)
		feeds->current = entry;
	*entry = *before;
	memset(before, 0, sizeof *before);
	return true;
}

int feeds_follow(struct feeds *feeds, const struct policy *policy)
{
	struct entry *entries = calloc(policy->feed_count + 1, sizeof *entries);
	const struct entry *running = feeds->current;
	size_t count = 0;
	int result = entries ? 0 : -1;

	for (size_t i = 0; i < feeds->count; i++)
		judge(&feeds->entries[i], policy);
	for (size_t i = 0; entries && i < policy->feed_count && result == 0; i++, count++) {
		const struct feed *feed = policy->feeds[i];

		if (!inherit(feeds, &entries[i], feed))
			result = begin_entry(&entries[i], feed, feeds->settings.directory);
	}
	if (feeds->current == running)
		stop(feeds); /* no longer wanted */
	end_entries(feeds->entries, feeds->count);
	feeds->entries = entries;
	feeds->count = count;
	if (!feeds->current)
		arm(feeds);
	return result;
}

void feeds_refresh(struct feeds *feeds)
{
	for (size_t i = 0; i < feeds->count; i++)
		feeds->entries[i].wanted = true;
	if (!feeds->current)
		begin_next(feeds);
}

bool feeds_state(const struct feeds *feeds, const char *name, struct feed_state *state)
{
	const struct entry *entry = find(feeds, name);
	int64_t left;

	if (!entry)
		return false;
	left = (entry->next - clock_steady()) / 1000000;
	*state = (struct feed_state){
		.url = entry->url,
		.fetched = entry->copy.dated,
		.tried = entry->tried,
		.next = MAX(left, 0),
		.trouble = entry->trouble,
	};
	return true;
}
