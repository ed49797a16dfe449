#include "daemon/http/h1_front.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/h1_leg.h"
#include "daemon/http/h1_printer.h"
#include "daemon/http/hub.h"
#include "daemon/http/parcel.h"

enum { DISCARD_MAX = 64 }; /* reads of one turn while lingering */

enum phase {
	PHASE_IDLE,	 /* between two exchanges */
	PHASE_READING,	 /* a request head */
	PHASE_SERVING,	 /* an exchange is under way */
	PHASE_CLOSING,	 /* the last bytes to the client, then our FIN */
	PHASE_LINGERING, /* reads away what the client still sends: no reset may overtake a page,
			    and who is dropped hears nothing */
	PHASE_OVER,
};

struct h1_front {
	struct h1_leg h1;
	struct courier courier;
	struct span input; /* read and not yet parsed: at most CHUNK_SIZE */
	char *kept;	   /* owned; holds input between two turns */
	int64_t moved;	   /* steady microseconds */
	enum phase phase;
	enum reason reason;
	bool fresh; /* the head has just been read: its end may be known without another byte */
	bool stays; /* the connection goes on after this exchange */
};

static struct h1_front *front_of(const struct leg *leg)
{
	return (struct h1_front *)leg;
}

static struct side *client_of(const struct h1_front *front)
{
	return front->h1.leg.side;
}

static struct allowance *allowance_of(const struct h1_front *front)
{
	return hub_allowance(front->h1.leg.conversation);
}

/* Input */

enum filled { FILLED, FILL_WAIT, FILL_ENDED, FILL_BROKEN };

static void set_input(struct h1_front *front, size_t length)
{
	allowance_free(allowance_of(front), front->kept);
	front->kept = NULL;
	front->input.bytes = (const uint8_t *)leg_scratch.client;
	front->input.length = length;
}

static enum filled fill(struct h1_front *front)
{
	ssize_t got;

	if (front->input.length)
		return FILLED;
	got = side_read(client_of(front), leg_scratch.client, sizeof(leg_scratch.client));
	if (got > 0) {
		set_input(front, (size_t)got);
		return FILLED;
	}
	if (got == 0)
		return FILL_ENDED;
	return errno == EAGAIN ? FILL_WAIT : FILL_BROKEN;
}

static void break_off(struct h1_front *front, enum reason reason)
{
	if (front->reason == REASON_NONE)
		front->reason = reason;
	courier_fail(&front->courier, reason, ENDING_RESET);
	front->phase = PHASE_OVER;
}

/* What was read and not parsed outlives the turn in storage of its own. */
static void keep_input(struct h1_front *front)
{
	struct span *input = &front->input;

	if (!input->length) {
		set_input(front, 0);
		return;
	}
	if (front->kept)
		return;
	front->kept = allowance_resize(allowance_of(front), NULL, input->length);
	if (!front->kept) {
		break_off(front, REASON_NO_MEMORY);
		input->length = 0;
		return;
	}
	memcpy(front->kept, input->bytes, input->length);
	input->bytes = (const uint8_t *)front->kept;
}

static bool is_broken(int fd)
{
	struct pollfd watched = { .fd = fd };

	return poll(&watched, 1, 0) > 0 && (watched.revents & (POLLERR | POLLHUP));
}

/* Notices a client that has gone while it has nothing to say. Reads ahead at most one chunk. */
static void watch(struct h1_front *front)
{
	struct side *client = client_of(front);
	bool broken = false;

	if (front->input.length)
		broken = is_broken(client->fd);
	else if (!client->read_ended)
		broken = fill(front) == FILL_BROKEN;
	if (broken)
		break_off(front, REASON_CLIENT_RESET);
}

/* Phases */

static void begin_closing(struct h1_front *front)
{
	front->moved = clock_steady();
	front->phase = PHASE_CLOSING;
}

static void close_for(struct h1_front *front, enum reason reason)
{
	front->reason = front->h1.leg.conversation->draining ? REASON_DRAINED : reason;
	begin_closing(front);
}

/* A client that does not read its answers is not asked for more. */
static void wait_for_request(struct h1_front *front)
{
	struct conversation *conversation = front->h1.leg.conversation;

	if (conversation->draining) {
		close_for(front, REASON_DRAINED);
		return;
	}
	if (side_pending(client_of(front)))
		return;
	switch (fill(front)) {
	case FILLED:
		courier_begin(&front->courier, conversation, &front->h1.leg);
		h1_reader_begin_request(&front->h1.reader, &front->courier.exchange.request);
		front->stays = false;
		front->phase = PHASE_READING;
		break;
	case FILL_WAIT:
		break;
	case FILL_ENDED:
		close_for(front, REASON_FINISHED);
		break;
	case FILL_BROKEN:
		/* Many clients leave TLS without a word; between two requests nothing is lost. */
		break_off(front, errno == EPROTO ? REASON_FINISHED : REASON_CLIENT_RESET);
		break;
	}
}

