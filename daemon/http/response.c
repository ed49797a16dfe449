/* Responses on their way back: guarded, judged where a rule wants their status, sent on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/forward.h"
#include "daemon/http/guard.h"
#include "daemon/http/hub.h"
#include "daemon/http/measure.h"
#include "daemon/http/parcel.h"

enum { GRPC_UNKNOWN = 2 };
enum { INTERIM_MAX = 32 }; /* 1xx responses of one exchange */

static void note(struct courier *courier, enum exchange_event event)
{
	const struct conversation_settings *settings = &courier->conversation->settings;

	settings->host->note(settings->context, &courier->exchange, event);
}

static enum head_taken refuse(struct courier *courier, enum reason reason, const char *detail)
{
	courier_refuse(courier, reason == REASON_NO_MEMORY ? 503 : 502, reason, detail);
	return HEAD_REFUSED;
}

void courier_response_malformed(struct courier *courier, enum reason reason, const char *detail)
{
	/* A head that nobody has seen yet gives way to a page. */
	if (parcel_drop(courier->front.leg))
		courier->response_begun = false;
	refuse(courier, reason, detail);
}

static bool forward(struct courier *courier)
{
	struct head *head = &leg_scratch.head;

	head_clear(head);
	if (forward_response(head, &courier->exchange) < 0) {
		refuse(courier, errno == ENOMEM ? REASON_NO_MEMORY : REASON_RESPONSE_TOO_LARGE,
		       NULL);
		return false;
	}
	return true;
}

/* False when memory ran out on the way: then the exchange is over. */
static bool send_head(struct courier *courier)
{
	courier->front.leg->codec->send_head(&courier->front, &leg_scratch.head);
	return courier->phase != COURIER_OVER;
}

/* 100 answers an Expect; a client of HTTP/1.0 knows none of them (RFC 9110 section 15.2). */
static bool interim_wanted(const struct exchange *exchange)
{
	return exchange->request.version != HTTP_1_0 &&
	       (exchange->response.status != 100 || exchange->request.expect_continue);
}

static enum head_taken take_interim(struct courier *courier)
{
	struct exchange *exchange = &courier->exchange;

	if (++courier->interim > INTERIM_MAX)
		return refuse(courier, REASON_RESPONSE_MALFORMED, "too many 1xx responses");
	if (interim_wanted(exchange)) {
		if (!forward(courier) || !send_head(courier))
			return HEAD_REFUSED;
	}
	head_clear(&exchange->response);
	return HEAD_INTERIM;
}

/* A WebSocket over HTTP/2 is accepted by 2xx (RFC 8441 section 5). */
static bool opens_tunnel(const struct exchange *exchange)
{
	return exchange->response.status == 101 ||
	       (exchange->request.protocol && exchange->response.status / 100 == 2);
}

static bool is_websocket(const struct exchange *exchange)
{
	return exchange->request.protocol ||
	       head_has_token(&exchange->response, "upgrade", "websocket");
}

static void note_request_end(struct courier *courier)
{
	if (instant_is_set(&courier->exchange.request_end))
		return;
	courier->exchange.request_end = clock_now();
	note(courier, EXCHANGE_REQUEST);
}

static enum head_taken take_upgrade(struct courier *courier)
{
	struct exchange *exchange = &courier->exchange;

	if (!courier->upgrade_sent)
		return refuse(courier, REASON_RESPONSE_MALFORMED,
			      "nobody asked for another protocol");
	if (!forward(courier))
		return HEAD_REFUSED;
	if (!exchange->request.protocol && !leg_scratch.head.upgrade)
		return refuse(courier, REASON_RESPONSE_MALFORMED, "a 101 without its protocol");
	courier->response_begun = true;
	courier->tunnel = true;
	courier->request_done = false;
	exchange->status = exchange->response.status;
	exchange->websocket = is_websocket(exchange);
	note_request_end(courier);
	exchange->end = clock_now();
	if (!send_head(courier))
		return HEAD_REFUSED;
	note(courier, EXCHANGE_RESPONSE_HEADERS);
	note(courier, EXCHANGE_RESPONSE);
	if (exchange->websocket)
		note(courier, EXCHANGE_WEBSOCKET_START);
	return HEAD_TUNNEL;
}

