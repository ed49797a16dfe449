#include "daemon/http/courier.h"

#include <string.h>
#include <sys/param.h>

#include "daemon/http/hub.h"
#include "daemon/http/page.h"
#include "daemon/http/reply.h"

void courier_begin(struct courier *courier, struct conversation *conversation, struct leg *front)
{
	const struct conversation_settings *settings = &conversation->settings;

	memset(courier, 0, sizeof(*courier));
	exchange_begin(&courier->exchange, courier, settings->host->identify(settings->context),
		       settings->allowance);
	courier->conversation = conversation;
	courier->front.leg = front;
	courier->front.courier = courier;
	courier->back.courier = courier;
	courier->moved = courier->exchange.start.steady;
	hub_add_courier(courier);
}

static void note(struct courier *courier, enum exchange_event event)
{
	const struct conversation_settings *settings = &courier->conversation->settings;

	settings->host->note(settings->context, &courier->exchange, event);
}

/* How the server's end is left. Only a tunnel may be done without being reusable. */
static enum ending ending_for_server(const struct courier *courier, bool reusable)
{
	bool done = courier->tunnel && courier->request_done && courier->response_done;

	return reusable || done ? ENDING_DONE : ENDING_RESET;
}

void courier_release(struct courier *courier, bool reusable)
{
	const struct conversation_settings *settings = &courier->conversation->settings;
	struct exchange *exchange = &courier->exchange;
	struct leg *leg = courier->back.leg;

	if (!courier->wants_server)
		return;
	courier->wants_server = false;
	courier->answered = false;
	if (leg)
		leg->codec->leave(&courier->back, ending_for_server(courier, reusable),
				  exchange->error);
	courier->back.leg = NULL;
	settings->host->release(settings->context, exchange, leg ? leg->side : NULL, reusable);
	exchange->server = NULL;
}

/* The front may take the courier's storage for the next exchange from here on. */
static void end(struct courier *courier, enum ending ending, enum reason reason, bool reusable)
{
	courier_release(courier, reusable);
	note(courier, EXCHANGE_OVER);
	hub_remove_courier(courier);
	exchange_end(&courier->exchange);
	courier->phase = COURIER_OVER;
	courier->front.leg->codec->leave(&courier->front, ending, reason);
}

void courier_forget(struct courier *courier)
{
	hub_remove_courier(courier);
	exchange_end(&courier->exchange);
	courier->phase = COURIER_OVER;
}

static void end_tunnel(struct courier *courier, enum ending ending, enum reason reason)
{
	if (courier->exchange.websocket)
		note(courier, EXCHANGE_WEBSOCKET_END);
	end(courier, ending, reason, false);
}

/* Memory that the connection's own allowance denies is not the machine's that is out. */
static enum reason tell_shortage(const struct courier *courier, enum reason reason)
{
	const struct allowance *allowance = hub_allowance(courier->conversation);

	return reason == REASON_NO_MEMORY && allowance && allowance->refused ? REASON_CONNECTION_MEMORY
									 : reason;
}

void courier_fail(struct courier *courier, enum reason reason, enum ending ending)
{
	struct exchange *exchange = &courier->exchange;

	if (courier->phase == COURIER_OVER)
		return;
	reason = tell_shortage(courier, reason);
	/* The exchange was complete when the tunnel began. */
	if (courier->tunnel) {
		end_tunnel(courier, ending, reason);
		return;
	}
	exchange->error = reason;
	exchange->end = clock_now();
	note(courier, EXCHANGE_ERROR);
	end(courier, ending, reason, false);
}

void courier_complete(struct courier *courier, bool reusable)
{
	if (courier->phase == COURIER_OVER)
		return;
	if (courier->tunnel) {
		end_tunnel(courier, ENDING_DONE, REASON_FINISHED);
		return;
	}
	courier->exchange.end = clock_now();
	note(courier, EXCHANGE_RESPONSE);
	end(courier, ENDING_DONE, REASON_NONE, reusable);
}

static void send_answer(struct courier *courier, struct head *head, struct span body)
{
	const struct codec *codec = courier->front.leg->codec;
	struct exchange *exchange = &courier->exchange;
	const char *method = head_text(&exchange->request, exchange->request.method);

	exchange->local = true;
	exchange->status = head->status;
	courier->response_begun = true;
	codec->send_head(&courier->front, head);
	if (strcmp(method, "HEAD") != 0 && body.length)
		codec->send_body(&courier->front, body);
	codec->send_end(&courier->front, NULL);
}

/* Answers in place of a server: head (body framing set) and body. Then nothing more is wanted of
 * the request; reason says why in the journal. */
static void answer(struct courier *courier, struct head *head, struct span body, enum reason reason)
{
	send_answer(courier, head, body);
	courier_fail(courier, reason, ENDING_ANSWERED);
}

