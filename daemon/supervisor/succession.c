#include "daemon/supervisor/succession.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/server.h"
#include "daemon/log.h"
#include "daemon/supervisor/exit_status.h"
#include "daemon/supervisor/supervision.h"

enum {
	TRIAL_SECONDS = 20,
	TRIAL_TEXT = 2048,
	QUEUE_MILLISECONDS = 500,
	/* No longer: who upgrades wants what was mended. */
	RETIRED_SECONDS = 3600,
};

struct succession {
	struct supervisor *supervisor;
	struct control_answer *answer;
	pid_t pid; /* of the trial */
	int said;  /* file of what it says */
	struct event late;
};

static void finish(struct succession *succession, const char *message)
{
	log_error("the program on the disk does not take over: %s", message);
	if (succession->answer)
		control_answer_end(succession->answer, 1, message);
	evtimer_del(&succession->late);
	if (succession->said >= 0)
		close(succession->said);
	succession->supervisor->succession = NULL;
	free(succession);
}

/* Becoming it */

static bool add_workers(struct elders *elders, const struct children *children)
{
	int64_t until = clock_steady() + RETIRED_SECONDS * 1000000LL;

	for (unsigned i = 0; i < children->workers; i++) {
		const struct child *worker = &children->worker[i];

		if (worker->pid && !elders_add(elders, worker->pid, children->orders[i][0], until))
			return false;
	}
	return true;
}

/* There is room: they are fewer than the workers. */
static void add_packet_doors(struct elders *elders, const struct children *children)
{
	for (unsigned i = 0; i < children->packet_doors; i++)
		if (children->packet[i].pid)
			elders_add(elders, children->packet[i].pid,
				   children->orders[children->workers + i][0], clock_steady());
}

static bool make_estate(const struct supervisor *supervisor, struct estate *estate)
{
	estate_begin(estate);
	estate->lock = supervisor->lock;
	estate->method = supervisor->probe.method;
	estate->doors = supervisor->doors;
	estate->elders = supervisor->children.elders;
	estate->sightings = supervisor->children.sightings_file;
	add_packet_doors(&estate->packet, &supervisor->children);
	return add_workers(&estate->elders, &supervisor->children);
}

static void become(struct succession *succession)
{
	struct supervisor *supervisor = succession->supervisor;
	const struct supervisor_settings *settings = supervisor->settings;
	static struct estate estate;
	char message[128];

	if (!make_estate(supervisor, &estate)) {
		finish(succession, "too many workers of the programs before still have connections; "
				   "try again later, or end them with `headgatectl cut all`");
		return;
	}
	if (succession->answer)
		estate.asker = control_answer_client(succession->answer);
	if (estate_leave(&estate) == 0)
		execv(settings->program, settings->arguments);
	snprintf(message, sizeof(message), "%s: %s", settings->program, strerror(errno));
	estate_keep(&estate);
	if (estate.asker >= 0)
		close(estate.asker);
	finish(succession, message);
}

/* Trying it */

static int spawn_trial(struct succession *succession)
{
	const struct supervisor_settings *settings = succession->supervisor->settings;
	char version[16];
	char *const arguments[] = { (char *)settings->program, (char *)"--config",
				    (char *)settings->config, (char *)"--trial", version, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int result;

	snprintf(version, sizeof(version), "%d", ESTATE_VERSION);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, succession->said, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	result = posix_spawn(&succession->pid, settings->program, &actions, &attributes, arguments,
			     environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	errno = result;
	return result ? -1 : 0;
}

static void on_late(evutil_socket_t fd, short what, void *argument)
{
	const struct succession *succession = argument;

	(void)fd;
	(void)what;
	kill(succession->pid, SIGKILL);
}

static void refuse(struct control_answer *answer, const char *message)
{
	log_error("the program on the disk does not take over: %s", message);
	if (answer)
		control_answer_end(answer, 1, message);
}

void succession_begin(struct supervisor *supervisor, struct control_answer *answer)
{
	const struct timeval patience = { TRIAL_SECONDS, 0 };
	struct succession *succession;

	if (supervisor->succession || supervisor->reload) {
		refuse(answer, supervisor->reload ? "a reload is under way; try again"
						  : "it is being tried already");
		return;
	}
	succession = calloc(1, sizeof(*succession));
	if (!succession) {
		refuse(answer, "out of memory");
		return;
	}
	supervisor->succession = succession;
	succession->supervisor = supervisor;
	succession->answer = answer;
	evtimer_assign(&succession->late, supervisor->base, on_late, succession);
	succession->said = memfd_create("trial", MFD_CLOEXEC);
	if (succession->said < 0 || spawn_trial(succession) < 0)
		finish(succession, strerror(errno));
	else
		evtimer_add(&succession->late, &patience);
}

/* The last of what it said, as one line. */
static void last_words(const struct succession *succession, char text[static TRIAL_TEXT])
{
	ssize_t length = pread(succession->said, text, TRIAL_TEXT - 1, 0);

	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length > 0 ? length : 0] = '\0';
}

void succession_reap(struct supervisor *supervisor, pid_t pid, int status)
{
	struct succession *succession = supervisor->succession;
	char text[TRIAL_TEXT];
	char message[TRIAL_TEXT + 64], end[EXIT_STATUS_TEXT];

	if (!succession || succession->pid != pid)
		return;
	last_words(succession, text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && supervisor->reload)
		finish(succession, "a reload has begun meanwhile; try again");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		become(succession);
	else if (text[0])
		finish(succession, text);
	else {
		snprintf(message, sizeof(message), "%s: it %s", supervisor->settings->program,
			 exit_status_print(status, end));
		finish(succession, message);
	}
}

/* In the new program */

/* One that cannot answer has lost its queue: a new one is opened, and packets meet `when-down` in between. */
static void take_queue(struct children *children, const struct elder *door)
{
	struct pollfd answer = { .fd = door->orders, .events = POLLIN };
	int descriptors[ORDER_DESCRIPTORS_MAX];
	union order order;
	size_t count = 0;

	if (poll(&answer, 1, QUEUE_MILLISECONDS) == 1 &&
	    order_receive(door->orders, &order, descriptors, &count) == 1 && count == 1 &&
	    order.kind == ORDER_RETIRE)
		children_inherit_queue(children, order.retire.queue, descriptors[0]);
	else
		while (count)
			close(descriptors[--count]);
}

void succession_take_queues(struct supervisor *supervisor)
{
	struct elders *doors = &supervisor->estate.packet;
	const union order order = { .retire = { .kind = ORDER_RETIRE } };

	elders_tell(doors, &order, sizeof(order.retire), NULL, 0);
	for (unsigned i = 0; i < doors->count; i++)
		take_queue(&supervisor->children, &doors->elder[i]);
	elders_end_now(doors);
}

void succession_end(struct supervisor *supervisor)
{
	struct estate *estate = &supervisor->estate;
	const union order order = { .retire = { .kind = ORDER_RETIRE } };

	if (estate->lock < 0)
		return;
	children_disown_queues(&supervisor->children);
	doors_close(&estate->doors);
	children_reap(&supervisor->children); /* who ended while nobody looked */
	elders_tell(&supervisor->children.elders, &order, sizeof(order.retire), NULL, 0);
	log_info("headgated " VERSION " has taken over; %u workers of before serve their connections to the end",
		 supervisor->children.elders.count);
	if (estate->asker >= 0)
		control_client_end(estate->asker, 0, "headgated " VERSION " has taken over");
	estate->asker = -1;
}
