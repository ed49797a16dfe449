#include "daemon/supervisor/reload.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/server.h"
#include "daemon/log.h"
#include "daemon/supervisor/collection.h"
#include "daemon/supervisor/differences.h"
#include "daemon/supervisor/feeds.h"
#include "daemon/supervisor/hosting.h"
#include "daemon/supervisor/notify.h"
#include "daemon/supervisor/redirect.h"
#include "daemon/supervisor/slots.h"
#include "daemon/supervisor/supervision.h"
#include "daemon/supervisor/telling.h"
#include "netfilter/routes.h"

enum { LOOK_MILLISECONDS = 2, RELOAD_SECONDS = 30 };

struct reload {
	struct supervisor *supervisor;
	struct control_answer *answer;
	struct policy *policy;		/* while its lists are compiled */
	struct collection *collection;	/* likewise */
	struct event compiling;
	struct event look;
	int64_t until;
	struct doors old_doors; /* closed when nobody uses them any more */
	bool again;		/* somebody asked meanwhile: the file may have changed since it was read */
	struct control_answer *next; /* who asked; NULL: a signal did */
};

/* Reading */

/* A config_report() whose context is the answer, or NULL. */
static void report(void *context, enum severity severity, const struct place *place, const char *message)
{
	struct control_answer *answer = context;
	const char *word = severity == SEVERITY_ERROR ? "error" : "warning";

	if (severity == SEVERITY_ERROR)
		log_error("%s:%u:%u: %s", place->file, place->line, place->column, message);
	else
		log_warning("%s:%u:%u: %s", place->file, place->line, place->column, message);
	if (answer)
		control_answer_line(answer, json_pack("{s:s, s:s, s:i, s:i, s:s}", "severity", word,
						      "file", place->file, "line",
						      (int)place->line, "column",
						      (int)place->column, "message", message));
}

struct policy *policy_load(const char *path, struct control_answer *answer)
{
	struct sources *sources = sources_read(path);

	if (!sources) {
		log_error("%s cannot be read: %s", path, strerror(errno));
		return NULL;
	}
	return config_parse(sources, report, answer);
}

void reload_note_lists(struct supervisor *supervisor, const struct policy *policy)
{
	free(supervisor->lists_trouble);
	supervisor->lists_trouble = policy->lists_trouble ? strdup(policy->lists_trouble) : NULL;
}

struct collection_settings reload_collection(const struct supervisor *supervisor,
					     struct control_answer *answer)
{
	return (struct collection_settings){
		.directory = supervisor->lists_directory,
		.account = "headgate",
		.report = report,
		.context = answer,
	};
}

/* Changing over */

static void finish(struct reload *reload, int status, const char *message)
{
	struct supervisor *supervisor = reload->supervisor;
	struct control_answer *next = reload->next;
	bool again = reload->again;

	event_del(&reload->compiling);
	evtimer_del(&reload->look);
	doors_close(&reload->old_doors);
	if (reload->answer)
		control_answer_end(reload->answer, status, message);
	notify_manager("READY=1");
	supervisor->reload = NULL;
	free(reload);
	if (again)
		reload_begin(supervisor, next);
}

static void look(evutil_socket_t fd, short what, void *argument)
{
	struct reload *reload = argument;
	const struct timeval soon = { 0, LOOK_MILLISECONDS * 1000 };
	char message[96];

	(void)fd;
	(void)what;
	if (telling_is_done(reload->supervisor)) {
		snprintf(message, sizeof(message), "policy %u is in force%s",
			 reload->supervisor->policy->generation,
			 reload->supervisor->policy->lists_trouble ? ", with the lists of before" : "");
		log_info("%s", message);
		finish(reload, 0, message);
	} else if (clock_steady() > reload->until) {
		finish(reload, 1, "not every worker has taken the policy over; see the log");
	} else {
		evtimer_add(&reload->look, &soon);
	}
}

static void close_new_doors(struct doors *doors, const struct doors *before)
{
	for (size_t i = 0; i < doors->count;) {
		bool old = false;

		for (size_t j = 0; j < before->count; j++)
			old |= strcmp(doors->doors[i].name, before->doors[j].name) == 0;
		if (old)
			doors->doors[i] = doors->doors[--doors->count];
		else
			i++;
	}
	doors->datagram_port = 0;
	doors_close(doors);
}

