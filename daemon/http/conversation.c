#include "daemon/http/conversation.h"

#include <stdlib.h>

#include "daemon/http/h1_back.h"
#include "daemon/http/h1_front.h"
#include "daemon/http/h2_back.h"
#include "daemon/http/h2_front.h"
#include "daemon/http/hub.h"
#include "daemon/http/parcel.h"

enum { STEPS_MAX = 8 }; /* of CHUNK_SIZE in one turn, before others have theirs: a tenth of a second on a small router */

int64_t hub_limit(const struct conversation *conversation, enum limit limit)
{
	return (int64_t)conversation->settings.limits->value[limit];
}

struct allowance *hub_allowance(const struct conversation *conversation)
{
	return conversation->settings.allowance;
}

int64_t hub_seconds(int64_t count)
{
	return count * 1000000;
}

void hub_end(struct conversation *conversation, enum reason reason)
{
	const struct allowance *allowance = hub_allowance(conversation);

	if (reason == REASON_NO_MEMORY && allowance && allowance->refused)
		reason = REASON_CONNECTION_MEMORY;
	if (conversation->reason == REASON_NONE)
		conversation->reason = reason;
	conversation->over = true;
}

void hub_add_courier(struct courier *courier)
{
	courier->next = courier->conversation->running;
	courier->link = &courier->conversation->running;
	if (courier->next)
		courier->next->link = &courier->next;
	courier->conversation->running = courier;
}

void hub_remove_courier(struct courier *courier)
{
	if (!courier->link)
		return;
	*courier->link = courier->next;
	if (courier->next)
		courier->next->link = courier->link;
	courier->link = NULL;
}

/* Servers */

static struct leg *add_back(struct conversation *conversation, struct leg *leg)
{
	if (!leg)
		return NULL;
	leg->next = conversation->backs;
	conversation->backs = leg;
	return leg;
}

struct leg *conversation_speak(struct conversation *conversation, struct side *server)
{
	return add_back(conversation, h1_back_new(conversation, server));
}

struct leg *conversation_speak_h2(struct conversation *conversation, struct side *server)
{
	return add_back(conversation, h2_back_new(conversation, server));
}

bool leg_is_free(const struct leg *leg)
{
	return !leg->retired && leg->codec->is_free(leg);
}

bool leg_is_spent(const struct leg *leg)
{
	return leg->broken;
}

bool leg_carries_tunnels(const struct leg *leg)
{
	return leg->codec->carries_tunnels(leg);
}

bool leg_is_shared(const struct leg *leg)
{
	return leg->codec->many;
}

static void free_retired(struct conversation *conversation)
{
	while (conversation->retired) {
		struct leg *leg = conversation->retired;

		conversation->retired = leg->next;
		leg->codec->free(leg);
	}
}

/* Whoever retires it may have been called from its own turn. */
void leg_retire(struct leg *leg)
{
	struct leg **link;

	if (!leg || leg->retired)
		return;
	link = &leg->conversation->backs;
	while (*link != leg)
		link = &(*link)->next;
	*link = leg->next;
	leg->retired = true;
	leg->next = leg->conversation->retired;
	leg->conversation->retired = leg;
	parcel_drop(leg);
	if (!leg->conversation->turning)
		free_retired(leg->conversation);
}

void conversation_server_ready(struct exchange *exchange, struct leg *server)
{
	struct courier *courier = exchange->courier;

	exchange->server = server->side;
	courier->back.leg = server;
	courier->answered = true;
	courier->conversation->answered = true;
}

void conversation_server_failed(struct exchange *exchange, enum reason reason)
{
	struct courier *courier = exchange->courier;

	exchange->server = NULL;
	courier->back.leg = NULL;
	courier->wants_server = false;
	courier->failure = reason == REASON_NONE ? REASON_CONNECT_FAILED : reason;
	courier->answered = true;
	courier->conversation->answered = true;
}

/* Turns */

static bool meet_servers(struct conversation *conversation)
{
	struct courier *courier = conversation->running, *next;
	bool met = false;

	if (!conversation->answered)
		return false;
	conversation->answered = false;
	for (; courier; courier = next) {
		next = courier->next;
		if (!courier->answered)
			continue;
		courier_meet_server(courier);
		met = true;
	}
	return met;
}

static bool turn_backs(struct conversation *conversation)
{
	struct leg *leg = conversation->backs, *next;
	bool moved = false;

	for (; leg && !conversation->over; leg = next) {
		/* A retired one leads to other retired ones. */
		if (leg->retired)
			return true;
		next = leg->next;
		moved |= leg->codec->turn(leg);
		parcel_send();
	}
	return moved;
}

