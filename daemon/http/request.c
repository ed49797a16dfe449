/* Requests on their way to a server: guarded, judged, reached for, sent on. */
#include <errno.h>
#include <string.h>

#include "daemon/http/forward.h"
#include "daemon/http/guard.h"
#include "daemon/http/hub.h"
#include "daemon/http/measure.h"
#include "daemon/http/parcel.h"

enum { REFUSALS_MAX = 8 }; /* of one exchange, before its client hears of it */

static unsigned refusal_status(enum reason reason)
{
	switch (reason) {
	case REASON_METHOD_REFUSED:
		return 405;
	case REASON_REQUEST_TOO_LARGE:
		return 414;
	default:
		return 400;
	}
}

static void judge(struct courier *courier)
{
	const struct conversation_settings *settings = &courier->conversation->settings;
	struct decision decision = settings->host->judge(settings->context, &courier->exchange);

	courier->undecided = decision.ask;
	if (!decision.ask)
		courier->exchange.rule = decision.rule;
}

static void reach(struct courier *courier)
{
	const struct conversation_settings *settings = &courier->conversation->settings;

	courier->phase = COURIER_REACHING;
	courier->back.leg = NULL;
	courier->failure = REASON_NONE;
	courier->answered = false;
	courier->wants_server = true;
	settings->host->reach(settings->context, &courier->exchange);
	if (courier->answered)
		courier_meet_server(courier);
}

void courier_request_head(struct courier *courier)
{
	const struct conversation_settings *settings = &courier->conversation->settings;
	struct exchange *exchange = &courier->exchange;
	const char *detail;
	enum reason reason = guard_request(&exchange->request, &detail);
	enum limit excess;

	if (reason != REASON_NONE) {
		courier_refuse(courier, refusal_status(reason), reason, detail);
		return;
	}
	excess = head_exceeds(&exchange->request, settings->limits);
	if (excess != LIMIT_COUNT) {
		courier_refuse(courier, excess == LIMIT_URL_LENGTH ? 414 : 431,
			       REASON_REQUEST_TOO_LARGE, excess_detail(excess));
		return;
	}
	if (allowance_is_tight(settings->allowance)) {
		courier_refuse(courier, 503, REASON_CONNECTION_MEMORY, NULL);
		return;
	}
	settings->host->note(settings->context, exchange, EXCHANGE_REQUEST_HEADERS);
	judge(courier);
	if (!courier_settle(courier))
		reach(courier);
}

static unsigned failure_status(enum reason reason)
{
	switch (reason) {
	case REASON_BLOCKED:
	case REASON_NAME_NEVER:
		return 403;
	case REASON_MISDIRECTED:
		return 421;
	case REASON_CONNECT_TIMEOUT:
	case REASON_TLS_SERVER_TIMEOUT:
		return 504;
	case REASON_TOO_MANY:
	case REASON_NO_MEMORY:
	case REASON_NO_DESCRIPTORS:
	case REASON_SIGNER_UNAVAILABLE:
		return 503;
	default:
		return 502;
	}
}

/* A call of gRPC is half of a dialogue, whose other half may be silent for long. */
static bool is_paced(const struct head *request)
{
	const char *type = head_find(request, "content-type", 0);

	return request->body != BODY_NONE && !request->protocol &&
	       !(type && strncasecmp(type, "application/grpc", 16) == 0);
}

static void begin(struct courier *courier)
{
	struct exchange *exchange = &courier->exchange;
	struct head *head = &leg_scratch.head;

	head_clear(head);
	head_clear(&exchange->response);
	if (forward_request(head, &exchange->request, exchange->rule,
			    &courier->back.leg->side->endpoint) < 0) {
		if (errno == ENOMEM)
			courier_refuse(courier, 503, REASON_NO_MEMORY, NULL);
		else
			courier_refuse(courier, 431, REASON_REQUEST_TOO_LARGE,
				       "edited, it is too large");
		return;
	}
	if (courier->back.leg->codec->open(&courier->back) < 0) {
		courier_refuse(courier, 503, REASON_NO_MEMORY, NULL);
		return;
	}
	courier->upgrade_sent = head->upgrade;
	courier->phase = COURIER_CARRYING;
	courier->body_since = clock_steady();
	courier->body_before = 0;
	courier->paced = is_paced(&exchange->request);
	courier->back.leg->codec->send_head(&courier->back, head);
}

