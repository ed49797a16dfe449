#include "daemon/http/h1_back.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/h1_leg.h"
#include "daemon/http/h1_printer.h"
#include "daemon/http/hub.h"
#include "daemon/http/parcel.h"

struct h1_back {
	struct h1_leg h1;
	struct courier *courier; /* NULL: idle */
	bool answered;		 /* it has answered a request completely */
	bool final;		 /* the head that is not a 1xx has come */
	char key[WEBSOCKET_KEY_SIZE]; /* of a WebSocket that HTTP/2 asked for; "" */
};

static struct h1_back *back_of(const struct leg *leg)
{
	return (struct h1_back *)leg;
}

static const char *method_of(const struct courier *courier)
{
	return head_text(&courier->exchange.request, courier->exchange.request.method);
}

static void begin_response(struct h1_back *back)
{
	struct courier *courier = back->courier;

	h1_reader_end(&back->h1.reader);
	h1_reader_begin_response(&back->h1.reader, &courier->exchange.response, method_of(courier));
}

static int open_stream(struct stream *stream)
{
	struct h1_back *back = back_of(stream->leg);

	back->courier = stream->courier;
	back->final = false;
	back->key[0] = '\0';
	stream->courier->reused = back->answered;
	begin_response(back);
	return 0;
}

static bool is_free(const struct leg *leg)
{
	return !back_of(leg)->courier && !leg->broken;
}

static int add(struct head *head, const char *name, const char *value)
{
	return head_add_field(head, name, strlen(name), value, strlen(value));
}

/* What an extended CONNECT means, in the words of RFC 6455 section 4.1. */
static void ask_for_websocket(struct h1_back *back, struct head *head)
{
	head_remove(head, "sec-websocket-key");
	head->method = head_add_text(head, "GET", 3);
	head->body = BODY_NONE;
	if (!websocket_key(back->key) || !head->method || add(head, "Upgrade", "websocket") < 0 ||
	    add(head, "Sec-WebSocket-Key", back->key) < 0)
		back->h1.leg.broken = true;
}

/* The server's 101 is a 200 to the client, if it answers our key. */
static bool accept_websocket(struct h1_back *back, struct head *response)
{
	const char *said = head_find(response, "sec-websocket-accept", 0);
	char expected[WEBSOCKET_ACCEPT_SIZE];

	websocket_accept(back->key, expected);
	if (!said || strcmp(said, expected) != 0 ||
	    !head_has_token(response, "upgrade", "websocket"))
		return false;
	head_remove(response, "sec-websocket-accept");
	head_remove(response, "upgrade");
	response->status = 200;
	return true;
}

static enum head_taken take_head(struct h1_back *back)
{
	struct courier *courier = back->courier;
	struct head *response = &courier->exchange.response;

	if (back->key[0] && response->status / 100 == 2) {
		courier_response_malformed(courier, REASON_RESPONSE_MALFORMED,
					   "the server took a WebSocket for something else");
		return HEAD_REFUSED;
	}
	if (back->key[0] && response->status == 101 && !accept_websocket(back, response)) {
		courier_response_malformed(courier, REASON_RESPONSE_MALFORMED,
					   "the server did not answer the WebSocket's key");
		return HEAD_REFUSED;
	}
	return courier_response_head(courier);
}

static void send_head(struct stream *stream, struct head *head)
{
	if (head->version == HTTP_2 && head_join_cookies(head) < 0)
		stream->leg->broken = true;
	if (head->protocol)
		ask_for_websocket(back_of(stream->leg), head);
	back_of(stream->leg)->h1.chunked = head->body == BODY_STREAM;
	h1_print_request(parcel_open(stream->leg), head);
}

static void leave(struct stream *stream, enum ending ending, enum reason reason)
{
	struct h1_back *back = back_of(stream->leg);

	(void)reason;
	if (ending == ENDING_DONE)
		back->answered = true;
	else
		parcel_drop(stream->leg);
	h1_reader_end(&back->h1.reader);
	back->courier = NULL;
	/* In a tunnel a FIN would mean that all has been said. */
	if (ending == ENDING_RESET && back->h1.raw)
		side_reset(stream->leg->side);
}

static void refuse_unreadable(struct h1_back *back)
{
	switch (back->h1.reader.failure) {
	case H1_HEAD_TOO_LARGE:
		courier_response_malformed(back->courier, REASON_RESPONSE_TOO_LARGE, NULL);
		break;
	case H1_NO_MEMORY:
		courier_response_malformed(back->courier, REASON_NO_MEMORY, NULL);
		break;
	default:
		courier_response_malformed(back->courier, REASON_RESPONSE_MALFORMED,
					   "it cannot be parsed");
	}
}

