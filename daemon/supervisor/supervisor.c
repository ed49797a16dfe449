#include "daemon/supervisor/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/param.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/control/server.h"
#include "daemon/log.h"
#include "daemon/orders.h"
#include "daemon/packet/sightings.h"
#include "daemon/privilege.h"
#include "daemon/supervisor/answers.h"
#include "daemon/supervisor/feeds.h"
#include "daemon/supervisor/guarding.h"
#include "daemon/supervisor/hosting.h"
#include "daemon/supervisor/leasing.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/redirect.h"
#include "daemon/supervisor/reload.h"
#include "daemon/supervisor/slots.h"
#include "daemon/supervisor/succession.h"
#include "daemon/tls/pinned.h"

static char *join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* Directories and the lock */

static int make_directory(const char *path, mode_t mode)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	log_error("%s cannot be made: %s", path, strerror(errno));
	return -1;
}

static int lock_run_directory(struct supervisor *supervisor)
{
	const char *directory = supervisor->settings->run_directory;
	char *path;
	int fd;

	/* Inherited with what else was left: nobody could come in between. */
	supervisor->lock = supervisor->estate.lock;
	if (supervisor->lock >= 0)
		return 0;
	path = join(directory, "lock");
	fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	free(path);
	if (fd < 0) {
		log_error("%s/lock cannot be opened: %s", directory, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		log_error("another headgated uses %s already; stop it, or choose another "
			  "--run-directory", directory);
		close(fd);
		return -1;
	}
	supervisor->lock = fd;
	return 0;
}

static int make_directories(struct supervisor *supervisor)
{
	const struct supervisor_settings *settings = supervisor->settings;

	if (make_directory(settings->run_directory, 0755) < 0 ||
	    make_directory(settings->state_directory, 0755) < 0)
		return -1;
	return lock_run_directory(supervisor);
}

/* The policy and the machine */

static int load_policy(struct supervisor *supervisor)
{
	supervisor->policy = policy_load(supervisor->settings->config, NULL);
	return supervisor->policy ? 0 : -1;
}

static int load_lists(struct supervisor *supervisor)
{
	struct collection_settings lists;

	supervisor->lists_directory = join(supervisor->settings->state_directory, "lists");
	if (!supervisor->lists_directory)
		return -1;
	lists = reload_collection(supervisor, NULL);
	if (collection_load(supervisor->policy, &lists) < 0)
		return -1;
	reload_note_lists(supervisor, supervisor->policy);
	slots_assign(supervisor->policy, NULL);
	supervisor->policy->generation = ++supervisor->generation;
	return 0;
}

static int check_machine(struct supervisor *supervisor)
{
	struct probe *probe = &supervisor->probe;

	probing_end(&supervisor->probing, probe, supervisor->policy);
	for (size_t i = 0; i < probe->count; i++) {
		if (probe->findings[i].severity == FINDING_ERROR)
			log_error("%s", probe->findings[i].message);
		else
			log_warning("%s", probe->findings[i].message);
	}
	return probe_failed(probe) ? -1 : 0;
}

static int open_doors(struct supervisor *supervisor)
{
	struct doors *doors = &supervisor->doors;
	struct estate *estate = &supervisor->estate;
	bool fits = estate->lock >= 0 && estate->method == supervisor->probe.method;

	doors->workers = supervisor->children.workers;
	if (doors_open(doors, supervisor->policy, supervisor->probe.method,
		       fits ? &estate->doors : NULL) < 0) {
		log_error("no listener can be opened: %s", strerror(errno));
		return -1;
	}
	if (supervisor->probe.method == CAPTURE_TPROXY && !doors->datagram_port &&
	    doors_open_datagrams(doors) < 0)
		log_warning("datagrams cannot be routed: %s", strerror(errno));
	return 0;
}

/* The processes */

static gid_t control_group(void)
{
	const struct group *group = getgrnam("headgate");

	return group ? group->gr_gid : (gid_t)-1;
}

static int open_sockets(struct supervisor *supervisor)
{
	const char *directory = supervisor->settings->run_directory;
	char *control = join(directory, "control");
	char *journal = join(directory, "journal");

	supervisor->control_listener = -1;
	supervisor->children.journal_listener = -1;
	if (control && journal) {
		supervisor->control_listener = control_listen(control, 0660, control_group());
		supervisor->children.journal_listener =
			control_listen(journal, 0660, control_group());
	}
	free(control);
	free(journal);
	if (supervisor->control_listener >= 0 && supervisor->children.journal_listener >= 0)
		return 0;
	log_error("the sockets in %s cannot be opened: %s", directory, strerror(errno));
	return -1;
}

static void on_stranger(void *context, pid_t pid, int status)
{
	struct supervisor *supervisor = context;

	succession_reap(supervisor, pid, status);
	reload_reap(supervisor, pid, status);
	if (supervisor->feeds)
		feeds_note_end(supervisor->feeds, pid, status);
}

static int make_sightings(void)
{
	uint8_t seed[SIGHTINGS_SEED];

	return getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed) ? sightings_make(seed) : -1;
}

