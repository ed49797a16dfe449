#include "daemon/packet_door.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/orders.h"
#include "daemon/privilege.h"
#include "daemon/story.h"
#include "daemon/visit_stream.h"
#include "netfilter/raw.h"

enum {
	CAP_NET_ADMIN_BIT = 1 << 12,
	HEAR_MILLISECONDS = 100,
	MANY_FLOWS = 64, /* what they took is worth giving back to the kernel */
};

struct packet_door {
	const struct packet_door_settings *settings;
	struct event_base *base;
	struct visits visits;
	struct endings *endings; /* NULL: not to be had */
	int signals;
	struct event signal_event;
	struct event order_event;
	struct event queue_event;
	struct event beat;
	struct event hear;
};

/* The policy in force */

/* Ends are heard of only where somebody wants to know them, or how much was carried until then. */
static void choose_endings(struct packet_door *door)
{
	const struct timeval often = { 0, HEAR_MILLISECONDS * 1000 };
	struct visits *visits = &door->visits;
	bool wanted = journal_wants_events(visits->journal) || policy_logs_passed(visits->policy) ||
		      (visits->ledger && !ledger_is_empty(visits->ledger));

	if (!door->endings)
		return;
	if (endings_want(door->endings, wanted) < 0)
		log_warning("the ends of what the kernel carries are not heard of: %s",
			    strerror(errno));
	if (wanted)
		event_add(&door->hear, &often);
	else
		event_del(&door->hear);
}

static void adopt_marks(struct visits *visits, const struct capture *capture)
{
	marks_choose(&visits->marks, capture->mark, capture->mark_mask);
	if (raw_mark(visits->raw4, visits->marks.undecided) < 0 ||
	    raw_mark(visits->raw6, visits->marks.undecided) < 0)
		log_warning("answers of our own carry no mark: %s", strerror(errno));
}

static void adopt(struct packet_door *door, struct policy *policy)
{
	struct visits *visits = &door->visits;

	policy_release(visits->policy);
	visits->policy = policy;
	adopt_marks(visits, &policy->capture);
	choose_endings(door);
	atomic_store(&visits->counters->policy_generation, policy->generation);
}

static void adopt_ports(struct visits *visits, const struct policy_order *order)
{
	visits->port_count = order->lan_count;
	for (size_t i = 0; i < order->lan_count; i++) {
		memcpy(visits->ports[i].name, order->lan[i], PORT_NAME);
		visits->ports[i].index = order->lan_index[i];
	}
	if (visits->lookout &&
	    lookout_choose(visits->lookout, order->lan_index, order->lan_count) < 0)
		log_warning("beginnings of connections are not seen: %s", strerror(errno));
}

static void adopt_order(struct packet_door *door, const struct policy_order *order,
			const int *descriptors)
{
	struct policy *policy = order_read_policy(order, descriptors);

	if (!policy)
		return;
	adopt_ports(&door->visits, order);
	adopt(door, policy);
}

/* The next program's packet door goes on with the same queue: what comes in between waits in its socket. */
static void hand_over(struct packet_door *door)
{
	const union order answer = { .retire = { ORDER_RETIRE, door->settings->queue } };
	int descriptor = queue_descriptor(door->visits.queue);

	event_del(&door->queue_event);
	if (order_send(door->settings->orders, &answer, sizeof(answer.retire), &descriptor, 1) < 0)
		log_warning("the queue cannot be handed over: %s", strerror(errno));
	event_base_loopbreak(door->base);
}

/* What wakes it */

static void on_order(evutil_socket_t fd, short what, void *argument)
{
	struct packet_door *door = argument;
	int descriptors[ORDER_DESCRIPTORS_MAX];
	union order order;
	size_t count;
	int got;

	(void)what;
	while ((got = order_receive(fd, &order, descriptors, &count)) > 0) {
		if (order.kind == ORDER_POLICY)
			adopt_order(door, &order.policy, descriptors);
		else if (order.kind == ORDER_RETIRE)
			hand_over(door);
		while (count)
			close(descriptors[--count]);
	}
	if (got == 0)
		event_base_loopbreak(door->base);
}

static void on_signal(evutil_socket_t fd, short what, void *argument)
{
	struct packet_door *door = argument;

	(void)what;
	if (child_must_end(fd))
		event_base_loopbreak(door->base);
}

static void on_packets(evutil_socket_t fd, short what, void *argument)
{
	struct packet_door *door = argument;

	(void)fd;
	(void)what;
	if (queue_read(door->visits.queue, visit_packet, &door->visits) < 0)
		log_fatal("the packet queue cannot be read: %s", strerror(errno));
}

/* After a flood. Other C libraries give back by themselves. */
static void expire_flows(struct packet_door *door)
{
	size_t count = flows_expire(door->visits.flows, clock_steady() - FLOW_SECONDS * 1000000LL);

#ifdef __GLIBC__
	if (count >= MANY_FLOWS)
		malloc_trim(0);
#else
	(void)count;
#endif
}

