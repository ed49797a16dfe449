/* Responses on their way back: read, guarded, judged where a rule wants their status, sent on. */
#include <errno.h>

#include "daemon/http/flow.h"
#include "daemon/http/forward.h"
#include "daemon/http/guard.h"
#include "daemon/http/h1_printer.h"

enum { INTERIM_MAX = 32 }; /* 1xx responses of one exchange */

static void refuse_response(struct conversation *conversation, enum reason reason,
			    const char *detail)
{
	if (conversation->response_begun)
		flow_break(conversation, reason);
	else
		flow_refuse(conversation, reason == REASON_NO_MEMORY ? 503 : 502, reason, detail);
}

static void refuse_unreadable(struct conversation *conversation)
{
	switch (conversation->response_reader.failure) {
	case H1_HEAD_TOO_LARGE:
		refuse_response(conversation, REASON_RESPONSE_TOO_LARGE, NULL);
		break;
	case H1_NO_MEMORY:
		refuse_response(conversation, REASON_NO_MEMORY, NULL);
		break;
	default:
		refuse_response(conversation, REASON_RESPONSE_MALFORMED, "it cannot be parsed");
	}
}

/* Whether the client's connection can go on after this response. A request that is still on its way
 * when it is answered may never be completed. */
static bool client_stays(const struct conversation *conversation)
{
	const struct exchange *exchange = &conversation->exchange;
	const struct head *request = &exchange->request;
	enum body body = exchange->response.body;

	return request->keep_alive && conversation->request_done && !conversation->draining &&
	       body != BODY_UNTIL_CLOSE && !(body == BODY_STREAM && request->version == HTTP_1_0);
}

static bool print_head(struct conversation *conversation, struct text *output)
{
	struct head *head = &flow_scratch.head;

	head_clear(head);
	if (forward_response(head, &conversation->exchange, conversation->stays) < 0) {
		refuse_response(conversation,
				errno == ENOMEM ? REASON_NO_MEMORY : REASON_RESPONSE_TOO_LARGE,
				NULL);
		return false;
	}
	h1_print_response(output, head);
	return true;
}

/* 100 answers an Expect; a client of HTTP/1.0 knows none of them (RFC 9110 section 15.2). */
static bool interim_wanted(const struct exchange *exchange)
{
	return exchange->request.version != HTTP_1_0 &&
	       (exchange->response.status != 100 || exchange->request.expect_continue);
}

static void take_interim(struct conversation *conversation, struct text *output)
{
	struct exchange *exchange = &conversation->exchange;

	if (++conversation->interim > INTERIM_MAX) {
		refuse_response(conversation, REASON_RESPONSE_MALFORMED, "too many 1xx responses");
		return;
	}
	if (interim_wanted(exchange) && !print_head(conversation, output))
		return;
	head_clear(&exchange->response);
	h1_reader_end(&conversation->response_reader);
	h1_reader_begin_response(&conversation->response_reader, &exchange->response,
				 head_text(&exchange->request, exchange->request.method));
}

static int send_output(struct side *side, struct text *output)
{
	int result = output->full ? -1 : side_send(side, output->bytes, output->length);

	output->length = 0;
	return result;
}

/* What both sides sent ahead in the new protocol goes to the other side behind the heads. */
static void upgrade(struct conversation *conversation, struct text *output,
		    const struct span *input)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct exchange *exchange = &conversation->exchange;
	struct span *ahead = &conversation->input;

	text_add_bytes(output, input->bytes, input->length);
	conversation->response_begun = true;
	exchange->status = exchange->response.status;
	if (send_output(settings->client, output) < 0 ||
	    side_send(conversation->server, ahead->bytes, ahead->length) < 0) {
		flow_break(conversation, REASON_CLIENT_RESET);
		return;
	}
	*ahead = (struct span){ NULL, 0 };
	exchange->websocket = head_has_token(&exchange->response, "upgrade", "websocket");
	exchange->end = clock_now();
	settings->host->note(settings->context, exchange, EXCHANGE_RESPONSE_HEADERS);
	settings->host->note(settings->context, exchange, EXCHANGE_RESPONSE);
	if (exchange->websocket)
		settings->host->note(settings->context, exchange, EXCHANGE_WEBSOCKET_START);
	conversation->phase = PHASE_UPGRADED;
}

static void take_upgrade(struct conversation *conversation, struct text *output,
			 const struct span *input)
{
	if (!conversation->upgrade_sent) {
		refuse_response(conversation, REASON_RESPONSE_MALFORMED,
				"nobody asked for another protocol");
		return;
	}
	conversation->stays = true;
	if (!print_head(conversation, output))
		return;
	if (!flow_scratch.head.upgrade)
		refuse_response(conversation, REASON_RESPONSE_MALFORMED,
				"a 101 without its protocol");
	else
		upgrade(conversation, output, input);
}

/* A rule about the status has the last word; a server for another route is no longer possible. */
static bool judged_away(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct exchange *exchange = &conversation->exchange;
	struct decision decision;

	if (!conversation->undecided)
		return false;
	decision = settings->host->judge(settings->context, exchange);
	conversation->undecided = false;
	if (decision.ask)
		return false;
	exchange->rule = decision.rule;
	if (decision.rule->verdict != VERDICT_BLOCK)
		return false;
	flow_block(conversation);
	return true;
}

