/* Requests on their way to a server: read, guarded, judged, reached for, sent on. */
#include <errno.h>
#include <string.h>

#include "daemon/http/flow.h"
#include "daemon/http/forward.h"
#include "daemon/http/guard.h"
#include "daemon/http/h1_printer.h"

static void refuse_unreadable(struct conversation *conversation)
{
	switch (conversation->request_reader.failure) {
	case H1_TARGET_TOO_LONG:
		flow_refuse(conversation, 414, REASON_REQUEST_TOO_LARGE, "the target is too long");
		break;
	case H1_HEAD_TOO_LARGE:
		flow_refuse(conversation, 431, REASON_REQUEST_TOO_LARGE, "the head is too large");
		break;
	case H1_NO_MEMORY:
		flow_refuse(conversation, 503, REASON_NO_MEMORY, NULL);
		break;
	default:
		flow_refuse(conversation, 400, REASON_REQUEST_MALFORMED, "it cannot be parsed");
	}
}

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

static void judge(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct decision decision =
		settings->host->judge(settings->context, &conversation->exchange);

	conversation->undecided = decision.ask;
	if (!decision.ask)
		conversation->exchange.rule = decision.rule;
}

static bool is_blocked(const struct conversation *conversation)
{
	const struct rule *rule = conversation->exchange.rule;

	return !conversation->undecided && rule && rule->verdict == VERDICT_BLOCK;
}

static void reach(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;

	conversation->phase = PHASE_REACHING;
	conversation->server = NULL;
	conversation->failure = REASON_NONE;
	conversation->wants_server = true;
	settings->host->reach(settings->context, &conversation->exchange);
}

static void take_head(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct exchange *exchange = &conversation->exchange;
	const char *detail;
	enum reason reason = guard_request(&exchange->request, &detail);

	if (reason != REASON_NONE) {
		flow_refuse(conversation, refusal_status(reason), reason, detail);
		return;
	}
	settings->host->note(settings->context, exchange, EXCHANGE_REQUEST_HEADERS);
	judge(conversation);
	if (is_blocked(conversation))
		flow_block(conversation);
	else
		reach(conversation);
}

/* A client may end its connection after empty lines; that was no request. */
static void end_of_requests(struct conversation *conversation)
{
	if (!h1_reader_untouched(&conversation->request_reader)) {
		flow_refuse(conversation, 400, REASON_REQUEST_MALFORMED, "it ended too early");
		return;
	}
	conversation->running = false;
	exchange_end(&conversation->exchange);
	flow_close(conversation, REASON_FINISHED);
}

void request_read(struct conversation *conversation)
{
	struct span body;

	for (;;) {
		switch (h1_read(&conversation->request_reader, &conversation->input, &body)) {
		case H1_HEAD:
			take_head(conversation);
			return;
		case H1_MORE:
			break;
		default:
			refuse_unreadable(conversation);
			return;
		}
		switch (flow_fill(conversation)) {
		case FILLED:
			break;
		case FILL_WAIT:
			return;
		case FILL_ENDED:
			end_of_requests(conversation);
			return;
		case FILL_BROKEN:
			flow_break(conversation, REASON_CLIENT_RESET);
			return;
		}
	}
}