static void on_beat(evutil_socket_t fd, short what, void *argument)
{
	struct packet_door *door = argument;

	(void)fd;
	(void)what;
	atomic_fetch_add_explicit(&door->visits.counters->heartbeat, 1, memory_order_relaxed);
	visits_look_out(&door->visits);
	expire_flows(door);
}

/* ENOBUFS: more ended at once than the kernel keeps for us; their bytes stay unknown. */
static void on_hear(evutil_socket_t fd, short what, void *argument)
{
	struct packet_door *door = argument;

	(void)fd;
	(void)what;
	endings_read(door->endings, story_end, &door->visits);
	choose_endings(door);
}

static void on_wants(void *context)
{
	struct packet_door *door = context;

	if (door->visits.policy)
		choose_endings(door);
}

/* Start */

static struct queue *open_queue(const struct packet_door_settings *settings)
{
	return settings->inherited >= 0 ? queue_adopt(settings->queue, settings->inherited)
					: queue_open(settings->queue);
}

static int open_visits(struct packet_door *door)
{
	struct visits *visits = &door->visits;
	uint8_t seed[16];

	visits->raw4 = raw_open(AF_INET);
	visits->raw6 = raw_open(AF_INET6);
	if (visits->raw4 < 0 || visits->raw6 < 0)
		log_warning("servers are not told of blocked connections: %s", strerror(errno));
	visits->queue = open_queue(door->settings);
	if (!visits->queue) {
		log_error("packet queue %u cannot be had: %s", door->settings->queue,
			  errno == EBUSY || errno == EPERM ? "another program has it"
							   : strerror(errno));
		return -1;
	}
	visits->lookout = lookout_open();
	if (!visits->lookout)
		log_warning("beginnings of connections are not seen: %s", strerror(errno));
	if (getrandom(seed, sizeof(seed), 0) == (ssize_t)sizeof(seed))
		visits->openings = openings_new(seed);
	visits->flows = flows_new(FLOWS_MAX, story_forget, visits);
	door->endings = endings_open();
	if (!door->endings)
		log_warning("the ends of what the kernel carries are not noticed: %s",
			    strerror(errno));
	visits->sightings = door->settings->sightings;
	return visits->openings && visits->flows ? 0 : -1;
}

static int make_visits(struct packet_door *door)
{
	const struct packet_door_settings *settings = door->settings;
	struct visits *visits = &door->visits;
	struct journal_settings_worker journal = {
		.channel = settings->journal,
		.counters = settings->counters,
		.wants = on_wants,
		.context = door,
	};

	door->base = journal.base = event_base_new();
	if (!door->base)
		return -1;
	event_assign(&door->hear, door->base, -1, EV_PERSIST, on_hear, door);
	visits->counters = settings->counters;
	atomic_store(&visits->counters->sees_openings, visits->lookout != NULL);
	visits->time_minute = -1;
	ids_begin(&visits->ids, settings->index);
	visits->journal = journal_new(&journal);
	return visits->journal ? 0 : -1;
}

static void watch_events(struct packet_door *door)
{
	const struct timeval second = { 1, 0 };

	event_assign(&door->signal_event, door->base, door->signals, EV_READ | EV_PERSIST,
		     on_signal, door);
	event_assign(&door->order_event, door->base, door->settings->orders, EV_READ | EV_PERSIST,
		     on_order, door);
	event_assign(&door->queue_event, door->base, queue_descriptor(door->visits.queue),
		     EV_READ | EV_PERSIST, on_packets, door);
	event_assign(&door->beat, door->base, -1, EV_PERSIST, on_beat, door);
	event_add(&door->signal_event, NULL);
	event_add(&door->order_event, NULL);
	event_add(&door->queue_event, NULL);
	event_add(&door->beat, &second);
}

static void begin_policy(struct packet_door *door)
{
	const struct policy_order order =
		order_of_policy(door->settings->policy, door->settings->indexes);

	adopt_ports(&door->visits, &order);
	adopt(door, policy_hold(door->settings->policy));
}

void packet_door_run(const struct packet_door_settings *settings)
{
	static struct packet_door door;

	door.settings = settings;
	door.signals = child_open_signals();
	if (open_visits(&door) < 0)
		log_fatal("the packet door cannot open");
	if (child_become(settings->account, CAP_NET_ADMIN_BIT) < 0)
		log_fatal("the packet door cannot give up its privileges");
	if (door.signals < 0 || make_visits(&door) < 0)
		log_fatal("the packet door cannot start: %s", strerror(errno));
	if (privilege_confine(ROLE_PACKET, NULL) < 0)
		log_fatal("the packet door cannot be confined");
	begin_policy(&door);
	watch_events(&door);
	child_say_ready(settings->ready);
	event_base_dispatch(door.base);
	flows_free(door.visits.flows);
	journal_flush(door.visits.journal);
	queue_close(door.visits.queue);
	exit(0);
}