static bool same_routes(const struct capture *a, const struct capture *b)
{
	return a->mark == b->mark && a->mark_mask == b->mark_mask && a->table == b->table;
}

/* The new marks need their routes before the table sets them; the old ones go when it no longer does. */
static int move_routes(const struct supervisor *supervisor, const struct policy *before)
{
	const struct capture *capture = &supervisor->policy->capture;

	if (supervisor->probe.method != CAPTURE_TPROXY || same_routes(capture, &before->capture))
		return 0;
	return routes_add(capture);
}

static void drop_old_routes(const struct supervisor *supervisor, const struct policy *before)
{
	const struct capture *capture = &supervisor->policy->capture;

	if (supervisor->probe.method != CAPTURE_TPROXY || same_routes(capture, &before->capture))
		return;
	routes_remove(&before->capture);
	/* What both had in common, the table's default route, is gone with the old ones. */
	routes_add(capture);
}

/* The kernel took some of the policy and not the rest: what it looks up in lists, for one, is no longer what the rules
 * in force ask about. */
static void turn_back(struct supervisor *supervisor, struct policy *before, const struct policy *policy)
{
	supervisor->policy = before;
	supervisor->children.policy = before;
	redirect_load(supervisor);
	drop_old_routes(supervisor, policy);
}

/* Everything is as before when this fails. */
static const char *change_over(struct supervisor *supervisor, struct reload *reload,
			       struct policy *policy)
{
	struct doors doors = { .workers = supervisor->doors.workers };
	struct policy *before = supervisor->policy;
	struct doors old = supervisor->doors;
	int packed = sources_pack(policy->sources);

	if (packed < 0)
		return "out of memory";
	if (doors_open(&doors, policy, supervisor->probe.method, &supervisor->doors) < 0) {
		close(packed);
		return "the listeners for the new LAN ports cannot be opened";
	}
	slots_assign(policy, before);
	redirect_count(supervisor);
	slots_clear(policy, before, supervisor->children.counters, children_blocks(&supervisor->children));
	policy->generation = ++supervisor->generation;
	reload->old_doors = supervisor->doors;
	supervisor->doors = doors;
	supervisor->policy = policy;
	supervisor->children.policy = policy;
	if (move_routes(supervisor, before) < 0 || redirect_load(supervisor) < 0) {
		supervisor->doors = old;
		reload->old_doors.count = 0;
		turn_back(supervisor, before, policy);
		close_new_doors(&doors, &old);
		close(packed);
		return "the nft table cannot be loaded; see the log";
	}
	telling_begin(supervisor, packed);
	close(packed);
	drop_old_routes(supervisor, before);
	differences_follow(supervisor, before);
	hosting_follow(supervisor, before);
	differences_warn(reload->answer, policy, before);
	policy_release(before);
	return NULL;
}

/* Many a reload is the daemon's own (a port has come, a list was fetched): whoever asks meanwhile does not know of
 * it, and has the next one. Only a third is told to ask again. */
static void put_off(struct supervisor *supervisor, struct control_answer *answer)
{
	struct reload *running = supervisor->reload;

	if (running && (!answer || !running->next)) {
		running->again = true;
		running->next = answer ? answer : running->next;
	} else if (answer) {
		control_answer_end(answer, 1,
				   running ? "two reloads are under way already; ask again"
					   : "the daemon is out of memory");
	} else {
		log_error("reload: out of memory; the policy before stays in force");
	}
}

static void take_over(struct reload *reload)
{
	struct policy *policy = reload->policy;
	const char *failure = change_over(reload->supervisor, reload, policy);

	reload->policy = NULL;
	reload->until = clock_steady() + RELOAD_SECONDS * 1000000LL;
	if (!failure) {
		if (reload->supervisor->feeds)
			feeds_follow(reload->supervisor->feeds, policy);
		look(-1, 0, reload);
		return;
	}
	log_error("reload: %s; the policy before stays in force", failure);
	policy_release(policy);
	finish(reload, 1, failure);
}

static const char does_not_check[] = "the file does not check";

static void refuse_policy(struct reload *reload, const char *why)
{
	char message[128];

	snprintf(message, sizeof(message), "%s: the policy before stays in force", why);
	log_error("%s: %s", reload->supervisor->settings->config, message);
	policy_release(reload->policy);
	reload->policy = NULL;
	finish(reload, 1, message);
}

