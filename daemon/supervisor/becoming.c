#include "daemon/supervisor/becoming.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/console/console.h"
#include "daemon/descriptors.h"
#include "daemon/log.h"
#include "daemon/packet_door.h"
#include "daemon/recorder.h"
#include "daemon/signer.h"
#include "daemon/tls/authority.h"
#include "daemon/worker.h"
#include "netfilter/queue.h"

static const char worker_account[] = "headgate";
static const char signer_account[] = "headgate-ca";
static const char packet_account[] = "headgate-nf";
static const char console_account[] = "headgate-web";

static void run_worker(const struct child *child, int ready)
{
	struct children *children = child->children;
	unsigned i = child->index;
	int kept[5 + LAN_PORTS_MAX];
	size_t count;
	struct worker_settings settings = {
		.index = i,
		.transparent = children->transparent,
		.account = worker_account,
		.policy = (struct policy *)children->policy,
		.orders = children->orders[i][1],
		.signer = children->signing[i][0],
		.journal = children->journal[i][0],
		.counters = &children->counters[i],
		.health = children->health,
		.workers = children->workers,
		.pinned = children->pinned,
		.sightings = children->sightings,
		.tickets = &children->tickets,
		.authority_pem = children->authority_pem,
		.ready = ready,
	};
	char role[16];

	snprintf(role, sizeof(role), "worker %u", i % WORKERS_MAX);
	log_name("headgated", role);
	count = doors_of_worker(children->doors, i, settings.listeners);
	doors_indexes(children->doors, settings.indexes);
	settings.datagrams = children->doors->datagram_port ? children->doors->datagrams[i] : -1;
	memcpy(kept, settings.listeners, sizeof(settings.listeners));
	kept[count++] = settings.datagrams;
	kept[count++] = settings.orders;
	kept[count++] = settings.signer;
	kept[count++] = settings.journal;
	kept[count++] = ready;
	descriptors_close_others(kept, count);
	worker_run(&settings);
}

/* What the console may be called by, as certificates have it. */
struct console_names {
	char literals[CONSOLE_LISTENS_MAX][ADDRESS_TEXT];
	const char *all[CONSOLE_LISTENS_MAX + CONSOLE_NAMES_MAX + 1];
};

static void name_console(const struct console_settings *console, struct console_names *names)
{
	size_t count = 0;

	for (size_t i = 0; i < console->listen_count; i++)
		names->all[count++] =
			address_print(&console->listens[i].address, names->literals[i]);
	for (size_t i = 0; i < console->name_count; i++)
		names->all[count++] = console->names[i];
	names->all[count] = NULL;
}

static void run_signer(const struct child *child, int ready)
{
	const struct children *children = child->children;
	const struct authority_settings *authority = &children->policy->authority;
	struct authority_constraint *never =
		calloc(authority->never_count + 1, sizeof(*never));
	int channels[WORKERS_MAX + 1];
	struct console_names names;
	struct signer_settings settings = {
		.directory = children->authority_directory,
		.next = authority->next,
		.account = signer_account,
		.never = never,
		.never_count = authority->never_count,
		.channels = channels,
		.channel_count = children->workers,
		.ready = ready,
	};

	log_name("headgated", "signer");
	if (!never)
		_exit(1);
	for (size_t i = 0; i < authority->never_count; i++)
		never[i].name = authority->never[i].name;
	for (unsigned i = 0; i < children->workers; i++)
		channels[i] = children->signing[i][1];
	if (children->policy->console.tls) {
		name_console(&children->policy->console, &names);
		channels[settings.channel_count++] = children->console_signing[1];
		settings.last_names = names.all;
	}
	signer_run(&settings);
}

static const char *trace_directory(const struct children *children)
{
	const struct policy *policy = children->policy;

	if (!policy_traces(policy, TRACE_HAR | TRACE_KEYLOG | TRACE_PCAPNG))
		return NULL;
	return policy->traces.directory ? policy->traces.directory : children->trace_directory;
}

static void run_recorder(const struct child *child, int ready)
{
	const struct children *children = child->children;
	int kept[WORKERS_MAX + PACKET_DOORS_MAX + 3];
	unsigned speakers = children->workers + children->packet_doors; /* which may come later */
	const struct recorder_settings settings = {
		.channels = kept,
		.channel_count = speakers,
		.worker_count = children->workers,
		.listener = children->journal_listener,
		.introductions = children->policy->console.listen_count ? children->readers[1] : -1,
		.journal = &children->policy->journal,
		.traces = &children->policy->traces,
		.trace_directory = trace_directory(children),
		.account = worker_account,
		.group = children->group,
		.ready = ready,
		.counters = children_recorder_counters(children),
	};

	log_name("headgated", "recorder");
	for (unsigned i = 0; i < speakers; i++)
		kept[i] = children->journal[i][1];
	kept[speakers] = ready;
	kept[speakers + 1] = children->journal_listener;
	kept[speakers + 2] = settings.introductions;
	descriptors_close_others(kept, speakers + 3);
	recorder_run(&settings);
}

static void run_packet_door(const struct child *child, int ready)
{
	const struct children *children = child->children;
	unsigned i = child->index, number = i - children->workers;
	struct packet_door_settings settings = {
		.index = i,
		.queue = (uint16_t)(QUEUE_NUMBER + number),
		.inherited = child->inherited,
		.account = packet_account,
		.policy = (struct policy *)children->policy,
		.orders = children->orders[i][1],
		.journal = children->journal[i][0],
		.counters = children_packet_counters(children, number),
		.sightings = children->sightings,
		.ready = ready,
	};
	char role[24];
	const int kept[] = { settings.orders, settings.journal, settings.inherited, ready };

	snprintf(role, sizeof(role), "packet door %u", number % PACKET_DOORS_MAX);
	log_name("headgated", role);
	doors_indexes(children->doors, settings.indexes);
	descriptors_close_others(kept, sizeof(kept) / sizeof(*kept));
	packet_door_run(&settings);
}

static void run_console(const struct child *child)
{
	const struct children *children = child->children;
	const struct console_settings *console = &children->policy->console;
	const struct console_door *door = children->console_door;
	int kept[CONSOLE_LISTENERS_MAX + 3];
	const char *names[CONSOLE_NAMES_MAX + 1] = { NULL };
	const struct console_process process = {
		.listeners = kept,
		.listener_count = door->count,
		.supervisor = children->questions[0],
		.recorder = children->readers[0],
		.signer = console->tls ? children->console_signing[0] : -1,
		.digest = door->digest,
		.names = names,
		.authority_pem = children->authority_pem,
		.account = console_account,
	};

	log_name("headgated", "console");
	for (size_t i = 0; i < console->name_count; i++)
		names[i] = console->names[i];
	for (size_t i = 0; i < door->count; i++)
		kept[i] = door->listeners[i].fd;
	kept[door->count] = process.supervisor;
	kept[door->count + 1] = process.recorder;
	kept[door->count + 2] = process.signer;
	descriptors_close_others(kept, door->count + 3);
	console_run(&process);
}

void become(const struct child *child, int ready)
{
	if (child->children->policy->compiled)
		compiled_forget_descriptor(child->children->policy->compiled);
	switch (child->role) {
	case CHILD_SIGNER:
		run_signer(child, ready);
		break;
	case CHILD_RECORDER:
		run_recorder(child, ready);
		break;
	case CHILD_WORKER:
		run_worker(child, ready);
		break;
	case CHILD_PACKET:
		run_packet_door(child, ready);
		break;
	case CHILD_CONSOLE:
		run_console(child);
		break;
	}
	_exit(1);
}
