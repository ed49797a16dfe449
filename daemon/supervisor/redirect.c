#include "daemon/supervisor/redirect.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/supervisor/cutting.h"
#include "daemon/supervisor/supervision.h"
#include "netfilter/bans.h"
#include "netfilter/plan_print.h"
#include "netfilter/rewriting.h"
#include "netfilter/routes.h"
#include "netfilter/ruleset.h"
#include "netfilter/sieve.h"
#include "netfilter/table.h"
#include "netfilter/tally.h"

enum { DAY_MINUTES = 24 * 60 };

/* Where the kernel does not take the rule that queues after all, nothing is queued from now on. */
static void give_up_queue(struct supervisor *supervisor)
{
	log_warning("the kernel has the target NFQUEUE and takes no rule with it (%s): connections that are judged "
		    "by name go through a worker, QUIC comes back over TCP. Mend: modprobe -a nft_queue; on "
		    "OpenWrt: opkg install kmod-nft-queue", strerror(errno));
	supervisor->probe.queue = QUEUE_NOT_AT_ALL;
}

static int put_table(struct supervisor *supervisor, const struct ruleset *ruleset, const char *text)
{
	char message[TABLE_MESSAGE];
	struct queue_rule rule;

	switch (rewriting_put(text, ruleset_queue_rule(ruleset, &rule) ? &rule : NULL, message)) {
	case REWRITING_DONE:
		return 0;
	case REWRITING_NO_QUEUE:
		give_up_queue(supervisor);
		return -1;
	default:
		log_error("the nft table cannot be loaded: %s",
			  message[0] ? message : strerror(errno));
		return -1;
	}
}

/* Counters */

static void add_hits(void *context, const char *name, uint64_t packets)
{
	const struct children *children = &((struct supervisor *)context)->children;
	struct counters *counters = children_recorder_counters(children);
	unsigned slot;

	if (sscanf(name, "rule_%u", &slot) == 1 && slot < RULES_MAX)
		atomic_fetch_add(&counters->rule_hits[slot], packets);
	else if (sscanf(name, "shadow_%u", &slot) == 1 && slot < RULES_MAX)
		atomic_fetch_add(&counters->shadow_hits[slot], packets);
	else if (sscanf(name, "over_%u", &slot) == 1 && slot < RULES_MAX)
		atomic_fetch_add(&counters->over_hits[slot], packets);
}

void redirect_count(struct supervisor *supervisor)
{
	if (supervisor->redirecting && tally_take(add_hits, supervisor) < 0)
		log_warning("the counters of the nft table cannot be read: %s", strerror(errno));
}

static void ignore_hits(void *context, const char *name, uint64_t packets)
{
	(void)context;
	(void)name;
	(void)packets;
}

/* What the table of another program has counted belongs to its rules. */
static void begin_counting(void)
{
	if (tally_take(ignore_hits, NULL) < 0)
		log_warning("the counters of the nft table cannot be set to zero: %s", strerror(errno));
}

/* The table */

static unsigned minute_of(const struct week_time *time)
{
	return time->weekday * DAY_MINUTES + time->minute;
}

/* What is in the kernel is not known any more: the next time it is written, whatever it should be. */
static void forget_table(struct supervisor *supervisor)
{
	free(supervisor->table);
	supervisor->table = NULL;
}

/* Ours to keep from now on. */
static void keep(struct supervisor *supervisor, struct plan *plan, char *text)
{
	plan_free(supervisor->plan);
	policy_release(supervisor->planned);
	free(supervisor->table);
	supervisor->plan = plan;
	supervisor->planned = policy_hold(supervisor->policy);
	supervisor->table = text;
}

static bool is_loaded(const struct supervisor *supervisor, const char *text)
{
	return supervisor->table && strcmp(text, supervisor->table) == 0 &&
	       table_look() == TABLE_PRESENT;
}

static const char *why_unprinted(void)
{
	switch (errno) {
	case EINVAL:
		return "`lan` or `capture: tcp` names no port";
	case E2BIG:
		return "the rules name too many addresses; put them into lists";
	default:
		return strerror(errno);
	}
}

/* A mark may have become too narrow since the start. */
static enum queue_way way_to_door(const struct supervisor *supervisor)
{
	const struct capture *capture = &supervisor->policy->capture;
	struct marks marks;

	return marks_choose(&marks, capture->mark, capture->mark_mask) ? supervisor->probe.queue
								       : QUEUE_NOT_AT_ALL;
}