static void take_final(struct conversation *conversation, struct text *output)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct exchange *exchange = &conversation->exchange;

	if (judged_away(conversation))
		return;
	conversation->stays = client_stays(conversation);
	if (!print_head(conversation, output))
		return;
	conversation->response_begun = true;
	exchange->status = exchange->response.status;
	settings->host->note(settings->context, exchange, EXCHANGE_RESPONSE_HEADERS);
}

static void take_head(struct conversation *conversation, struct text *output,
		      const struct span *input)
{
	struct exchange *exchange = &conversation->exchange;
	const char *detail;
	enum reason reason =
		guard_response(&exchange->response,
			       head_text(&exchange->request, exchange->request.method), &detail);

	if (reason != REASON_NONE)
		refuse_response(conversation, reason, detail);
	else if (exchange->response.status == 101)
		take_upgrade(conversation, output, input);
	else if (exchange->response.status / 100 == 1)
		take_interim(conversation, output);
	else
		take_final(conversation, output);
}

/* Reads heads up to the final one; false when there is nothing to go on with. */
static bool take_heads(struct conversation *conversation, struct text *output, struct span *input)
{
	struct span body;

	while (!conversation->response_begun) {
		switch (h1_read(&conversation->response_reader, input, &body)) {
		case H1_HEAD:
			take_head(conversation, output, input);
			if (conversation->phase != PHASE_CARRYING)
				return false;
			break;
		case H1_MORE:
			if (output->length &&
			    send_output(conversation->settings.client, output) < 0)
				flow_break(conversation, REASON_CLIENT_RESET);
			return false;
		default:
			refuse_unreadable(conversation);
			return false;
		}
	}
	return true;
}

/* Bytes behind the response were not asked for: whoever came next would take them for an answer. */
static bool server_reusable(const struct conversation *conversation, size_t left)
{
	const struct exchange *exchange = &conversation->exchange;
	const struct side *server = conversation->server;

	return conversation->request_done && !left && exchange->request.keep_alive &&
	       exchange->request.version == HTTP_1_1 && exchange->response.keep_alive &&
	       !server->read_ended && !side_pending(server);
}

static void finish_response(struct conversation *conversation, size_t left)
{
	if (!left)
		side_rest(conversation->server);
	flow_complete(conversation, server_reusable(conversation, left));
}

static void take(struct conversation *conversation, struct span *input)
{
	struct exchange *exchange = &conversation->exchange;
	bool begun = conversation->response_begun;
	struct text output;
	struct carriage carriage = {
		.reader = &conversation->response_reader,
		.input = input,
		.output = &output,
		.to = conversation->settings.client,
		.count = &exchange->response_body,
	};

	text_begin(&output, flow_scratch.output, sizeof(flow_scratch.output));
	if (!take_heads(conversation, &output, input))
		return;
	carriage.chunked =
		exchange->response.body == BODY_STREAM && exchange->request.version != HTTP_1_0;
	switch (flow_carry(&carriage)) {
	case CARRIED_MORE:
		break;
	case CARRIED_ALL:
		finish_response(conversation, input->length);
		break;
	case CARRIED_BROKEN:
		/* A head that is still in output has not been seen by anybody. */
		conversation->response_begun = begun;
		refuse_unreadable(conversation);
		break;
	case CARRIED_UNSENT:
		flow_break(conversation, REASON_CLIENT_RESET);
		break;
	}
}

/* To this client the end of the connection is the end of the body: an orderly one would make half a response
 * look whole. */
static bool ends_by_closing(const struct exchange *exchange)
{
	return exchange->response.body == BODY_STREAM && exchange->request.version == HTTP_1_0;
}

/* The server's stream is over; error is 0 after an orderly end. */
static void server_ended(struct conversation *conversation, int error)
{
	enum reason reason = error == 0 || error == EPROTO ? REASON_TRUNCATED : REASON_SERVER_RESET;
	bool silent = conversation->response_reader.scan.bytes == 0;

	if (error == 0 && h1_read_eof(&conversation->response_reader) == H1_END) {
		finish_response(conversation, 0);
		return;
	}
	if (conversation->response_begun) {
		if (error == 0 && !ends_by_closing(&conversation->exchange))
			flow_cut_short(conversation, reason);
		else
			flow_break(conversation, reason);
		return;
	}
	if (silent && !conversation->interim && request_repeat(conversation))
		return;
	/* A client knows what to do when a connection it used before is closed without a word, and
	 * would not with a 502. */
	if (silent && conversation->reused)
		flow_cut_short(conversation, reason);
	else
		refuse_response(conversation, reason, NULL);
}

bool response_carry(struct conversation *conversation)
{
	struct side *client = conversation->settings.client;
	struct span input = { (const uint8_t *)flow_scratch.server, 0 };
	struct exchange *exchange = &conversation->exchange;
	ssize_t got;

	if (side_flush(client) < 0) {
		flow_break(conversation, REASON_CLIENT_RESET);
		return true;
	}
	if (side_pending(client))
		return false;
	got = side_read(conversation->server, flow_scratch.server, sizeof(flow_scratch.server));
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0) {
		server_ended(conversation, got == 0 ? 0 : errno);
		return true;
	}
	if (!instant_is_set(&exchange->response_start))
		exchange->response_start = clock_now();
	input.length = (size_t)got;
	take(conversation, &input);
	return true;
}
