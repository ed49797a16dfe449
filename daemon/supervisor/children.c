#include "daemon/supervisor/children.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/introduction.h"
#include "daemon/log.h"
#include "daemon/orders.h"
#include "daemon/recorder.h"
#include "daemon/supervisor/becoming.h"
#include "daemon/supervisor/exit_status.h"
#include "daemon/tls/authority.h"
#include "netfilter/queue.h"

enum {
	READY_MILLISECONDS = 30000, /* one that died is not waited for */
	QUICK_SECONDS = 60,     /* a death sooner than this counts as quick */
	QUICK_DEATHS_MAX = 5,   /* from then on, wait before the next try */
	RESTART_SECONDS_MAX = 30,
	PACKET_DOOR_SECONDS = 1, /* to end */
};

unsigned children_blocks(const struct children *children)
{
	return children->workers + 1 + children->packet_doors;
}

struct counters *children_recorder_counters(const struct children *children)
{
	return &children->counters[children->workers];
}

struct counters *children_packet_counters(const struct children *children, unsigned door)
{
	return &children->counters[children->workers + 1 + door];
}

static const char *child_word(const struct child *child)
{
	static const char *const words[] = { "signer", "recorder", "worker", "packet door",
					     "console" };

	return words[child->role];
}

/* Starting */

/* The numbers go too: others may be given them, should the pair not be opened again. */
static void close_pair(int channel[static 2])
{
	for (int end = 0; end < 2; end++) {
		if (channel[end] >= 0)
			close(channel[end]);
		channel[end] = -1;
	}
}

/* Orders meant for a dead worker must not reach the next one, which starts under the newest policy. */
static int renew_orders(struct children *children, unsigned worker)
{
	int *channel = children->orders[worker];

	close_pair(channel);
	return orders_open(channel);
}

static bool takes_orders(const struct child *child)
{
	return child->role == CHILD_WORKER || child->role == CHILD_PACKET;
}

static void disown(struct child *child)
{
	if (child->inherited >= 0)
		close(child->inherited);
	child->inherited = -1;
}

/* ready: where the child says that it is; closed here. */
static int start(struct child *child, int ready)
{
	if (ready < 0)
		return -1;
	if (takes_orders(child) && renew_orders(child->children, child->index) < 0) {
		close(ready);
		return -1;
	}
	child->pid = fork();
	if (child->pid == 0)
		become(child, ready);
	close(ready);
	disown(child);
	if (child->pid < 0) {
		child->pid = 0;
		return -1;
	}
	child->born = clock_steady();
	child->pulse.missed = child->pulse.reading = 0;
	return 0;
}

static bool says_ready(int ready)
{
	struct pollfd wait = { .fd = ready, .events = POLLIN };
	char byte;

	return poll(&wait, 1, READY_MILLISECONDS) == 1 && read(ready, &byte, 1) == 1;
}

/* The others always are. */
static bool is_wanted(const struct child *child)
{
	const struct console_door *door = child->children->console_door;

	return child->role != CHILD_CONSOLE || (door && door->count && *door->digest);
}

static void restart(evutil_socket_t fd, short what, void *argument)
{
	struct child *child = argument;
	const struct timeval second = { 1, 0 };

	(void)fd;
	(void)what;
	if (child->pid || child->children->stopping || !is_wanted(child))
		return;
	/* Nobody waits for a replacement: its doors have been open all the time. */
	if (start(child, open("/dev/null", O_WRONLY | O_CLOEXEC)) < 0) {
		log_error("the %s could not be started: %s", child_word(child), strerror(errno));
		evtimer_add(&child->restart, &second);
	}
}

static int start_watched(struct child *child)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == 0) {
		child->ready = ends[0];
		if (start(child, ends[1]) == 0)
			return 0;
	}
	log_error("the %s could not be started: %s", child_word(child), strerror(errno));
	if (child->ready >= 0)
		close(child->ready);
	child->ready = -1;
	return -1;
}

static int await(struct child *child)
{
	bool ready = says_ready(child->ready);

	close(child->ready);
	child->ready = -1;
	if (!ready)
		log_error("the %s did not start", child_word(child));
	return ready ? 0 : -1;
}

static void child_begin(struct child *child, struct children *children, enum child_role role,
			unsigned index)
{
	*child = (struct child){
		.children = children, .role = role, .index = index, .ready = -1, .inherited = -1
	};
	evtimer_assign(&child->restart, children->base, restart, child);
}