/* Those of the program before, if there was one and it kept them in the same form. */
static void share_sightings(struct children *children, int inherited)
{
	children->sightings_file = inherited;
	if (inherited >= 0)
		children->sightings = sightings_open(inherited);
	if (children->sightings)
		return;
	if (inherited >= 0) {
		log_info("names learned from DNS are learned anew: the program before kept them in another form");
		close(inherited);
	}
	children->sightings_file = make_sightings();
	if (children->sightings_file >= 0)
		children->sightings = sightings_open(children->sightings_file);
}

static int begin_children(struct supervisor *supervisor)
{
	struct children *children = &supervisor->children;
	const struct policy *policy = supervisor->policy;

	children->base = supervisor->base;
	children->policy = policy;
	children->group = control_group();
	/* A worker for each listener that was left, or connections would wait at one without. */
	children->workers = supervisor->estate.lock >= 0 ? supervisor->estate.doors.workers
							 : supervisor->settings->workers;
	children->elders = supervisor->estate.elders;
	children->stranger = on_stranger;
	children->context = supervisor;
	children->authority_directory =
		policy->authority.directory
			? strdup(policy->authority.directory)
			: join(supervisor->settings->state_directory, "authority");
	children->trace_directory = join(supervisor->settings->state_directory, "traces");
	children->packet_doors = MIN(children->workers, PACKET_DOORS_MAX);
	children->counters = counters_new(children_blocks(children));
	share_sightings(children, supervisor->estate.sightings);
	children->health = health_open();
	children->pinned = pinned_new();
	if (!children->authority_directory || !children->trace_directory || !children->counters ||
	    !children->health || !children->pinned || !children->sightings) {
		log_error("out of memory");
		return -1;
	}
	return children_begin(children);
}

static int join_children(struct supervisor *supervisor)
{
	struct children *children = &supervisor->children;

	children->doors = &supervisor->doors;
	children->transparent = supervisor->probe.method == CAPTURE_TPROXY;
	succession_take_queues(supervisor);
	children->watching = redirect_watches(supervisor);
	return children_join(children);
}

static void say_accounts(const struct policy *policy)
{
	const char *names[] = { "headgate", "headgate-ca", "headgate-nf", "headgate-web" };
	size_t count = sizeof names / sizeof *names - (policy->console.listen_count ? 0 : 1);
	struct account account;
	bool fallback;

	for (size_t i = 0; i < count; i++)
		if (account_find(names[i], &account, &fallback) == 0 && fallback)
			log_warning("there is no account \"%s\": \"%s\" stands in", names[i],
				    account.name);
}

/* What wakes the supervisor */

static void on_mend(evutil_socket_t fd, short what, void *argument)
{
	(void)fd;
	(void)what;
	redirect_mend(argument);
}

static void on_nftables(evutil_socket_t fd, short what, void *argument)
{
	struct supervisor *supervisor = argument;

	const struct timeval second = { 1, 0 };

	(void)fd;
	(void)what;
	switch (watch_read(supervisor->watch)) {
	case WATCH_TABLE_GONE:
		redirect_mend(supervisor);
		break;
	case WATCH_FAILED:
		evtimer_add(&supervisor->look, &second);
		break;
	case WATCH_QUIET:
		break;
	}
}

/* A descriptor of its own for each: workers that shared one would read it past each other. */
static void tell_names(struct supervisor *supervisor)
{
	struct children *children = &supervisor->children;
	const union order order = { .names = { .kind = ORDER_NAMES } };

	for (unsigned i = 0; i < children->workers; i++) {
		int descriptors[NAME_FILES];

		if (name_files_open(descriptors) < 0)
			return;
		if (order_send(children->orders[i][0], &order, sizeof(order.names), descriptors,
			       NAME_FILES) < 0)
			log_warning("worker %u still asks the nameservers of before: %s", i,
				    strerror(errno));
		close(descriptors[0]);
		close(descriptors[1]);
	}
}

static void on_second(evutil_socket_t fd, short what, void *argument)
{
	struct supervisor *supervisor = argument;

	(void)fd;
	(void)what;
	notify_alive();
	children_watch(&supervisor->children);
	if (doors_refresh(&supervisor->doors))
		reload_doors(supervisor);
	redirect_tick(supervisor);
	leasing_tick(supervisor);
	guarding_tick(supervisor);
	hosting_tick(supervisor);
	if (supervisor->policy->upstream_count && name_files_changed(&supervisor->names))
		tell_names(supervisor);
}