/* A rule about the status has the last word; a server for another route is no longer possible. */
static bool judged_away(struct courier *courier)
{
	const struct conversation_settings *settings = &courier->conversation->settings;
	struct exchange *exchange = &courier->exchange;
	struct decision decision;

	if (!courier->undecided)
		return false;
	decision = settings->host->judge(settings->context, exchange);
	courier->undecided = false;
	if (decision.ask)
		return false;
	exchange->rule = decision.rule;
	return courier_settle(courier);
}

/* In the trailers, or in the head where there is nothing else. */
static void take_grpc_status(struct exchange *exchange, const struct head *head)
{
	const char *status = head_find(head, "grpc-status", 0);

	if (exchange->grpc && status && *status >= '0' && *status <= '9')
		exchange->grpc_status = (unsigned)strtoul(status, NULL, 10);
}

static void recognise_grpc(struct exchange *exchange)
{
	const char *type = head_find(&exchange->response, "content-type", 0);

	exchange->grpc = type && strncasecmp(type, "application/grpc", 16) == 0;
	exchange->grpc_status = GRPC_UNKNOWN;
	take_grpc_status(exchange, &exchange->response);
}

static enum head_taken take_final(struct courier *courier)
{
	struct exchange *exchange = &courier->exchange;

	if (judged_away(courier) || !forward(courier))
		return HEAD_REFUSED;
	courier->response_begun = true;
	exchange->status = exchange->response.status;
	recognise_grpc(exchange);
	if (!send_head(courier))
		return HEAD_REFUSED;
	note(courier, EXCHANGE_RESPONSE_HEADERS);
	return HEAD_FINAL;
}

enum head_taken courier_response_head(struct courier *courier)
{
	struct exchange *exchange = &courier->exchange;
	const char *detail;
	enum reason reason =
		guard_response(&exchange->response,
			       head_text(&exchange->request, exchange->request.method), &detail);
	enum limit excess =
		head_exceeds(&exchange->response, courier->conversation->settings.limits);

	courier->moved = clock_steady();
	if (reason != REASON_NONE)
		return refuse(courier, reason, detail);
	if (excess != LIMIT_COUNT)
		return refuse(courier, REASON_RESPONSE_TOO_LARGE, excess_detail(excess));
	if (opens_tunnel(exchange))
		return take_upgrade(courier);
	if (exchange->response.status / 100 == 1)
		return take_interim(courier);
	return take_final(courier);
}

bool courier_wants_response(const struct courier *courier)
{
	return courier->phase == COURIER_CARRYING &&
	       courier->front.leg->codec->has_room(&courier->front);
}

void courier_response_body(struct courier *courier, struct span body)
{
	courier->moved = clock_steady();
	if (courier->exchange.websocket)
		websocket_count(&courier->exchange.from_server, body);
	courier->exchange.response_body += body.length;
	courier->front.leg->codec->send_body(&courier->front, body);
}

void courier_rest(struct courier *courier)
{
	if (!courier->response_begun || courier_wants_response(courier))
		courier->reader_since = 0;
	else if (!courier->reader_since)
		courier->reader_since = clock_steady();
}

void courier_response_end(struct courier *courier, const struct head *trailers, bool reusable)
{
	courier->moved = clock_steady();
	if (trailers)
		take_grpc_status(&courier->exchange, trailers);
	courier->response_done = true;
	courier->front.leg->codec->send_end(&courier->front, trailers);
	if (!courier->tunnel || courier->request_done)
		courier_complete(courier, reusable);
}

/* To this client the end of the connection is the end of the body: an orderly one would make half a
 * response look whole. */
static bool ends_by_closing(const struct exchange *exchange)
{
	return exchange->response.body == BODY_STREAM && exchange->request.version == HTTP_1_0;
}

void courier_server_gone(struct courier *courier, const struct departure *departure)
{
	if (courier->response_begun) {
		bool orderly = departure->orderly && !ends_by_closing(&courier->exchange);

		courier_fail(courier, departure->reason, orderly ? ENDING_CUT_SHORT : ENDING_RESET);
		return;
	}
	if (departure->silent && !courier->interim &&
	    courier_repeat(courier, departure))
		return;
	/* An error code means more than a page where it can be passed on. */
	if (courier->code && courier->front.leg->codec->many) {
		courier_fail(courier, departure->reason, ENDING_RESET);
		return;
	}
	/* A client knows what to do when a connection it used before is closed without a word, and
	 * would not with a 502. */
	if (departure->silent && courier->reused)
		courier_fail(courier, departure->reason, ENDING_CUT_SHORT);
	else
		refuse(courier, departure->reason, NULL);
}