static bool step(struct conversation *conversation)
{
	struct leg *front = conversation->front;
	bool moved = meet_servers(conversation);

	moved |= front->codec->turn(front);
	parcel_send();
	return turn_backs(conversation) || moved;
}

static void tell_host(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;

	conversation->told = true;
	settings->host->finish(settings->context, conversation->reason);
}

static bool can_settle(const struct conversation *conversation)
{
	const struct leg *leg = conversation->front;

	if (leg->codec->settle)
		return true;
	for (leg = conversation->backs; leg && !leg->codec->settle; leg = leg->next)
		;
	return leg;
}

static void note_movement(struct conversation *conversation)
{
	if (!can_settle(conversation))
		return;
	conversation->moved = clock_steady();
	conversation->unsettled = true;
}

void conversation_turn(struct conversation *conversation)
{
	unsigned steps = 0;

	if (conversation->turning || conversation->told)
		return;
	conversation->turning = true;
	conversation->again = false;
	while (!conversation->over && step(conversation))
		if (++steps == STEPS_MAX) {
			conversation->again = true;
			break;
		}
	if (steps)
		note_movement(conversation);
	conversation->front->codec->rest(conversation->front);
	for (struct leg *leg = conversation->backs; leg; leg = leg->next)
		if (leg->codec->rest)
			leg->codec->rest(leg);
	for (struct courier *courier = conversation->running; courier; courier = courier->next)
		courier_rest(courier);
	free_retired(conversation);
	conversation->turning = false;
	if (conversation->over)
		tell_host(conversation);
}

/* Birth and end */

struct conversation *conversation_new(const struct conversation_settings *settings)
{
	struct conversation *conversation = calloc(1, sizeof(*conversation));

	if (!conversation)
		return NULL;
	conversation->settings = *settings;
	conversation->leaving = settings->leaving;
	conversation->front =
		settings->http2 ? h2_front_new(conversation) : h1_front_new(conversation);
	if (conversation->front)
		return conversation;
	free(conversation);
	return NULL;
}

void conversation_free(struct conversation *conversation)
{
	if (!conversation)
		return;
	conversation->turning = true;
	while (conversation->running)
		courier_fail(conversation->running, REASON_CUT, ENDING_RESET);
	while (conversation->backs)
		leg_retire(conversation->backs);
	free_retired(conversation);
	conversation->front->codec->free(conversation->front);
	free(conversation);
}

/* Time */

static int64_t quiet_from(const struct conversation *conversation)
{
	return conversation->moved + QUIET_MILLISECONDS * 1000;
}

static void settle(struct leg *leg)
{
	if (leg->codec->settle)
		leg->codec->settle(leg);
}

static void settle_all(struct conversation *conversation)
{
	conversation->unsettled = false;
	settle(conversation->front);
	for (struct leg *leg = conversation->backs; leg; leg = leg->next)
		settle(leg);
}

int64_t conversation_deadline(const struct conversation *conversation)
{
	int64_t earliest, due;

	if (conversation->again)
		return 0;
	earliest = conversation->front->codec->deadline(conversation->front);
	if (conversation->unsettled && quiet_from(conversation) < earliest)
		earliest = quiet_from(conversation);
	for (const struct courier *courier = conversation->running; courier;
	     courier = courier->next) {
		due = courier_deadline(courier);
		if (due < earliest)
			earliest = due;
	}
	return earliest;
}

void conversation_expire(struct conversation *conversation)
{
	struct courier *courier = conversation->running, *next;
	struct leg *front = conversation->front;
	int64_t now = clock_steady();

	if (conversation->again)
		return;
	for (; courier; courier = next) {
		next = courier->next;
		if (courier_deadline(courier) <= now)
			courier_expire(courier);
	}
	if (front->codec->deadline(front) <= now)
		front->codec->expire(front);
	if (conversation->unsettled && quiet_from(conversation) <= now)
		settle_all(conversation);
	parcel_send();
}

void conversation_retire(struct conversation *conversation)
{
	conversation->leaving = true;
	conversation_turn(conversation);
}

void conversation_drain(struct conversation *conversation)
{
	conversation->leaving = true;
	conversation->draining = true;
	conversation_turn(conversation);
}

const struct exchange *conversation_exchange(const struct conversation *conversation,
					     const struct exchange *after)
{
	const struct courier *courier = after ? after->courier->next : conversation->running;

	return courier ? &courier->exchange : NULL;
}