static void refuse_unreadable(struct h1_front *front)
{
	struct courier *courier = &front->courier;

	switch (front->h1.reader.failure) {
	case H1_TARGET_TOO_LONG:
		courier_refuse(courier, 414, REASON_REQUEST_TOO_LARGE, "the target is too long");
		break;
	case H1_HEAD_TOO_LARGE:
		courier_request_malformed(courier, REASON_REQUEST_TOO_LARGE,
					  "the head is too large");
		break;
	case H1_NO_MEMORY:
		courier_request_malformed(courier, REASON_NO_MEMORY, NULL);
		break;
	default:
		courier_request_malformed(courier, REASON_REQUEST_MALFORMED, "it cannot be parsed");
	}
}

/* A client may end its connection after empty lines; that was no request. */
static void end_of_requests(struct h1_front *front)
{
	if (!h1_reader_untouched(&front->h1.reader)) {
		courier_request_malformed(&front->courier, REASON_REQUEST_MALFORMED,
					  "it ended too early");
		return;
	}
	courier_forget(&front->courier);
	close_for(front, REASON_FINISHED);
}

static void read_head(struct h1_front *front)
{
	struct span body;

	for (;;) {
		switch (h1_read(&front->h1.reader, &front->input, &body)) {
		case H1_HEAD:
			front->phase = PHASE_SERVING;
			front->fresh = true;
			courier_request_head(&front->courier);
			return;
		case H1_MORE:
			break;
		default:
			refuse_unreadable(front);
			return;
		}
		switch (fill(front)) {
		case FILLED:
			break;
		case FILL_WAIT:
			return;
		case FILL_ENDED:
			end_of_requests(front);
			return;
		case FILL_BROKEN:
			break_off(front, REASON_CLIENT_RESET);
			return;
		}
	}
}

static void read_body(struct h1_front *front)
{
	struct courier *courier = &front->courier;
	struct h1_reader *reader = &front->h1.reader;
	struct span body;
	enum h1_event event;

	while ((event = h1_read(reader, &front->input, &body)) == H1_BODY) {
		courier_request_body(courier, body);
		if (courier->phase == COURIER_OVER)
			return;
	}
	if (event == H1_END) {
		if (!front->input.length)
			side_rest(client_of(front));
		courier_request_end(courier, reader->trailers);
	} else if (event == H1_FAILED) {
		refuse_unreadable(front);
	}
}

static void take_input(struct h1_front *front)
{
	struct span input = front->input;

	if (!front->h1.raw) {
		read_body(front);
		return;
	}
	front->input.length = 0;
	courier_request_body(&front->courier, input);
}

static void end_of_input(struct h1_front *front)
{
	/* Half a request: the server must not take it for a whole one. */
	if (front->h1.raw)
		courier_request_end(&front->courier, NULL);
	else
		break_off(front, REASON_CLIENT_RESET);
}

static void serve(struct h1_front *front)
{
	struct courier *courier = &front->courier;

	if (courier->phase == COURIER_REACHING ||
	    (courier->phase == COURIER_CARRYING && courier->request_done)) {
		watch(front);
		return;
	}
	if (!courier_wants_request(courier)) {
		/* A tunnel's other end may be held up for long. */
		if (front->h1.raw && is_broken(client_of(front)->fd))
			break_off(front, REASON_CLIENT_RESET);
		return;
	}
	if (front->fresh) {
		front->fresh = false;
		read_body(front);
		return;
	}
	switch (fill(front)) {
	case FILLED:
		take_input(front);
		break;
	case FILL_WAIT:
		break;
	case FILL_ENDED:
		end_of_input(front);
		break;
	case FILL_BROKEN:
		break_off(front, REASON_CLIENT_RESET);
		break;
	}
}

static void close_down(struct h1_front *front)
{
	struct side *client = client_of(front);

	parcel_send();
	if (side_pending(client))
		return;
	front->moved = clock_steady();
	if (side_shutdown(client) < 0 || client->read_ended)
		front->phase = PHASE_OVER;
	else
		front->phase = PHASE_LINGERING;
}

static void linger(struct h1_front *front)
{
	front->input.length = 0;
	for (unsigned reads = 0; reads < DISCARD_MAX; reads++) {
		ssize_t got =
			side_read(client_of(front), leg_scratch.client, sizeof(leg_scratch.client));

		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			front->phase = PHASE_OVER;
			return;
		}
	}
	front->h1.leg.conversation->again = true;
}

/* The phases in order of life. Each goes as far as it can; a phase that stays waits. */
static void (*const phases[])(struct h1_front *front) = {
	[PHASE_IDLE] = wait_for_request, [PHASE_READING] = read_head, [PHASE_SERVING] = serve,
	[PHASE_CLOSING] = close_down,	 [PHASE_LINGERING] = linger,
};