static int make_pairs(struct children *children)
{
	memset(children->orders, -1, sizeof(children->orders));
	memset(children->signing, -1, sizeof(children->signing));
	memset(children->journal, -1, sizeof(children->journal));
	memset(children->readers, -1, sizeof(children->readers));
	memset(children->questions, -1, sizeof(children->questions));
	memset(children->console_signing, -1, sizeof(children->console_signing));
	if (introduction_open(children->readers) < 0 || introduction_open(children->questions) < 0 ||
	    orders_open(children->console_signing) < 0)
		return -1;
	for (unsigned i = 0; i < children->workers + children->packet_doors; i++) {
		if (orders_open(children->orders[i]) < 0 ||
		    recorder_channel_open(children->journal[i]) < 0)
			return -1;
		if (i < children->workers && orders_open(children->signing[i]) < 0)
			return -1;
	}
	return 0;
}

int children_begin(struct children *children)
{
	child_begin(&children->signer, children, CHILD_SIGNER, 0);
	child_begin(&children->recorder, children, CHILD_RECORDER, 0);
	for (unsigned i = 0; i < children->packet_doors; i++)
		child_begin(&children->packet[i], children, CHILD_PACKET, children->workers + i);
	child_begin(&children->console, children, CHILD_CONSOLE, 0);
	for (unsigned i = 0; i < children->workers; i++)
		child_begin(&children->worker[i], children, CHILD_WORKER, i);
	if (tickets_begin(&children->tickets, clock_steady()) < 0 || make_pairs(children) < 0) {
		log_error("the processes cannot be connected: %s", strerror(errno));
		return -1;
	}
	return start_watched(&children->signer) < 0 || start_watched(&children->recorder) < 0 ? -1 : 0;
}

/* The authority's certificate and, behind it, the next one's. Malloc'd; NULL with errno. */
static char *read_authorities(const struct children *children)
{
	const char *directory = children->policy->authority.next;
	char *current = authority_read_pem(children->authority_directory);
	char *next = current && directory ? authority_read_pem(directory) : NULL;
	char *both = NULL;

	if (!next)
		return current;
	if (asprintf(&both, "%s%s", current, next) < 0)
		both = NULL;
	free(next);
	if (!both)
		return current;
	free(current);
	return both;
}

/* The workers answer with the authority's certificate, which the signer may have to make first. */
static int await_signer(struct children *children)
{
	if (await(&children->signer) < 0)
		return -1;
	children->authority_pem = read_authorities(children);
	if (children->authority_pem)
		return 0;
	log_error("%s/authority.pem cannot be read: %s", children->authority_directory,
		  strerror(errno));
	return -1;
}

static int start_packet_doors(struct children *children)
{
	int result = 0;

	for (unsigned i = 0; i < children->packet_doors; i++)
		if (start_watched(&children->packet[i]) < 0)
			result = -1;
	return result;
}

static int await_packet_doors(struct children *children)
{
	int result = 0;

	for (unsigned i = 0; i < children->packet_doors; i++)
		if (await(&children->packet[i]) < 0)
			result = -1;
	return result;
}

int children_join(struct children *children)
{
	if (await_signer(children) < 0)
		return -1;
	for (unsigned i = 0; i < children->workers; i++)
		if (start_watched(&children->worker[i]) < 0)
			return -1;
	return children->watching ? start_packet_doors(children) : 0;
}

int children_await(struct children *children)
{
	if (await(&children->recorder) < 0)
		return -1;
	for (unsigned i = 0; i < children->workers; i++)
		if (await(&children->worker[i]) < 0)
			return -1;
	return children->watching ? await_packet_doors(children) : 0;
}

/* Ending one */