/* Reads heads up to the final one; false when there is nothing to go on with. */
static bool read_heads(struct h1_back *back, struct span *input)
{
	struct span body;

	while (!back->final) {
		switch (h1_read(&back->h1.reader, input, &body)) {
		case H1_HEAD:
			break;
		case H1_MORE:
			return false;
		default:
			refuse_unreadable(back);
			return false;
		}
		switch (take_head(back)) {
		case HEAD_INTERIM:
			begin_response(back);
			break;
		case HEAD_TUNNEL:
			back->h1.raw = true;
			back->h1.chunked = false;
			back->final = true;
			break;
		case HEAD_FINAL:
			back->final = true;
			break;
		case HEAD_REFUSED:
			return false;
		}
	}
	return true;
}

/* Bytes behind the response were not asked for: whoever came next would take them for an answer. */
static bool is_reusable(const struct h1_back *back, size_t left)
{
	const struct exchange *exchange = &back->courier->exchange;
	const struct side *server = back->h1.leg.side;

	return back->courier->request_done && !left && exchange->request.keep_alive &&
	       exchange->request.version != HTTP_1_0 && exchange->response.keep_alive &&
	       exchange->response.version == HTTP_1_1 && !server->read_ended &&
	       !side_pending(server);
}

static void finish(struct h1_back *back, size_t left)
{
	if (!left)
		side_rest(back->h1.leg.side);
	courier_response_end(back->courier, back->h1.reader.trailers, is_reusable(back, left));
}

static void take(struct h1_back *back, struct span *input)
{
	struct courier *courier = back->courier;
	struct span body;
	enum h1_event event;

	if (!read_heads(back, input))
		return;
	if (back->h1.raw) {
		if (input->length)
			courier_response_body(courier, *input);
		return;
	}
	while ((event = h1_read(&back->h1.reader, input, &body)) == H1_BODY) {
		courier_response_body(courier, body);
		if (back->courier != courier)
			return;
	}
	if (event == H1_END)
		finish(back, input->length);
	else if (event == H1_FAILED)
		refuse_unreadable(back);
}

/* The server's stream is over; error is 0 after an orderly end. */
static void ended(struct h1_back *back, int error)
{
	bool orderly = error == 0 || error == EPROTO;
	const struct departure departure = {
		.reason = orderly ? REASON_TRUNCATED : REASON_SERVER_RESET,
		.silent = back->h1.reader.scan.bytes == 0,
		.orderly = error == 0,
	};

	if (error == 0 && back->h1.raw)
		courier_response_end(back->courier, NULL, false);
	else if (error == 0 && h1_read_eof(&back->h1.reader) == H1_END)
		courier_response_end(back->courier, NULL, false);
	else
		courier_server_gone(back->courier, &departure);
}

static void read_some(struct h1_back *back)
{
	struct span input = { (const uint8_t *)leg_scratch.server, 0 };
	struct exchange *exchange = &back->courier->exchange;
	ssize_t got = side_read(back->h1.leg.side, leg_scratch.server, sizeof(leg_scratch.server));

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		ended(back, got == 0 ? 0 : errno);
		return;
	}
	if (!instant_is_set(&exchange->response_start))
		exchange->response_start = clock_now();
	input.length = (size_t)got;
	take(back, &input);
}

static bool turn(struct leg *leg)
{
	struct h1_back *back = back_of(leg);
	struct courier *courier = back->courier;
	uint64_t before = leg->side->endpoint.received;
	bool flushed = leg_flush(leg);

	if (!courier)
		return flushed;
	if (leg->broken)
		courier_request_unwanted(courier);
	if (courier_wants_response(courier) && !courier->response_done)
		read_some(back);
	return flushed || leg->retired || back->courier != courier ||
	       leg->side->endpoint.received != before;
}

static void discard(struct leg *leg)
{
	parcel_drop(leg);
	h1_reader_end(&back_of(leg)->h1.reader);
	free(leg);
}

static const struct codec codec = {
	.turn = turn,
	.open = open_stream,
	.is_free = is_free,
	.send_head = send_head,
	.send_body = h1_send_body,
	.send_end = h1_send_end,
	.has_room = h1_has_room,
	.leave = leave,
	.free = discard,
};

struct leg *h1_back_new(struct conversation *conversation, struct side *server)
{
	struct h1_back *back = calloc(1, sizeof(*back));

	if (!back)
		return NULL;
	back->answered = server->endpoint.reused;
	back->h1.leg = (struct leg){
		.codec = &codec,
		.conversation = conversation,
		.side = server,
	};
	return &back->h1.leg;
}