static uint64_t progress(const struct h1_front *front)
{
	return client_of(front)->endpoint.received + front->courier.exchange.id -
	       front->input.length;
}

static bool turn(struct leg *leg)
{
	struct h1_front *front = front_of(leg);
	uint64_t before = progress(front);
	enum phase first = front->phase, phase;
	bool flushed = leg_flush(leg);

	if (leg->broken)
		break_off(front, leg->fault ? leg->fault : REASON_CLIENT_RESET);
	do {
		phase = front->phase;
		if (phase != PHASE_OVER)
			phases[phase](front);
	} while (front->phase != phase);
	if (phase == PHASE_OVER)
		hub_end(leg->conversation, front->reason);
	return flushed || phase != first || progress(front) != before;
}

/* Sending */

/* Whether the connection can go on after this response. A request that is still on its way when it
 * is answered may never be completed. */
static bool can_stay(const struct courier *courier, const struct head *head)
{
	const struct head *request = &courier->exchange.request;

	return request->keep_alive && courier->request_done && !courier->exchange.local &&
	       !courier->conversation->leaving && head->body != BODY_UNTIL_CLOSE &&
	       !(head->body == BODY_STREAM && request->version == HTTP_1_0);
}

static void send_head(struct stream *stream, struct head *head)
{
	struct h1_front *front = front_of(stream->leg);
	enum http_version version = stream->courier->exchange.request.version;

	front->stays = head->status == 101 || can_stay(stream->courier, head);
	front->h1.raw = head->status == 101;
	front->h1.chunked = head->body == BODY_STREAM && version != HTTP_1_0;
	head->version = version;
	head->keep_alive = front->stays;
	h1_print_response(parcel_open(stream->leg), head);
}

static void leave(struct stream *stream, enum ending ending, enum reason reason)
{
	struct h1_front *front = front_of(stream->leg);

	h1_reader_end(&front->h1.reader);
	front->moved = clock_steady();
	if (ending == ENDING_DONE && front->stays && !front->h1.raw) {
		front->phase = PHASE_IDLE;
		return;
	}
	if (ending == ENDING_DONE)
		reason = front->h1.leg.conversation->draining ? REASON_DRAINED : REASON_FINISHED;
	if (front->reason == REASON_NONE)
		front->reason = reason;
	if (ending == ENDING_RESET)
		front->phase = PHASE_OVER;
	else if (ending == ENDING_SILENT)
		front->phase = PHASE_LINGERING;
	else
		front->phase = PHASE_CLOSING;
}

/* Time */

static int64_t deadline(const struct leg *leg)
{
	const struct h1_front *front = front_of(leg);

	switch (front->phase) {
	case PHASE_IDLE:
		return front->moved + hub_limit(leg->conversation, LIMIT_KEEP_ALIVE);
	case PHASE_READING:
		return front->courier.exchange.start.steady + hub_limit(leg->conversation, LIMIT_REQUEST);
	case PHASE_CLOSING:
		return front->moved + hub_limit(leg->conversation, LIMIT_RESPONSE);
	case PHASE_LINGERING:
		return front->moved + hub_seconds(REFUSE_SECONDS);
	default:
		return INT64_MAX;
	}
}

static void expire(struct leg *leg)
{
	struct h1_front *front = front_of(leg);

	switch (front->phase) {
	case PHASE_IDLE:
		if (side_pending(client_of(front)))
			break_off(front, REASON_SLOW_READER);
		else
			close_for(front, REASON_IDLE);
		break;
	case PHASE_READING:
		courier_refuse(&front->courier, 408, REASON_REQUEST_TIMEOUT, NULL);
		break;
	default:
		front->phase = PHASE_OVER;
	}
}

static void rest(struct leg *leg)
{
	keep_input(front_of(leg));
	if (front_of(leg)->phase == PHASE_OVER)
		hub_end(leg->conversation, front_of(leg)->reason);
}

static void discard(struct leg *leg)
{
	struct h1_front *front = front_of(leg);

	parcel_drop(leg);
	h1_reader_end(&front->h1.reader);
	allowance_free(allowance_of(front), front->kept);
	free(front);
}

static const struct codec codec = {
	.turn = turn,
	.rest = rest,
	.send_head = send_head,
	.send_body = h1_send_body,
	.send_end = h1_send_end,
	.has_room = h1_has_room,
	.leave = leave,
	.deadline = deadline,
	.expire = expire,
	.free = discard,
};

struct leg *h1_front_new(struct conversation *conversation)
{
	struct h1_front *front = calloc(1, sizeof(*front));

	if (!front)
		return NULL;
	front->h1.leg = (struct leg){
		.codec = &codec,
		.conversation = conversation,
		.side = conversation->settings.client,
	};
	front->courier.phase = COURIER_OVER;
	front->moved = clock_steady();
	return &front->h1.leg;
}