static void await_end(const struct child *child, int64_t until)
{
	const struct timespec pause = { 0, 10 * 1000000 };

	while (waitpid(child->pid, NULL, WNOHANG) == 0) {
		if (clock_steady() > until)
			kill(child->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
}

static void end_child(struct child *child, int64_t until)
{
	if (!child->pid)
		return;
	kill(child->pid, SIGTERM);
	await_end(child, until);
	child->pid = 0;
}

/* Coming and going of the packet doors */

void children_inherit_queue(struct children *children, unsigned queue, int descriptor)
{
	unsigned number = queue - QUEUE_NUMBER;

	if (number < children->packet_doors && children->packet[number].inherited < 0)
		children->packet[number].inherited = descriptor;
	else
		close(descriptor);
}

void children_disown_queues(struct children *children)
{
	for (unsigned i = 0; i < children->packet_doors; i++)
		disown(&children->packet[i]);
}

int children_open_packet_doors(struct children *children)
{
	if (children->watching)
		return 0;
	children->watching = true;
	return start_packet_doors(children) | await_packet_doors(children);
}

void children_close_packet_doors(struct children *children)
{
	int64_t until = clock_steady() + PACKET_DOOR_SECONDS * 1000000LL;

	if (!children->watching)
		return;
	children->watching = false;
	for (unsigned i = 0; i < children->packet_doors; i++)
		if (children->packet[i].pid)
			kill(children->packet[i].pid, SIGTERM);
	for (unsigned i = 0; i < children->packet_doors; i++) {
		event_del(&children->packet[i].restart);
		end_child(&children->packet[i], until);
	}
}

/* Watching */

static struct child *find(struct children *children, pid_t pid)
{
	if (children->signer.pid == pid)
		return &children->signer;
	if (children->recorder.pid == pid)
		return &children->recorder;
	for (unsigned i = 0; i < children->packet_doors; i++)
		if (children->packet[i].pid == pid)
			return &children->packet[i];
	if (children->console.pid == pid)
		return &children->console;
	for (unsigned i = 0; i < children->workers; i++)
		if (children->worker[i].pid == pid)
			return &children->worker[i];
	return NULL;
}

static unsigned seconds_to_wait(struct child *child)
{
	unsigned seconds = 1;

	if (clock_steady() - child->born > QUICK_SECONDS * 1000000LL)
		child->deaths = 0;
	if (++child->deaths <= QUICK_DEATHS_MAX)
		return 0;
	for (unsigned i = QUICK_DEATHS_MAX + 1; i < child->deaths; i++)
		if (seconds < RESTART_SECONDS_MAX)
			seconds *= 2;
	return MIN(seconds, RESTART_SECONDS_MAX);
}

static void say_death(const struct child *child, int status, unsigned wait)
{
	char when[32] = "now", end[EXIT_STATUS_TEXT];

	if (!is_wanted(child))
		return;
	if (wait)
		snprintf(when, sizeof(when), "in %u s", wait);
	log_warning("the %s (pid %d) %s; a new one starts %s", child_word(child), (int)child->pid,
		    exit_status_print(status, end), when);
}

static void mourn(struct child *child, int status)
{
	unsigned wait = seconds_to_wait(child);
	const struct timeval delay = { wait, 0 };

	say_death(child, status, wait);
	child->pid = 0;
	if (wait)
		evtimer_add(&child->restart, &delay);
	else
		restart(-1, 0, child);
}

void children_reap(struct children *children)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child *child = find(children, pid);

		if (child && !children->stopping)
			mourn(child, status);
		else if (child)
			child->pid = 0;
		else if (!elders_bury(&children->elders, pid) && children->stranger)
			children->stranger(children->context, pid, status);
	}
}

static void listen_for_heart(struct child *child, const struct counters *counters)
{
	if (!child->pid || !pulse_stands(&child->pulse, atomic_load(&counters->heartbeat), child->pid))
		return;
	log_error("%s %u has stood still for %d s and is replaced", child_word(child), child->index,
		  PULSE_MISSED_MAX);
	kill(child->pid, SIGKILL);
}

void children_watch(struct children *children)
{
	for (unsigned i = 0; i < children->workers; i++)
		listen_for_heart(&children->worker[i], &children->counters[i]);
	elders_watch(&children->elders);
	tickets_turn(&children->tickets, clock_steady());
	for (unsigned i = 0; i < children->packet_doors; i++)
		listen_for_heart(&children->packet[i], children_packet_counters(children, i));
}

void children_follow_console(struct children *children)
{
	struct child *console = &children->console;

	if (console->pid)
		child_replace(console);
	else
		restart(-1, 0, console);
}

void child_replace(struct child *child)
{
	if (child->pid)
		kill(child->pid, SIGTERM);
	/* Asked for, so it is no sign of trouble. */
	child->deaths = 0;
}

/* Ending */

static void close_pairs(struct children *children)
{
	close_pair(children->readers);
	close_pair(children->questions);
	close_pair(children->console_signing);
	for (unsigned i = 0; i < children->workers + children->packet_doors; i++) {
		close_pair(children->orders[i]);
		close_pair(children->journal[i]);
		if (i < children->workers)
			close_pair(children->signing[i]);
	}
}

void children_end(struct children *children)
{
	int64_t until = clock_steady() + (DRAIN_SECONDS + 2) * 1000000LL;

	children->stopping = true;
	elders_end(&children->elders);
	for (unsigned i = 0; i < children->workers; i++)
		if (children->worker[i].pid)
			kill(children->worker[i].pid, SIGTERM);
	for (unsigned i = 0; i < children->workers; i++)
		end_child(&children->worker[i], until);
	children_close_packet_doors(children);
	end_child(&children->console, until);
	end_child(&children->signer, until);
	end_child(&children->recorder, until);
	if (children->signer.children)
		close_pairs(children);
	free(children->authority_pem);
	free(children->authority_directory);
	free(children->trace_directory);
}
