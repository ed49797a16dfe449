/* The processes that the supervisor keeps alive: one signer, one recorder, the workers, the packet door, the console.
 * A dead one is replaced at once; one that keeps dying, ever more slowly. The pairs by which they talk are the
 * supervisor's and outlive them. */
#pragma once

#include <event2/event_struct.h>

#include "daemon/counters.h"
#include "daemon/health.h"
#include "daemon/supervisor/console_door.h"
#include "daemon/supervisor/doors.h"
#include "daemon/supervisor/elders.h"
#include "daemon/supervisor/pulse.h"
#include "daemon/tls/context.h"

/* One can look at more new connections in a second than a home makes in an hour. */
enum { PACKET_DOORS_MAX = 8 };

enum child_role { CHILD_SIGNER, CHILD_RECORDER, CHILD_WORKER, CHILD_PACKET, CHILD_CONSOLE };

struct children;

struct child {
	struct children *children;
	enum child_role role;
	unsigned index;       /* of its pairs */
	pid_t pid;            /* 0: not running */
	int ready;            /* where it will say that it is ready; -1: nobody waits for it */
	int inherited;        /* of a packet door: the socket of its queue, until it starts; -1: none */
	int64_t born;         /* steady microseconds */
	unsigned deaths;      /* quick ones in a row */
	struct pulse pulse;
	struct event restart;
};

struct children {
	struct event_base *base;
	const struct policy *policy;   /* what new children start under */
	const struct doors *doors;
	unsigned workers;
	bool transparent;              /* captured by TPROXY */
	int journal_listener;
	gid_t group;                   /* whose members may read RUN/journal; (gid_t)-1: none */
	char *authority_directory;
	char *trace_directory;         /* for policies that name none */
	char *authority_pem;           /* once the signer has made or read it */
	struct tickets tickets;
	struct pinned *pinned;         /* who refuses the gateway's certificate */
	unsigned packet_doors;         /* how many look at packets, each at a queue of its own */
	bool watching;                 /* they run: something is watched */
	struct sightings *sightings;   /* names that DNS gave to addresses, for all who judge */
	int sightings_file;            /* where they lie */
	struct counters *counters;     /* one for each worker, for the recorder, for each packet door */
	struct health *health;         /* of upstreams, one for all workers */
	struct child signer;
	struct child recorder;
	struct child packet[PACKET_DOORS_MAX]; /* their pairs are those behind the workers' */
	struct child console;          /* while there is somebody to serve at its door */
	const struct console_door *console_door;
	int questions[2];              /* introductions to the supervisor: [0] the console's end, [1] ours */
	int console_signing[2];        /* [0] the console's, [1] the signer's */
	int readers[2];                /* to the recorder: [0] the console's end, [1] the recorder's */
	struct child worker[WORKERS_MAX];
	int orders[WORKERS_MAX + PACKET_DOORS_MAX][2];  /* [0] ours, [1] the worker's */
	int signing[WORKERS_MAX][2];   /* [0] the worker's, [1] the signer's */
	int journal[WORKERS_MAX + PACKET_DOORS_MAX][2]; /* [0] the worker's, [1] the recorder's */
	struct elders elders;          /* workers of the program before */
	bool stopping;

	/* A process has ended that is none of them. */
	void (*stranger)(void *context, pid_t pid, int status);
	void *context;
};

/* Makes the pairs and starts the signer and the recorder, who need to know nothing about the kernel. 0, or
 * -1 with a logged cause. The caller has filled base, policy, workers, packet_doors, what all share,
 * journal_listener, group and the directories. */
int children_begin(struct children *children);

/* Starts the others, which the caller has filled doors, transparent and watching for. 0, or -1 with a
 * logged cause. */
int children_join(struct children *children);

/* Returns when every one has said that it is ready. 0, or -1 with a logged cause. */
int children_await(struct children *children);

/* Something is watched from now on: starts the packet doors unless they run, and returns when they look. 0, or -1
 * with a logged cause; what cannot be started is tried again like what has died. */
int children_open_packet_doors(struct children *children);

/* Nothing is watched any more: ends them, if they run. */
void children_close_packet_doors(struct children *children);

/* How many blocks of counters there are; that of the recorder, also for what nft has counted; those of the packet
 * doors. */
unsigned children_blocks(const struct children *children);
struct counters *children_recorder_counters(const struct children *children);
struct counters *children_packet_counters(const struct children *children, unsigned door);

/* Starts the console, ends it, or lets another take its place, as its door is now. */
void children_follow_console(struct children *children);

/* Collects the dead and replaces them. Call on SIGCHLD. */
void children_reap(struct children *children);

/* A packet door's queue that the program before had: the one that starts next at that number goes on with it. The
 * descriptor is taken over. */
void children_inherit_queue(struct children *children, unsigned queue, int descriptor);

/* Gives up those that no packet door wanted. */
void children_disown_queues(struct children *children);

/* Looks at the heartbeat of every worker and packet door; ends one that is stuck (pulse.h). Call once a second. */
void children_watch(struct children *children);

/* Ends a child so that it is replaced by one under the policy now set. */
void child_replace(struct child *child);

/* Ends the workers in order, then the others; kills what has not gone after DRAIN_SECONDS and one more.
 * Closes the pairs. */
void children_end(struct children *children);