/* What the judge had to wait for may have come with the server, and may name another. */
static void judge_again(struct courier *courier)
{
	const struct rule *rule;

	judge(courier);
	rule = courier->exchange.rule;
	if (courier_settle(courier))
		return;
	if (!courier->undecided && rule && rule->verdict == VERDICT_ROUTE) {
		courier_release(courier, true);
		reach(courier);
	} else {
		begin(courier);
	}
}

void courier_meet_server(struct courier *courier)
{
	courier->answered = false;
	if (courier->phase != COURIER_REACHING)
		return;
	if (courier->failure != REASON_NONE)
		courier_refuse(courier, failure_status(courier->failure), courier->failure, NULL);
	else if (courier->undecided)
		judge_again(courier);
	else
		begin(courier);
}

bool courier_wants_request(const struct courier *courier)
{
	const struct leg *back = courier->back.leg;

	return courier->phase == COURIER_CARRYING && !courier->request_done &&
	       !courier->request_given_up && back->codec->has_room(&courier->back);
}

static bool exceeds_length(const struct head *head, uint64_t count)
{
	return head->body == BODY_LENGTH && count > head->content_length;
}

void courier_request_body(struct courier *courier, struct span body)
{
	struct exchange *exchange = &courier->exchange;

	courier->moved = clock_steady();
	if (!courier->body_since) {
		courier->body_since = courier->moved;
		courier->body_before = exchange->request_body;
	}
	exchange->request_body += body.length;
	if (!courier->tunnel && exceeds_length(&exchange->request, exchange->request_body))
		courier_request_malformed(courier, REASON_REQUEST_MALFORMED,
					  "the body is longer than it says");
	else if (!courier->request_given_up)
		courier->back.leg->codec->send_body(&courier->back, body);
	if (courier->phase == COURIER_OVER)
		return;
	if (exchange->websocket)
		websocket_count(&exchange->from_client, body);
	/* A server that takes no more excuses the client. */
	if (courier->phase == COURIER_CARRYING && !courier_wants_request(courier))
		courier->body_since = 0;
}

void courier_request_end(struct courier *courier, const struct head *trailers)
{
	const struct conversation_settings *settings = &courier->conversation->settings;
	struct exchange *exchange = &courier->exchange;
	const struct head *request = &exchange->request;

	courier->moved = clock_steady();
	if (!courier->tunnel && request->body == BODY_LENGTH &&
	    exchange->request_body != request->content_length) {
		courier_request_malformed(courier, REASON_REQUEST_MALFORMED,
					  "the body is shorter than it says");
		return;
	}
	courier->request_done = true;
	if (!courier->request_given_up)
		courier->back.leg->codec->send_end(&courier->back, trailers);
	if (courier->phase == COURIER_OVER)
		return;
	if (courier->tunnel) {
		if (courier->response_done)
			courier_complete(courier, false);
		return;
	}
	if (instant_is_set(&exchange->request_end))
		return;
	exchange->request_end = clock_now();
	settings->host->note(settings->context, exchange, EXCHANGE_REQUEST);
}

void courier_request_malformed(struct courier *courier, enum reason reason, const char *detail)
{
	unsigned status = 400;

	/* A head that the server has not seen yet, it never sees. */
	if (courier->back.leg)
		parcel_drop(courier->back.leg);
	if (reason == REASON_REQUEST_TOO_LARGE)
		status = 431;
	else if (reason == REASON_NO_MEMORY)
		status = 503;
	courier_refuse(courier, status, reason, detail);
}

void courier_request_unwanted(struct courier *courier)
{
	if (!courier->request_done)
		courier->request_given_up = true;
}

bool courier_repeat(struct courier *courier, const struct departure *departure)
{
	const struct exchange *exchange = &courier->exchange;

	if (!exchange_is_bodyless(exchange) ||
	    courier->retries >= (departure->refused ? REFUSALS_MAX : 1))
		return false;
	if (!departure->refused && (!courier->reused || !exchange_is_repeatable(exchange)))
		return false;
	courier->exchange.repeated = true;
	courier->retries++;
	courier->code = 0;
	courier_release(courier, false);
	courier->request_given_up = false;
	reach(courier);
	return true;
}
