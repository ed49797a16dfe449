#include "daemon/http/h2_front.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/param.h>

#include "daemon/http/h2_leg.h"

/* A stream and the courier that carries its exchange, which may be done first. */
struct request {
	struct h2_stream stream;
	struct courier courier;
};

struct h2_front {
	struct h2_leg h2;
	bool client_ended; /* it will send nothing more */
	bool warned; /* that no further stream should come */
	bool draining;
	bool closing;
};

static struct h2_front *front_of(const struct leg *leg)
{
	return (struct h2_front *)leg;
}

static struct h2_stream *begin_stream(struct h2_leg *leg, int32_t id)
{
	struct request *request =
		allowance_new(hub_allowance(leg->leg.conversation), sizeof(*request));
	struct courier *courier;

	if (!request)
		return NULL;
	courier = &request->courier;
	request->stream.id = id;
	request->stream.courier = courier;
	courier_begin(courier, leg->leg.conversation, &leg->leg);
	courier->front.h2 = &request->stream;
	courier->exchange.stream = (uint32_t)id;
	h2_fields_begin(&request->stream.fields, &courier->exchange.request, H2_REQUEST);
	h2_add_stream(leg, &request->stream);
	return &request->stream;
}

static void take_head(struct h2_stream *stream)
{
	struct courier *courier = stream->courier;

	stream->headed = true;
	switch (h2_fields_end(&stream->fields, stream->in_ended)) {
	case H2_FINE:
		courier_request_head(courier);
		break;
	case H2_MALFORMED:
		h2_glitch(stream->leg, 1);
		courier->exchange.detail = stream->fields.detail;
		courier_fail(courier, REASON_REQUEST_MALFORMED, ENDING_RESET);
		break;
	case H2_TOO_LARGE:
		courier_refuse(courier, 431, REASON_REQUEST_TOO_LARGE, "the head is too large");
		break;
	case H2_NO_MEMORY:
		courier_refuse(courier, 503, REASON_NO_MEMORY, NULL);
		break;
	}
}

/* What the server does not take is read away. */
static bool wants(const struct courier *courier)
{
	return courier_wants_request(courier) ||
	       (courier->phase == COURIER_CARRYING && courier->request_given_up);
}

static void closed(struct h2_stream *stream, uint32_t code)
{
	stream->courier->code = code;
	courier_fail(stream->courier, REASON_CANCELLED, ENDING_SILENT);
}

static const struct h2_kind kind = {
	.begin = begin_stream,
	.take_head = take_head,
	.wants = wants,
	.take_body = courier_request_body,
	.take_end = courier_request_end,
	.malformed = courier_request_malformed,
	.closed = closed,
};

/* Sending */

static void send_head(struct stream *stream, struct head *head)
{
	struct h2_stream *h2 = stream->h2;
	nghttp2_data_provider body;
	bool interim = head->status / 100 == 1, ends = h2_ends_with_head(head);
	int result;

	if (h2->closed)
		return;
	h2_print_response(&h2_printed, head);
	body = h2_body_of(h2);
	if (interim)
		result = nghttp2_submit_headers(h2->leg->session, NGHTTP2_FLAG_NONE, h2->id, NULL,
				       h2_printed.fields, h2_printed.count, NULL);
	else
		result = nghttp2_submit_response(h2->leg->session, h2->id, h2_printed.fields,
					h2_printed.count, ends ? NULL : &body);
	if (!interim)
		h2->out_ended = ends;
	if (result != 0)
		h2_run_out(h2);
}

static void leave(struct stream *stream, enum ending ending, enum reason reason)
{
	struct h2_stream *h2 = stream->h2;
	uint32_t code = stream->courier->code;

	h2->courier = NULL;
	h2->taken = 0;
	h2->left = clock_steady();
	h2->leg->moved = h2->left;
	if (ending == ENDING_CUT_SHORT || ending == ENDING_RESET)
		h2_reset(h2, code ? code : h2_code(reason));
}

/* Life */

static bool is_done(const struct h2_front *front)
{
	return !front->h2.leg.conversation->running && !front->h2.streams;
}

/* RFC 9113 section 6.8: streams that are on their way still come in. */
static void warn(struct h2_front *front)
{
	front->warned = true;
	nghttp2_submit_shutdown_notice(front->h2.session);
}

static void begin_draining(struct h2_front *front)
{
	nghttp2_session *session = front->h2.session;

	front->draining = true;
	nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE,
			      nghttp2_session_get_last_proc_stream_id(session), NGHTTP2_NO_ERROR,
			      NULL, 0);
}

static enum reason why_over(const struct h2_front *front)
{
	if (front->h2.reason != REASON_NONE)
		return front->h2.reason;
	return front->draining ? REASON_DRAINED : REASON_FINISHED;
}

static void fail_all(struct h2_front *front, enum reason reason)
{
	struct h2_stream *stream = front->h2.streams, *next;

	for (; stream; stream = next) {
		next = stream->next;
		if (stream->courier)
			courier_fail(stream->courier, reason, ENDING_SILENT);
	}
}

static void break_off(struct h2_front *front, enum reason reason)
{
	if (front->h2.reason == REASON_NONE)
		front->h2.reason = reason;
	fail_all(front, reason);
	hub_end(front->h2.leg.conversation, front->h2.reason);
}