/* Until all have said so, beginnings visit like everything else. */
static bool door_sees_openings(const struct supervisor *supervisor)
{
	const struct children *children = &supervisor->children;

	for (unsigned i = 0; i < children->packet_doors; i++)
		if (!atomic_load(&children_packet_counters(children, i)->sees_openings))
			return false;
	return true;
}

/* Takes the printed rules; the text to free(), or NULL after saying why. */
static char *print_table(const struct supervisor *supervisor, const struct plan *plan,
			 const struct plan_text *rules, struct ruleset *ruleset)
{
	char *text;

	ruleset_from_policy(ruleset, supervisor->policy, supervisor->probe.method);
	doors_into_ruleset(&supervisor->doors, ruleset);
	ruleset->objects = rules->objects;
	ruleset->rules = rules->rules;
	ruleset->guards = rules->guards;
	ruleset->carries = rules->carries;
	if (supervisor->lists_in_kernel)
		ruleset->list_mask = supervisor->policy->capture.list_mask;
	ruleset->queue = way_to_door(supervisor);
	ruleset->queues = plan_watches(plan) ? supervisor->children.packet_doors : 0;
	ruleset->openings_visit = plan->early || !door_sees_openings(supervisor);
	text = rules->rules ? ruleset_print(ruleset) : NULL;
	if (!text)
		log_error("the nft table cannot be written: %s", why_unprinted());
	return text;
}

static int load_plan(struct supervisor *supervisor, struct plan *plan)
{
	struct ruleset ruleset;
	struct list_mark mark = { sieve_signatures(supervisor->sieve),
				  supervisor->policy->capture.list_mask };
	struct plan_text rules;
	char *text;
	int result = 0;

	/* Whoever looks is there before the first packet comes. */
	if (plan_watches(plan))
		children_open_packet_doors(&supervisor->children);
	plan_text_begin(&rules, plan, &mark);
	text = print_table(supervisor, plan, &rules, &ruleset);
	if (text && !is_loaded(supervisor, text)) {
		redirect_count(supervisor);
		result = put_table(supervisor, &ruleset, text);
	}
	plan_text_end(&rules);
	if (!text || result < 0) {
		forget_table(supervisor);
		free(text);
		result = -1;
	} else {
		keep(supervisor, plan, text);
	}
	if (supervisor->plan && !plan_watches(supervisor->plan))
		children_close_packet_doors(&supervisor->children);
	return result;
}

/* Lists */

/* Once for each policy, not every minute. */
static void say(const struct supervisor *supervisor, const char *message)
{
	if (message[0] && supervisor->said != supervisor->policy->generation)
		log_warning("%s", message);
}

static struct kernel_view view_now(const struct supervisor *supervisor)
{
	return (struct kernel_view){
		.now = week_time_at(time(NULL)),
		.lists = supervisor->lists_in_kernel,
		.packet_door = way_to_door(supervisor) != QUEUE_NOT_AT_ALL,
		.datagrams = supervisor->doors.datagram_port != 0,
	};
}

bool redirect_watches(const struct supervisor *supervisor)
{
	struct kernel_view view = view_now(supervisor);
	struct plan *plan;
	bool watches;

	view.lists = true; /* where they are not, it is seen when the table is loaded */
	plan = plan_new(supervisor->policy, &view);
	watches = plan && plan_watches(plan);
	plan_free(plan);
	return watches;
}

static int load_rules(struct supervisor *supervisor)
{
	const struct kernel_view view = view_now(supervisor);
	enum queue_way way = supervisor->probe.queue;
	struct plan *plan = plan_new(supervisor->policy, &view);

	if (!plan) {
		log_error("the kernel plan cannot be made: out of memory");
		return -1;
	}
	supervisor->minute = minute_of(&view.now);
	if (load_plan(supervisor, plan) == 0)
		return 0;
	plan_free(plan);
	/* Without a queue, the same rules are another plan. */
	return supervisor->probe.queue == way ? -1 : load_rules(supervisor);
}

/* Behind the rules, which know the new combinations of lists before the look-ups do. Where it fails, workers
 * decide about lists. */
static int load_lists(struct supervisor *supervisor)
{
	char message[SIEVE_MESSAGE];

	if (sieve_switch(supervisor->sieve, supervisor->policy, message) == 0)
		return 0;
	say(supervisor, message);
	sieve_rest(supervisor->sieve);
	supervisor->lists_in_kernel = false;
	return load_rules(supervisor);
}

