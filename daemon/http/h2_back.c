#include "daemon/http/h2_back.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/http/h2_leg.h"

struct h2_back {
	struct h2_leg h2;
	bool answered; /* it has answered a request */
};

static struct h2_back *back_of(const struct leg *leg)
{
	return (struct h2_back *)leg;
}

/* Receiving */

static void malformed(struct h2_stream *stream)
{
	switch (stream->fields.fault) {
	case H2_TOO_LARGE:
		courier_response_malformed(stream->courier, REASON_RESPONSE_TOO_LARGE, NULL);
		break;
	case H2_NO_MEMORY:
		courier_response_malformed(stream->courier, REASON_NO_MEMORY, NULL);
		break;
	default:
		courier_response_malformed(stream->courier, REASON_RESPONSE_MALFORMED,
					   stream->fields.detail);
	}
}

static void take_head(struct h2_stream *stream)
{
	struct courier *courier = stream->courier;
	struct exchange *exchange = &courier->exchange;

	if (!instant_is_set(&exchange->response_start))
		exchange->response_start = clock_now();
	if (h2_fields_end(&stream->fields, stream->in_ended) != H2_FINE) {
		malformed(stream);
		return;
	}
	switch (courier_response_head(courier)) {
	case HEAD_INTERIM:
		h2_fields_begin(&stream->fields, &exchange->response, H2_RESPONSE);
		break;
	case HEAD_FINAL:
	case HEAD_TUNNEL:
		stream->headed = true;
		back_of(&stream->leg->leg)->answered = true;
		break;
	case HEAD_REFUSED:
		break;
	}
}

static void take_end(struct courier *courier, const struct head *trailers)
{
	courier_response_end(courier, trailers, true);
}

/* REFUSED_STREAM, and a GOAWAY that leaves it out, mean that nothing was done (RFC 9113
 * section 8.7). */
static void closed(struct h2_stream *stream, uint32_t code)
{
	struct courier *courier = stream->courier;
	const struct departure departure = {
		.reason = code ? REASON_STREAM_RESET : REASON_TRUNCATED,
		.silent = code == NGHTTP2_REFUSED_STREAM,
		.refused = code == NGHTTP2_REFUSED_STREAM,
	};

	courier->code = code;
	/* The whole answer came, and the rest of the request is not wanted. */
	if (code == NGHTTP2_NO_ERROR && stream->in_ended)
		courier_request_unwanted(courier);
	else
		courier_server_gone(courier, &departure);
}

static const struct h2_kind kind = {
	.take_head = take_head,
	.wants = courier_wants_response,
	.take_body = courier_response_body,
	.take_end = take_end,
	.malformed = courier_response_malformed,
	.closed = closed,
};

/* Sending */

static int open_stream(struct stream *stream)
{
	struct h2_stream *h2 = allowance_new(hub_allowance(stream->leg->conversation), sizeof(*h2));

	if (!h2)
		return -1;
	h2->courier = stream->courier;
	stream->h2 = h2;
	stream->courier->reused = back_of(stream->leg)->answered;
	h2_fields_begin(&h2->fields, &stream->courier->exchange.response, H2_RESPONSE);
	h2_add_stream(h2_of(stream->leg), h2);
	return 0;
}

static bool is_free(const struct leg *leg)
{
	const struct h2_leg *h2 = h2_of(leg);
	uint32_t most = nghttp2_session_get_remote_settings(
		h2->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	return !leg->broken && !h2->going && h2->count < STREAMS_MAX && h2->count < most &&
	       nghttp2_session_check_request_allowed(h2->session);
}

static bool carries_tunnels(const struct leg *leg)
{
	return nghttp2_session_get_remote_settings(
		       h2_of(leg)->session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

static void send_head(struct stream *stream, struct head *head)
{
	struct h2_stream *h2 = stream->h2;
	nghttp2_data_provider body = h2_body_of(h2);
	bool ends = h2_ends_with_head(head);
	int32_t id;

	h2_print_request(&h2_printed, head, stream->leg->side->tls != NULL);
	id = nghttp2_submit_request(h2->leg->session, NULL, h2_printed.fields, h2_printed.count,
				    ends ? NULL : &body, h2);
	h2->out_ended = ends;
	if (id > 0) {
		h2->id = id;
		return;
	}
	h2->closed = true;
	h2->leg->unsent = true;
}

static void leave(struct stream *stream, enum ending ending, enum reason reason)
{
	struct h2_stream *h2 = stream->h2;
	uint32_t code = stream->courier->code;

	if (!h2)
		return;
	stream->h2 = NULL;
	h2->courier = NULL;
	h2->leg->moved = clock_steady();
	if (ending == ENDING_DONE && h2->in_ended && h2->out_ended && !h2->out.length)
		return;
	(void)reason;
	h2_reset(h2, code && ending != ENDING_DONE ? code : NGHTTP2_CANCEL);
}

/* Life */

static void server_gone(struct h2_back *back, int error)
{
	struct h2_stream *stream = back->h2.streams, *next;
	bool orderly = error == 0 || error == EPROTO;

	back->h2.leg.broken = true;
	for (; stream; stream = next) {
		const struct departure departure = {
			.reason = orderly ? REASON_TRUNCATED : REASON_SERVER_RESET,
			.silent = !stream->headed,
			.orderly = error == 0,
		};

		next = stream->next;
		stream->closed = true;
		if (stream->courier)
			courier_server_gone(stream->courier, &departure);
	}
}

/* Those whose request could not even be queued. */
static bool fail_unsent(struct h2_leg *leg)
{
	struct h2_stream *stream = leg->streams, *next;
	const struct departure departure = { .reason = REASON_SERVER_RESET };
	bool failed = false;

	if (!leg->unsent)
		return false;
	leg->unsent = false;
	for (; stream; stream = next) {
		next = stream->next;
		if (!stream->closed || !stream->courier || stream->in_ended)
			continue;
		courier_server_gone(stream->courier, &departure);
		failed = true;
	}
	return failed;
}

static bool turn(struct leg *leg)
{
	struct h2_back *back = back_of(leg);
	bool moved = leg_flush(leg);

	if (leg->broken && !back->h2.streams)
		return moved;
	moved |= h2_deliver_all(&back->h2);
	moved |= fail_unsent(&back->h2);
	switch (h2_read(&back->h2, leg_scratch.server)) {
	case H2_READ:
		moved = true;
		break;
	case H2_READ_WAIT:
		break;
	case H2_READ_GONE:
		server_gone(back, errno);
		return true;
	}
	moved |= h2_emit(&back->h2);
	if (leg->broken || (!nghttp2_session_want_read(back->h2.session) &&
			    !nghttp2_session_want_write(back->h2.session)))
		server_gone(back, ECONNRESET);
	return moved;
}

static const struct codec codec = {
	.many = true,
	.turn = turn,
	.rest = h2_rest,
	.settle = h2_settle,
	.open = open_stream,
	.is_free = is_free,
	.carries_tunnels = carries_tunnels,
	.send_head = send_head,
	.send_body = h2_send_body,
	.send_end = h2_send_end,
	.has_room = h2_has_room,
	.leave = leave,
	.free = h2_discard,
};

struct leg *h2_back_new(struct conversation *conversation, struct side *server)
{
	struct h2_back *back = calloc(1, sizeof(*back));

	if (!back)
		return NULL;
	back->h2.leg = (struct leg){
		.codec = &codec,
		.conversation = conversation,
		.side = server,
	};
	if (h2_begin_back(&back->h2, &kind) == 0)
		return &back->h2.leg;
	h2_end(&back->h2);
	free(back);
	return NULL;
}
