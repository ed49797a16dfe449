/* What the supervisor has in hand. It goes through its life in supervisor.c; reload.c, redirect.c and the answers
 * change what is theirs here. */
#pragma once

#include <event2/event_struct.h>

#include "daemon/policy/config.h"
#include "daemon/supervisor/children.h"
#include "daemon/supervisor/collection.h"
#include "daemon/supervisor/console_door.h"
#include "daemon/supervisor/doors.h"
#include "daemon/supervisor/estate.h"
#include "daemon/supervisor/guarding.h"
#include "daemon/supervisor/name_files.h"
#include "daemon/supervisor/rationing.h"
#include "netfilter/probing.h"
#include "netfilter/watch.h"

struct supervisor_settings {
	const char *config;
	const char *run_directory;
	const char *state_directory;
	unsigned workers;
	const char *program;    /* whose file succeeds it, and the arguments for it (succession.h) */
	char *const *arguments;
};

struct feeds;
struct plan;
struct reload;
struct sieve;
struct succession;
struct control_server;

struct supervisor {
	const struct supervisor_settings *settings;
	struct event_base *base;
	struct policy *policy;
	unsigned generation;
	struct probing probing;    /* while it starts */
	struct probe probe;
	struct doors doors;
	struct children children;
	struct watch *watch;
	struct control_server *control;
	struct control_server *console;  /* answers the console alone; NULL before it is first wanted */
	struct console_door console_door;
	struct name_files names;
	struct reload *reload;     /* the one under way; NULL */
	struct succession *succession; /* the one under way; NULL */
	struct estate estate;      /* of the program before, while it starts */
	int lock;
	int signals;
	int control_listener;
	bool redirecting;          /* table and routes are in place */
	char *table;               /* the text last loaded */
	struct plan *plan;         /* what it was printed from */
	struct policy *planned;    /* whose plan that is, held */
	unsigned minute;           /* of the week it was printed for */
	uint64_t leases_seen;      /* how their files were, leasing.c */
	struct rationing rationing;
	struct guarding guarding;
	struct sieve *sieve;
	bool lists_in_kernel;      /* for the policy in force */
	unsigned said;             /* generation whose warnings about the kernel were said */
	char *lists_directory;     /* of the compiled lists */
	char *lists_trouble;	   /* why the last time they could not be compiled; NULL: they could */
	struct feeds *feeds;
	int64_t started;           /* steady microseconds */
	struct event signal_event;
	struct event watch_event;
	struct event second;
	struct event mend;         /* tries to load a lost table again */
	struct event look;         /* asks the watch again */
};