static void cover_ports(struct supervisor *supervisor)
{
	char message[128];

	if (sieve_cover(supervisor->sieve, supervisor->policy, NULL) == 0)
		return;
	snprintf(message, sizeof(message), "a port is not looked after by the lists: %s",
		 strerror(errno));
	say(supervisor, message);
}

static void load_quotas(struct supervisor *supervisor)
{
	char message[RATIONING_MESSAGE];

	if (rationing_load(supervisor, message) < 0)
		say(supervisor, message);
}

int redirect_load(struct supervisor *supervisor)
{
	char message[SIEVE_MESSAGE];

	supervisor->lists_in_kernel = sieve_take(supervisor->sieve, supervisor->policy, message);
	say(supervisor, message);
	if (load_rules(supervisor) < 0 || load_lists(supervisor) < 0)
		return -1;
	cover_ports(supervisor);
	if (bans_refresh(supervisor->policy) < 0)
		say(supervisor, "the rules about bans cannot be written anew");
	load_quotas(supervisor);
	cutting_blocked(supervisor);
	supervisor->said = supervisor->policy->generation;
	return 0;
}

void redirect_tick(struct supervisor *supervisor)
{
	struct week_time now = week_time_at(time(NULL));

	if (!supervisor->redirecting)
		return;
	if (minute_of(&now) != supervisor->minute) {
		redirect_load(supervisor);
	} else {
		cover_ports(supervisor);
		load_lists(supervisor);
	}
}

static int add_routes(const struct supervisor *supervisor)
{
	if (supervisor->probe.method != CAPTURE_TPROXY ||
	    routes_add(&supervisor->policy->capture) == 0)
		return 0;
	log_error("the policy routes cannot be added: %s", strerror(errno));
	return -1;
}

int redirect_prepare(struct supervisor *supervisor)
{
	supervisor->sieve = sieve_new(supervisor->policy->lists_in);
	if (!supervisor->sieve) {
		log_error("out of memory");
		return -1;
	}
	sieve_prepare(supervisor->sieve, supervisor->policy);
	return 0;
}

int redirect_begin(struct supervisor *supervisor)
{
	supervisor->watch = watch_open();
	if (!supervisor->watch)
		log_warning("changes of the firewall by others will not be noticed: %s",
			    strerror(errno));
	rationing_begin(supervisor);
	begin_counting();
	supervisor->redirecting = true;
	return add_routes(supervisor) < 0 ? -1 : redirect_load(supervisor);
}

void redirect_mend(struct supervisor *supervisor)
{
	const struct timeval second = { 1, 0 };

	/* Whoever removes foreign tables may have removed foreign rules and all tables, too. */
	sieve_doubt(supervisor->sieve);
	if (add_routes(supervisor) == 0 && redirect_load(supervisor) == 0)
		log_warning("somebody removed the table inet headgate; it is back");
	else
		evtimer_add(&supervisor->mend, &second);
}

/* Nobody new is sent to us; what is under way still reaches us while the workers drain. */
void redirect_ebb(struct supervisor *supervisor)
{
	struct ruleset ruleset;
	char *text;

	if (!supervisor->redirecting)
		return;
	watch_close(supervisor->watch);
	supervisor->watch = NULL;
	ruleset_from_policy(&ruleset, supervisor->policy, supervisor->probe.method);
	doors_into_ruleset(&supervisor->doors, &ruleset);
	text = ruleset_print_ebb(&ruleset);
	if (!text || put_table(supervisor, &ruleset, text) < 0)
		table_remove();
	free(text);
}

void redirect_end(struct supervisor *supervisor)
{
	if (!supervisor->redirecting)
		return;
	sieve_remove(supervisor->sieve);
	bans_remove();
	rationing_end(supervisor);
	if (table_remove() < 0)
		log_error("the nft table could not be removed: %s; "
			  "`nft delete table inet headgate` does it", strerror(errno));
	if (supervisor->probe.method == CAPTURE_TPROXY &&
	    routes_remove(&supervisor->policy->capture) < 0)
		log_error("the policy routes could not be removed: %s", strerror(errno));
	supervisor->redirecting = false;
}

void redirect_forget(struct supervisor *supervisor)
{
	plan_free(supervisor->plan);
	policy_release(supervisor->planned);
	sieve_free(supervisor->sieve);
	rationing_forget(&supervisor->rationing);
	free(supervisor->table);
}
