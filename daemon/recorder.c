#include "daemon/recorder.h"

#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/channels.h"
#include "daemon/child.h"
#include "daemon/clock.h"
#include "daemon/control/subscribers.h"
#include "daemon/journal/har_file.h"
#include "daemon/journal/member.h"
#include "daemon/journal/output.h"
#include "daemon/journal/trace_file.h"
#include "daemon/log.h"
#include "daemon/privilege.h"

enum { CHANNEL_BUFFER = 1 << 20 }; /* bytes that may wait in one direction of a channel */

struct recorder {
	const struct recorder_settings *settings;
	struct event_base *base;
	int signals;
	struct event *terminate;
	struct output *output;
	struct trace_file *keys, *packets; /* NULL: no rule makes traces */
	struct har_file *archive;	   /* likewise */
	struct channels *channels;
	struct subscribers *subscribers; /* NULL: nobody can listen */
	uint64_t lost;			 /* journal lines, since the last that could be written */
	struct log_limit losing;
	struct log_limit writing;
};

/* The kernel's default holds three batches. As root the bound of sysctl does not count. */
static void widen(int channel)
{
	int size = CHANNEL_BUFFER;

	if (setsockopt(channel, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
		setsockopt(channel, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int recorder_channel_open(int channel[static 2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel))
		return -1;
	widen(channel[0]);
	widen(channel[1]);
	return 0;
}

static void count_lost(struct recorder *recorder, uint64_t lines)
{
	struct counters *counters = recorder->settings->counters;

	if (!recorder->lost)
		log_warning_limited(&recorder->losing, "the journal loses lines: %m");
	recorder->lost += lines;
	if (counters)
		atomic_fetch_add_explicit(&counters->dropped_records, lines, memory_order_relaxed);
}

/* {"type":"lost","time":…,"count":…} stands where the lines would have been. */
static bool write_lost(struct recorder *recorder)
{
	struct instant now = clock_now();
	char storage[128];
	struct text text;

	text_begin(&text, storage, sizeof storage);
	text_add_char(&text, '{');
	member_add_string(&text, "type", "lost");
	member_add_time(&text, "time", &now);
	member_add_count(&text, "count", recorder->lost);
	text_add(&text, "}\n");
	if (recorder->output->write(recorder->output, text.bytes, text.length))
		return false;
	log_warning_limited(&recorder->writing,
			    "the journal is written again; %llu lines were lost",
			    (unsigned long long)recorder->lost);
	recorder->lost = 0;
	return true;
}

static void write_journal(struct recorder *recorder, const char *lines, size_t length)
{
	uint64_t lost;

	if (recorder->lost && !write_lost(recorder)) {
		count_lost(recorder, lines_count(lines, length));
		return;
	}
	lost = recorder->output->write(recorder->output, lines, length);
	if (lost)
		count_lost(recorder, lost);
}

static void take_journal(struct recorder *recorder, const char *lines, size_t length)
{
	write_journal(recorder, lines, length);
	if (recorder->subscribers)
		subscribers_journal(recorder->subscribers, lines, length);
}

static void answer_reader(struct recorder *recorder, const struct message_header *header,
			  const char *lines, size_t length)
{
	if (!recorder->subscribers)
		return;
	if (header->kind == MESSAGE_EVENTS)
		subscribers_event(recorder->subscribers, lines, length);
	else
		subscribers_answer(recorder->subscribers, header->number, lines, length);
	if (header->kind == MESSAGE_LIVE_END)
		subscribers_answer_end(recorder->subscribers, header->number);
}

static void write_trace(struct recorder *recorder, uint32_t kind, const char *bytes, size_t length)
{
	struct trace_file *file = kind == TRACE_KEYLOG ? recorder->keys : recorder->packets;
	struct counters *counters = recorder->settings->counters;
	uint64_t lost = 0;

	if (kind == TRACE_HAR && recorder->archive)
		lost = har_file_write(recorder->archive, bytes, length);
	else if (kind != TRACE_HAR && file)
		lost = trace_file_write(file, bytes, length) ? 1 : 0;
	if (!lost)
		return;
	log_warning_limited(&recorder->losing, "a trace is not written: %m");
	if (counters)
		atomic_fetch_add_explicit(&counters->dropped_records, lost, memory_order_relaxed);
}

static void take(void *context, const struct message_header *header, const char *text,
		 size_t length)
{
	struct recorder *recorder = context;

	if (header->kind == MESSAGE_JOURNAL)
		take_journal(recorder, text, length);
	else if (header->kind == MESSAGE_TRACE)
		write_trace(recorder, header->number, text, length);
	else if (header->kind == MESSAGE_EVENTS || header->kind == MESSAGE_LIVE ||
		 header->kind == MESSAGE_LIVE_END)
		answer_reader(recorder, header, text, length);
}

static void want(void *context, bool wanted)
{
	struct recorder *recorder = context;

	channels_want(recorder->channels, wanted);
}

static size_t ask(void *context, uint32_t question)
{
	struct recorder *recorder = context;

	return channels_ask(recorder->channels, question);
}

static void finish(void *context)
{
	struct recorder *recorder = context;

	event_base_loopbreak(recorder->base);
}

static void stop(evutil_socket_t signals, short what, void *context)
{
	(void)what;
	if (child_must_end(signals))
		finish(context);
}

static struct channels *open_channels(struct recorder *recorder)
{
	struct channels_settings settings = {
		.base = recorder->base,
		.descriptors = recorder->settings->channels,
		.count = recorder->settings->channel_count,
		.asked = recorder->settings->worker_count,
		.take = take,
		.closed = finish,
		.context = recorder,
	};

	return channels_new(&settings);
}

static struct subscribers *open_subscribers(struct recorder *recorder)
{
	struct subscribers_settings settings = {
		.base = recorder->base,
		.listener = recorder->settings->listener,
		.introductions = recorder->settings->introductions,
		.group = recorder->settings->group,
		.want = want,
		.ask = ask,
		.context = recorder,
	};

	return subscribers_new(&settings);
}

static struct output *open_output(struct recorder *recorder)
{
	const struct journal_settings *journal = recorder->settings->journal;

	if (journal->to == JOURNAL_TO_FILE && journal->file)
		return file_output(journal);
	if (journal->to == JOURNAL_TO_SYSLOG)
		return syslog_output("/dev/log");
	return standard_output(recorder->base);
}

/* Without its directory every entry is lost, and that is said once. */
static struct har_file *open_archive(const struct trace_settings *settings, const char *directory)
{
	int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (descriptor < 0) {
		log_warning("traces: cannot open %s: %m", directory);
		return NULL;
	}
	return har_file_new(descriptor, "requests.har", settings->rotate, settings->keep);
}

static int open_traces(struct recorder *recorder)
{
	const struct recorder_settings *settings = recorder->settings;
	const char *directory = settings->trace_directory;

	if (!directory)
		return 0;
	recorder->archive = open_archive(settings->traces, directory);
	recorder->keys = trace_file_new(settings->traces, directory, TRACE_KEYLOG);
	recorder->packets = trace_file_new(settings->traces, directory, TRACE_PCAPNG);
	return recorder->keys && recorder->packets ? 0 : -1;
}

static int open_all(struct recorder *recorder)
{
	recorder->base = event_base_new();
	if (!recorder->base)
		return -1;
	recorder->terminate =
		event_new(recorder->base, recorder->signals, EV_READ | EV_PERSIST, stop, recorder);
	recorder->output = open_output(recorder);
	recorder->channels = open_channels(recorder);
	if (!recorder->terminate || !recorder->output || !recorder->channels ||
	    open_traces(recorder) || event_add(recorder->terminate, NULL))
		return -1;
	if (recorder->settings->listener < 0)
		return 0;
	recorder->subscribers = open_subscribers(recorder);
	return recorder->subscribers ? 0 : -1;
}

static void close_all(struct recorder *recorder)
{
	subscribers_free(recorder->subscribers);
	channels_free(recorder->channels);
	recorder->output->free(recorder->output);
	har_file_free(recorder->archive);
	trace_file_free(recorder->keys);
	trace_file_free(recorder->packets);
	event_free(recorder->terminate);
	close(recorder->signals);
	event_base_free(recorder->base);
	free(recorder);
}

static const char *journal_file(const struct recorder_settings *settings)
{
	return settings->journal->to == JOURNAL_TO_FILE ? settings->journal->file : NULL;
}

/* Done with root's power, before it is given up. */
static void prepare_files(const struct recorder_settings *settings)
{
	const char *file = journal_file(settings);
	struct account account;
	bool fallback;

	if (geteuid() != 0 || account_find(settings->account, &account, &fallback) < 0)
		return;
	if (file && file_prepare(file, &account))
		log_warning("journal: cannot make %s: %m", file);
	if (settings->trace_directory &&
	    trace_directory_prepare(settings->trace_directory, &account))
		log_warning("traces: cannot make %s: %m", settings->trace_directory);
}

static int confine(const struct recorder_settings *settings)
{
	const char *file = journal_file(settings);
	const char *slash = file ? strrchr(file, '/') : NULL;
	const char *kept[3] = { NULL };
	char *directory = NULL;
	size_t count = 0;
	int result;

	if (slash)
		directory = strndup(file, slash == file ? 1 : (size_t)(slash - file));
	else if (file)
		directory = strdup(".");
	if (directory && access(directory, X_OK)) { /* there is nothing to keep */
		free(directory);
		directory = NULL;
	}
	kept[count] = directory;
	count += directory != NULL;
	kept[count] = settings->trace_directory;
	result = privilege_confine_but(ROLE_RECORDER, kept);
	free(directory);
	return result;
}

void recorder_run(const struct recorder_settings *settings)
{
	struct recorder *recorder = calloc(1, sizeof *recorder);

	if (!recorder)
		log_fatal("out of memory");
	recorder->settings = settings;
	recorder->signals = child_open_signals();
	prepare_files(settings);
	if (child_become(settings->account, 0))
		exit(EXIT_FAILURE);
	if (open_all(recorder))
		log_fatal("cannot start: %m");
	if (confine(settings))
		exit(EXIT_FAILURE);
	want(recorder, false); /* a worker may still believe what a dead recorder told it */
	child_say_ready(settings->ready);
	event_base_dispatch(recorder->base);
	channels_drain(recorder->channels); /* what the workers said before they ended */
	close_all(recorder);
	exit(EXIT_SUCCESS);
}