void courier_refuse(struct courier *courier, unsigned status, enum reason reason,
		    const char *detail)
{
	struct head *head = &leg_scratch.head;
	char storage[PAGE_MAX];
	struct text body;

	if (courier->phase == COURIER_OVER)
		return;
	reason = tell_shortage(courier, reason);
	courier->exchange.detail = detail;
	head_clear(head);
	text_begin(&body, storage, sizeof(storage));
	if (courier->response_begun || page_make(head, &body, status, reason) < 0)
		courier_fail(courier, reason, ENDING_RESET);
	else
		answer(courier, head, (struct span){ (const uint8_t *)body.bytes, body.length },
		       reason);
}

/* The owner's own answer is a response like any other, but for who gave it. */
static void reply(struct courier *courier)
{
	struct exchange *exchange = &courier->exchange;
	struct head *head = &leg_scratch.head;
	struct span body;

	head_clear(head);
	if (reply_make(head, &body, &exchange->request, exchange->rule) < 0) {
		courier_refuse(courier, 503, REASON_NO_MEMORY, NULL);
		return;
	}
	exchange->response_start = clock_now();
	exchange->response_body = body.length;
	send_answer(courier, head, body);
	if (courier->phase == COURIER_OVER)
		return;
	note(courier, EXCHANGE_RESPONSE_HEADERS);
	exchange->end = clock_now();
	note(courier, EXCHANGE_RESPONSE);
	end(courier, ENDING_ANSWERED, REASON_FINISHED, false);
}

static void block(struct courier *courier)
{
	switch (courier->exchange.rule->block) {
	case BLOCK_PAGE:
		courier_refuse(courier, 403, REASON_BLOCKED, NULL);
		break;
	case BLOCK_DROP:
		/* The client hears nothing for as long as one whose whole connection is dropped. */
		courier_fail(courier, REASON_BLOCKED, ENDING_SILENT);
		break;
	default:
		courier_fail(courier, REASON_BLOCKED, ENDING_RESET);
	}
}

bool courier_settle(struct courier *courier)
{
	const struct rule *rule = courier->exchange.rule;

	if (courier->undecided || !rule)
		return false;
	if (rule->verdict == VERDICT_BLOCK)
		block(courier);
	else if (reply_is_due(rule, courier->conversation->settings.secure))
		reply(courier);
	else
		return false;
	return true;
}

/* When so many bytes since then are too few; INT64_MAX: never. */
static int64_t rate_deadline(const struct courier *courier, int64_t since, uint64_t bytes,
			     enum limit limit)
{
	uint64_t rate = (uint64_t)hub_limit(courier->conversation, limit);

	if (!rate || !since)
		return INT64_MAX;
	return since + hub_limit(courier->conversation, LIMIT_GRACE) +
	       (int64_t)hub_seconds((int64_t)(bytes / rate));
}

static int64_t body_deadline(const struct courier *courier)
{
	uint64_t bytes = courier->exchange.request_body - courier->body_before;
	int64_t silent = courier->moved + hub_limit(courier->conversation, LIMIT_RESPONSE);
	int64_t due = rate_deadline(courier, courier->paced ? courier->body_since : 0, bytes,
				    LIMIT_BODY_RATE);

	return MIN(due, silent);
}

/* What was taken before counts too: who has read much may pause for long. */
static int64_t reader_deadline(const struct courier *courier)
{
	return rate_deadline(courier, courier->reader_since, courier->exchange.response_body,
			     LIMIT_READ_RATE);
}

static int64_t response_deadline(const struct courier *courier)
{
	int64_t silent = courier->moved + hub_limit(courier->conversation, LIMIT_IDLE);
	int64_t due = reader_deadline(courier);

	return MIN(due, silent);
}

int64_t courier_deadline(const struct courier *courier)
{
	if (courier->phase == COURIER_REACHING)
		return courier->exchange.start.steady + hub_limit(courier->conversation, LIMIT_RESPONSE);
	if (courier->phase != COURIER_CARRYING)
		return INT64_MAX;
	if (courier->tunnel && (courier->request_done || courier->response_done))
		return courier->moved + hub_limit(courier->conversation, LIMIT_HALF_CLOSED);
	if (courier->tunnel)
		return courier->moved + hub_limit(courier->conversation, LIMIT_IDLE);
	if (courier->response_begun)
		return response_deadline(courier);
	if (courier->request_done)
		return courier->exchange.request_end.steady + hub_limit(courier->conversation, LIMIT_RESPONSE);
	return body_deadline(courier);
}

static enum reason why_late(const struct courier *courier)
{
	return !courier->tunnel && reader_deadline(courier) <= clock_steady() ? REASON_SLOW_READER
									      : REASON_IDLE;
}

void courier_expire(struct courier *courier)
{
	if (courier->phase == COURIER_REACHING)
		courier_refuse(courier, 503, REASON_TOO_MANY, NULL);
	else if (courier->response_begun)
		courier_fail(courier, why_late(courier), ENDING_RESET);
	else if (courier->request_done || courier->request_given_up || !courier->body_since)
		courier_refuse(courier, 504, REASON_RESPONSE_TIMEOUT, NULL);
	else
		courier_refuse(courier, 408, REASON_REQUEST_TIMEOUT, NULL);
}