static unsigned failure_status(enum reason reason)
{
	switch (reason) {
	case REASON_BLOCKED:
	case REASON_NAME_NEVER:
		return 403;
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

static struct text begin_output(void)
{
	struct text output;

	text_begin(&output, flow_scratch.output, sizeof(flow_scratch.output));
	return output;
}

static void finish_request(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct exchange *exchange = &conversation->exchange;

	conversation->request_done = true;
	if (!conversation->input.length)
		side_rest(settings->client);
	if (instant_is_set(&exchange->request_end))
		return;
	exchange->request_end = clock_now();
	settings->host->note(settings->context, exchange, EXCHANGE_REQUEST);
}

static void carry(struct conversation *conversation, struct text *output)
{
	struct exchange *exchange = &conversation->exchange;
	const struct carriage carriage = {
		.reader = &conversation->request_reader,
		.input = &conversation->input,
		.output = output,
		.to = conversation->server,
		.count = &exchange->request_body,
		.chunked = exchange->request.body == BODY_STREAM,
	};

	switch (flow_carry(&carriage)) {
	case CARRIED_MORE:
		break;
	case CARRIED_ALL:
		finish_request(conversation);
		break;
	case CARRIED_BROKEN:
		refuse_unreadable(conversation);
		break;
	case CARRIED_UNSENT:
		/* The answer may be there already; response.c finds out. */
		conversation->request_given_up = true;
		break;
	}
}

static void begin(struct conversation *conversation)
{
	struct exchange *exchange = &conversation->exchange;
	struct head *head = &flow_scratch.head;
	struct text output = begin_output();

	head_clear(head);
	head_clear(&exchange->response);
	h1_reader_end(&conversation->response_reader);
	h1_reader_begin_response(&conversation->response_reader, &exchange->response,
				 head_text(&exchange->request, exchange->request.method));
	if (forward_request(head, &exchange->request, exchange->rule,
			    conversation->settings.secure) < 0) {
		if (errno == ENOMEM)
			flow_refuse(conversation, 503, REASON_NO_MEMORY, NULL);
		else
			flow_refuse(conversation, 431, REASON_REQUEST_TOO_LARGE,
				    "edited, it is too large");
		return;
	}
	conversation->upgrade_sent = head->upgrade;
	conversation->reused = conversation->server->endpoint.received > 0;
	conversation->phase = PHASE_CARRYING;
	h1_print_request(&output, head);
	carry(conversation, &output);
}

/* The server is there. What the judge had to wait for may have come with it, and may name another.
 */
static void meet_server(struct conversation *conversation)
{
	const struct rule *rule;

	if (!conversation->undecided) {
		begin(conversation);
		return;
	}
	judge(conversation);
	rule = conversation->exchange.rule;
	if (is_blocked(conversation)) {
		flow_block(conversation);
	} else if (!conversation->undecided && rule && rule->verdict == VERDICT_ROUTE) {
		flow_release(conversation, true);
		reach(conversation);
	} else {
		begin(conversation);
	}
}

void request_reach(struct conversation *conversation)
{
	while (conversation->phase == PHASE_REACHING) {
		if (conversation->failure != REASON_NONE) {
			flow_refuse(conversation, failure_status(conversation->failure),
				    conversation->failure, NULL);
		} else if (conversation->server) {
			meet_server(conversation);
		} else {
			flow_watch_client(conversation);
			return;
		}
	}
}

/* RFC 9110 section 9.2.2. */
static bool is_idempotent(const char *method)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return true;
	return false;
}

bool request_repeat(struct conversation *conversation)
{
	const struct head *request = &conversation->exchange.request;
	bool bodyless = request->body == BODY_NONE ||
			(request->body == BODY_LENGTH && request->content_length == 0);

	if (!conversation->reused || conversation->retried || !bodyless ||
	    !is_idempotent(head_text(request, request->method)))
		return false;
	conversation->retried = true;
	flow_release(conversation, false);
	conversation->request_done = false;
	conversation->request_given_up = false;
	reach(conversation);
	return true;
}

bool request_carry(struct conversation *conversation)
{
	struct text output = begin_output();

	if (conversation->request_done || conversation->request_given_up)
		return false;
	if (side_flush(conversation->server) < 0) {
		conversation->request_given_up = true;
		return true;
	}
	if (side_pending(conversation->server))
		return false;
	switch (flow_fill(conversation)) {
	case FILLED:
		carry(conversation, &output);
		return true;
	case FILL_WAIT:
		return false;
	case FILL_ENDED:
	case FILL_BROKEN:
		/* Half a request: the server must not take it for a whole one. */
		flow_break(conversation, REASON_CLIENT_RESET);
		return true;
	}
	return false;
}