/* Its FIN means that no request follows; those that are whole are answered. */
static void client_gone(struct h2_front *front, int error)
{
	struct h2_stream *stream = front->h2.streams, *next;

	if (error) {
		/* Many clients leave TLS without a word; between requests nothing is lost. */
		break_off(front, error == EPROTO && is_done(front) ? REASON_FINISHED
								    : REASON_CLIENT_RESET);
		return;
	}
	front->client_ended = true;
	for (; stream; stream = next) {
		next = stream->next;
		if (stream->courier && !stream->in_ended)
			courier_fail(stream->courier, REASON_CLIENT_RESET, ENDING_RESET);
	}
}

static bool is_over(const struct h2_front *front)
{
	nghttp2_session *session = front->h2.session;

	if (!nghttp2_session_want_read(session) && !nghttp2_session_want_write(session))
		return true;
	return is_done(front) && (front->client_ended || front->draining) &&
	       !nghttp2_session_want_write(session);
}

/* The last frames are under way; an end in order lets them arrive. */
static void close_down(struct h2_front *front)
{
	struct side *client = front->h2.leg.side;

	if (!front->closing) {
		front->closing = true;
		front->h2.moved = clock_steady();
		fail_all(front, why_over(front));
	}
	if (side_pending(client))
		return;
	side_shutdown(client);
	hub_end(front->h2.leg.conversation, why_over(front));
}

/* When all that the client has to say has been said, the next write tells of a client that is gone;
 * until it is announced again there is nothing to read. */
static void rest_side(struct h2_front *front)
{
	if (!front->h2.incoming)
		side_rest(front->h2.leg.side);
}

static bool turn(struct leg *leg)
{
	struct h2_front *front = front_of(leg);
	bool moved = leg_flush(leg);

	if (leg->broken) {
		break_off(front, leg->fault ? leg->fault : REASON_CLIENT_RESET);
		return false;
	}
	if (leg->conversation->draining && !front->draining)
		begin_draining(front);
	else if (leg->conversation->leaving && !front->warned && !front->draining)
		warn(front);
	moved |= h2_deliver_all(&front->h2);
	switch (front->client_ended ? H2_READ_WAIT : h2_read(&front->h2, leg_scratch.client)) {
	case H2_READ:
		moved = true;
		rest_side(front);
		break;
	case H2_READ_WAIT:
		break;
	case H2_READ_GONE:
		client_gone(front, errno);
		break;
	}
	moved |= h2_emit(&front->h2);
	if (!leg->conversation->over && is_over(front))
		close_down(front);
	return moved;
}

static int64_t patience(const struct h2_front *front)
{
	return hub_limit(front->h2.leg.conversation, LIMIT_KEEP_ALIVE);
}

/* Its exchange is over, but the client has not taken all of the response. */
static bool is_left(const struct h2_stream *stream)
{
	return !stream->courier && !stream->closed;
}

static int64_t rest_deadline(const struct h2_front *front)
{
	int64_t earliest = INT64_MAX;

	for (const struct h2_stream *stream = front->h2.streams; stream; stream = stream->next)
		if (is_left(stream) && stream->left + patience(front) < earliest)
			earliest = stream->left + patience(front);
	return earliest;
}

static int64_t idle_deadline(const struct h2_front *front)
{
	int64_t idle = front->h2.moved + patience(front), rest = rest_deadline(front);

	return MIN(rest, idle);
}

static int64_t deadline(const struct leg *leg)
{
	const struct h2_front *front = front_of(leg);

	if (front->closing)
		return front->h2.moved + hub_seconds(REFUSE_SECONDS);
	if (front->h2.block_began)
		return front->h2.block_began + hub_limit(leg->conversation, LIMIT_REQUEST);
	return leg->conversation->running ? rest_deadline(front) : idle_deadline(front);
}

/* One that is still there after it has been reset: the client does not read at all. */
static void give_up(struct h2_front *front)
{
	int64_t now = clock_steady();

	for (struct h2_stream *stream = front->h2.streams; stream; stream = stream->next) {
		if (!is_left(stream) || stream->left + patience(front) > now)
			continue;
		if (stream->given_up) {
			break_off(front, REASON_SLOW_READER);
			return;
		}
		stream->given_up = true;
		stream->left = now;
		h2_reset(stream, NGHTTP2_CANCEL);
	}
}

static void expire(struct leg *leg)
{
	struct h2_front *front = front_of(leg);

	if (front->closing) {
		hub_end(leg->conversation, why_over(front));
		return;
	}
	if (rest_deadline(front) <= clock_steady()) {
		give_up(front);
		return;
	}
	if (front->h2.reason == REASON_NONE)
		front->h2.reason =
			front->h2.block_began ? REASON_REQUEST_TIMEOUT : REASON_IDLE;
	nghttp2_session_terminate_session(front->h2.session, NGHTTP2_NO_ERROR);
	front->h2.block_began = 0;
	front->h2.moved = clock_steady();
}

static const struct codec codec = {
	.many = true,
	.turn = turn,
	.rest = h2_rest,
	.settle = h2_settle,
	.send_head = send_head,
	.send_body = h2_send_body,
	.send_end = h2_send_end,
	.has_room = h2_has_room,
	.leave = leave,
	.deadline = deadline,
	.expire = expire,
	.free = h2_discard,
};

struct leg *h2_front_new(struct conversation *conversation)
{
	struct h2_front *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	front->h2.leg = (struct leg){
		.codec = &codec,
		.conversation = conversation,
		.side = conversation->settings.client,
	};
	if (h2_begin_front(&front->h2, &kind) == 0)
		return &front->h2.leg;
	h2_end(&front->h2);
	free(front);
	return NULL;
}