static void on_signal(evutil_socket_t fd, short what, void *argument)
{
	struct supervisor *supervisor = argument;
	struct signalfd_siginfo info;

	(void)what;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			children_reap(&supervisor->children);
			break;
		case SIGHUP:
			reload_begin(supervisor, NULL);
			break;
		case SIGUSR2:
			succession_begin(supervisor, NULL);
			break;
		default:
			event_base_loopbreak(supervisor->base);
		}
	}
}

static int take_signals(struct supervisor *supervisor)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	supervisor->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	supervisor->base = event_base_new();
	return supervisor->signals >= 0 && supervisor->base ? 0 : -1;
}

static bool on_new_lists(void *context)
{
	return reload_lists(context) == 0;
}

/* Without them everything else still works. */
static void follow_feeds(struct supervisor *supervisor)
{
	const struct feeds_settings settings = {
		.base = supervisor->base,
		.directory = supervisor->lists_directory,
		.account = "headgate-fetch",
		.changed = on_new_lists,
		.context = supervisor,
	};

	supervisor->feeds = feeds_new(&settings);
	if (!supervisor->feeds || feeds_follow(supervisor->feeds, supervisor->policy) < 0)
		log_error("out of memory: no list is fetched");
}

static int watch_events(struct supervisor *supervisor)
{
	const struct timeval second = { 1, 0 };
	struct event_base *base = supervisor->base;

	supervisor->control = answers_open(supervisor, control_group());
	if (!supervisor->control) {
		log_error("out of memory");
		return -1;
	}
	name_files_begin(&supervisor->names);
	guarding_begin(&supervisor->guarding);
	evtimer_assign(&supervisor->mend, base, on_mend, supervisor);
	evtimer_assign(&supervisor->look, base, on_nftables, supervisor);
	event_assign(&supervisor->signal_event, base, supervisor->signals, EV_READ | EV_PERSIST,
		     on_signal, supervisor);
	event_assign(&supervisor->second, base, -1, EV_PERSIST, on_second, supervisor);
	event_add(&supervisor->signal_event, NULL);
	event_add(&supervisor->second, &second);
	if (!supervisor->watch)
		return 0;
	event_assign(&supervisor->watch_event, base, watch_descriptor(supervisor->watch),
		     EV_READ | EV_PERSIST, on_nftables, supervisor);
	return event_add(&supervisor->watch_event, NULL);
}

static void remove_sockets(const struct supervisor *supervisor)
{
	static const char *const names[] = { "control", "journal" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = join(supervisor->settings->run_directory, names[i]);

		if (path)
			unlink(path);
		free(path);
	}
}

/* The ladder */

int supervisor_run(const struct supervisor_settings *settings)
{
	static struct supervisor supervisor;
	int status = 1;

	supervisor.settings = settings;
	supervisor.started = clock_steady();
	estate_take(&supervisor.estate);
	if (make_directories(&supervisor) < 0)
		return 1;
	if (take_signals(&supervisor) < 0 || load_policy(&supervisor) < 0)
		goto unlock;
	probing_begin(&supervisor.probing, supervisor.policy);
	if (load_lists(&supervisor) < 0 || open_sockets(&supervisor) < 0)
		goto abandon_probing;
	say_accounts(supervisor.policy);
	if (begin_children(&supervisor) < 0 || check_machine(&supervisor) < 0 ||
	    open_doors(&supervisor) < 0 || join_children(&supervisor) < 0 ||
	    redirect_prepare(&supervisor) < 0 || children_await(&supervisor.children) < 0)
		goto end_children;
	if (redirect_begin(&supervisor) < 0 || watch_events(&supervisor) < 0)
		goto end_redirect;
	fprintf(stderr, "ready\n");
	notify_manager("READY=1");
	succession_end(&supervisor);
	follow_feeds(&supervisor);
	hosting_follow(&supervisor, NULL);
	event_base_dispatch(supervisor.base);
	notify_manager("STOPPING=1");
	reload_abandon(&supervisor);
	feeds_free(supervisor.feeds);
	guarding_end(&supervisor.guarding);
	status = 0;

end_redirect:
	redirect_ebb(&supervisor);
	/* Who still waits in line is told when the worker closes its copy, not when it has drained. */
	doors_close(&supervisor.doors);
	control_server_free(supervisor.control);
end_children:
	children_end(&supervisor.children);
	hosting_end(&supervisor);
	redirect_end(&supervisor);
	doors_close(&supervisor.doors);
abandon_probing:
	probing_abandon(&supervisor.probing);
unlock:
	remove_sockets(&supervisor);
	redirect_forget(&supervisor);
	policy_release(supervisor.policy);
	free(supervisor.lists_directory);
	free(supervisor.lists_trouble);
	return status;
}