/* The supervisor goes on with its other work while the lists are compiled. */
static void await_lists(struct reload *reload)
{
	int64_t left = collection_until(reload->collection) - clock_steady();
	const struct timeval patience = { left > 0 ? left / 1000000 : 0, 1 };

	event_add(&reload->compiling, &patience);
}

static void on_compiling(evutil_socket_t fd, short what, void *argument)
{
	struct reload *reload = argument;
	struct collection *collection = reload->collection;
	bool lacking;

	(void)fd;
	(void)what;
	if (!collection_hear(collection)) {
		await_lists(reload);
		return;
	}
	reload->collection = NULL;
	reload_note_lists(reload->supervisor, reload->policy);
	lacking = collection_lacks(collection, reload->supervisor->policy);
	if (collection_finish(collection) < 0)
		refuse_policy(reload, does_not_check);
	else if (lacking)
		refuse_policy(reload, "it has a list that could not be compiled");
	else
		take_over(reload);
}

static void compile(struct reload *reload)
{
	struct supervisor *supervisor = reload->supervisor;
	struct collection_settings settings = reload_collection(supervisor, reload->answer);

	reload->collection = collection_begin(reload->policy, &settings);
	if (!reload->collection) {
		log_error("out of memory");
		refuse_policy(reload, does_not_check);
		return;
	}
	event_assign(&reload->compiling, supervisor->base,
		     collection_descriptor(reload->collection), EV_READ, on_compiling, reload);
	on_compiling(-1, 0, reload);
}

/* NULL when one is under way already, or when out of memory. */
static struct reload *begin(struct supervisor *supervisor, struct control_answer *answer)
{
	struct reload *reload = supervisor->reload ? NULL : calloc(1, sizeof(*reload));

	if (!reload)
		return NULL;
	reload->supervisor = supervisor;
	reload->answer = answer;
	evtimer_assign(&reload->compiling, supervisor->base, on_compiling, reload);
	evtimer_assign(&reload->look, supervisor->base, look, reload);
	supervisor->reload = reload;
	notify_manager("RELOADING=1");
	return reload;
}

void reload_begin(struct supervisor *supervisor, struct control_answer *answer)
{
	struct reload *reload = begin(supervisor, answer);

	if (!reload) {
		put_off(supervisor, answer);
		return;
	}
	reload->policy = policy_load(supervisor->settings->config, answer);
	if (reload->policy)
		compile(reload);
	else
		refuse_policy(reload, does_not_check);
}

/* The texts are those in force: what the owner is just writing is none of it. */
static struct policy *parse_again(const struct policy *policy)
{
	int packed = sources_pack(policy->sources);
	struct sources *sources = packed < 0 ? NULL : sources_unpack(packed);

	if (packed >= 0)
		close(packed);
	return sources ? config_parse(sources, NULL, NULL) : NULL;
}

int reload_policy(struct supervisor *supervisor, struct policy *policy)
{
	struct reload *reload = policy ? begin(supervisor, NULL) : NULL;

	if (!reload) {
		policy_release(policy);
		return -1;
	}
	reload->policy = policy;
	compile(reload);
	return 0;
}

int reload_lists(struct supervisor *supervisor)
{
	return supervisor->reload ? -1
				  : reload_policy(supervisor, parse_again(supervisor->policy));
}

void reload_doors(struct supervisor *supervisor)
{
	int packed = sources_pack(supervisor->policy->sources);

	if (packed < 0)
		return;
	telling_begin(supervisor, packed);
	close(packed);
}

void reload_reap(struct supervisor *supervisor, pid_t pid, int status)
{
	if (supervisor->reload && supervisor->reload->collection)
		collection_note_end(supervisor->reload->collection, pid, status);
}

void reload_abandon(struct supervisor *supervisor)
{
	static const char stopping[] = "the gateway is stopping";
	struct reload *reload = supervisor->reload;

	if (!reload)
		return;
	event_del(&reload->compiling);
	if (reload->collection)
		collection_finish(reload->collection);
	policy_release(reload->policy);
	if (reload->next)
		control_answer_end(reload->next, 1, stopping);
	reload->again = false;
	finish(reload, 1, stopping);
}
