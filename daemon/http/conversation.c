#include "daemon/http/conversation.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/flow.h"
#include "daemon/http/h1_printer.h"
#include "daemon/http/page.h"

enum {
	STEPS_MAX = 64,	  /* of CHUNK_SIZE in one turn, before others have theirs */
	DISCARD_MAX = 64, /* reads of one turn while lingering */
};

struct scratch flow_scratch;

static int64_t seconds(int64_t count)
{
	return count * 1000000;
}

/* Input */

static void set_input(struct conversation *conversation, size_t length)
{
	free(conversation->kept);
	conversation->kept = NULL;
	conversation->input.bytes = (const uint8_t *)flow_scratch.client;
	conversation->input.length = length;
}

enum filled flow_fill(struct conversation *conversation)
{
	ssize_t got;

	if (conversation->input.length)
		return FILLED;
	got = side_read(conversation->settings.client, flow_scratch.client,
			sizeof(flow_scratch.client));
	if (got > 0) {
		set_input(conversation, (size_t)got);
		return FILLED;
	}
	if (got == 0)
		return FILL_ENDED;
	return errno == EAGAIN ? FILL_WAIT : FILL_BROKEN;
}

/* What was read and not parsed outlives the turn in storage of its own. */
static void keep_input(struct conversation *conversation)
{
	struct span *input = &conversation->input;

	if (!input->length) {
		set_input(conversation, 0);
		return;
	}
	if (conversation->kept)
		return;
	conversation->kept = malloc(input->length);
	if (!conversation->kept) {
		flow_break(conversation, REASON_NO_MEMORY);
		input->length = 0;
		return;
	}
	memcpy(conversation->kept, input->bytes, input->length);
	input->bytes = (const uint8_t *)conversation->kept;
}

static bool is_broken(int fd)
{
	struct pollfd watched = { .fd = fd };

	return poll(&watched, 1, 0) > 0 && (watched.revents & (POLLERR | POLLHUP));
}

void flow_watch_client(struct conversation *conversation)
{
	struct side *client = conversation->settings.client;
	bool broken = false;

	if (conversation->input.length)
		broken = is_broken(client->fd);
	else if (!client->read_ended)
		broken = flow_fill(conversation) == FILL_BROKEN;
	if (broken)
		flow_break(conversation, REASON_CLIENT_RESET);
}

/* Ends of an exchange */

void flow_release(struct conversation *conversation, bool reusable)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct side *server = conversation->server;

	if (!conversation->wants_server)
		return;
	conversation->wants_server = false;
	conversation->server = NULL;
	settings->host->release(settings->context, &conversation->exchange, server, reusable);
	conversation->exchange.server = NULL;
}

static void end_exchange(struct conversation *conversation, bool reusable)
{
	flow_release(conversation, reusable);
	h1_reader_end(&conversation->request_reader);
	h1_reader_end(&conversation->response_reader);
	exchange_end(&conversation->exchange);
	conversation->running = false;
}

static void fail_exchange(struct conversation *conversation, enum reason reason)
{
	const struct conversation_settings *settings = &conversation->settings;
	struct exchange *exchange = &conversation->exchange;

	if (conversation->reason == REASON_NONE)
		conversation->reason = reason;
	if (!conversation->running)
		return;
	exchange->error = reason;
	exchange->end = clock_now();
	settings->host->note(settings->context, exchange, EXCHANGE_ERROR);
	end_exchange(conversation, false);
}

void flow_break(struct conversation *conversation, enum reason reason)
{
	fail_exchange(conversation, reason);
	conversation->phase = PHASE_OVER;
}

static void begin_closing(struct conversation *conversation)
{
	conversation->moved = clock_steady();
	conversation->phase = PHASE_CLOSING;
}

void flow_cut_short(struct conversation *conversation, enum reason reason)
{
	fail_exchange(conversation, reason);
	begin_closing(conversation);
}

void flow_refuse(struct conversation *conversation, unsigned status, enum reason reason,
		 const char *detail)
{
	struct exchange *exchange = &conversation->exchange;
	const char *method = head_text(&exchange->request, exchange->request.method);
	char storage[PAGE_MAX];
	struct text page;

	exchange->detail = detail;
	if (conversation->response_begun) {
		flow_break(conversation, reason);
		return;
	}
	exchange->local = true;
	exchange->status = status;
	text_begin(&page, storage, sizeof(storage));
	page_print(&page, status, reason, strcmp(method, "HEAD") == 0);
	if (side_send(conversation->settings.client, page.bytes, page.length) < 0)
		flow_break(conversation, reason);
	else
		flow_cut_short(conversation, reason);
}

/* The client hears nothing for as long as one whose whole connection is dropped. */
static void keep_silent(struct conversation *conversation)
{
	fail_exchange(conversation, REASON_BLOCKED);
	conversation->moved = clock_steady();
	conversation->phase = PHASE_LINGERING;
}

void flow_block(struct conversation *conversation)
{
	const struct rule *rule = conversation->exchange.rule;

	switch (rule->block) {
	case BLOCK_PAGE:
		flow_refuse(conversation, 403, REASON_BLOCKED, NULL);
		break;
	case BLOCK_DROP:
		keep_silent(conversation);
		break;
	default:
		flow_break(conversation, REASON_BLOCKED);
	}
}

void flow_close(struct conversation *conversation, enum reason reason)
{
	conversation->reason = conversation->draining ? REASON_DRAINED : reason;
	begin_closing(conversation);
}

void flow_complete(struct conversation *conversation, bool reusable)
{
	const struct conversation_settings *settings = &conversation->settings;

	conversation->exchange.end = clock_now();
	settings->host->note(settings->context, &conversation->exchange, EXCHANGE_RESPONSE);
	end_exchange(conversation, reusable);
	if (conversation->stays)
		conversation->phase = PHASE_IDLE;
	else
		flow_close(conversation, REASON_FINISHED);
}

/* Carrying */

enum carried flow_carry(const struct carriage *carriage)
{
	struct text *output = carriage->output;
	size_t mark = carriage->chunked ? h1_chunk_begin(output) : 0;
	struct span body;
	enum h1_event event;

	while ((event = h1_read(carriage->reader, carriage->input, &body)) == H1_BODY) {
		*carriage->count += body.length;
		if (carriage->chunked || output->length)
			text_add_bytes(output, body.bytes, body.length);
		else if (side_send(carriage->to, body.bytes, body.length) < 0)
			return CARRIED_UNSENT;
	}
	if (event == H1_FAILED || output->full)
		return CARRIED_BROKEN;
	if (carriage->chunked)
		h1_chunk_end(output, mark);
	if (carriage->chunked && event == H1_END)
		h1_print_last_chunk(output, carriage->reader->trailers);
	if (output->length && side_send(carriage->to, output->bytes, output->length) < 0)
		return CARRIED_UNSENT;
	return event == H1_END ? CARRIED_ALL : CARRIED_MORE;
}

static bool is_carrying(const struct conversation *conversation)
{
	return conversation->phase == PHASE_CARRYING;
}

static void carry(struct conversation *conversation)
{
	for (unsigned steps = 0; is_carrying(conversation); steps++) {
		bool moved;

		if (steps == STEPS_MAX) {
			conversation->again = true;
			return;
		}
		moved = request_carry(conversation);
		if (is_carrying(conversation))
			moved |= response_carry(conversation);
		if (moved)
			conversation->moved = clock_steady();
		else
			break;
	}
	if (is_carrying(conversation) && conversation->request_done)
		flow_watch_client(conversation);
}

/* Between and after exchanges */

static void begin_exchange(struct conversation *conversation)
{
	exchange_begin(&conversation->exchange, conversation,
		       conversation->settings.host->identify(conversation->settings.context));
	h1_reader_begin_request(&conversation->request_reader, &conversation->exchange.request);
	conversation->running = true;
	conversation->interim = 0;
	conversation->undecided = false;
	conversation->retried = false;
	conversation->upgrade_sent = false;
	conversation->request_done = false;
	conversation->request_given_up = false;
	conversation->response_begun = false;
	conversation->stays = false;
	conversation->phase = PHASE_READING;
}

/* A client that does not read its answers is not asked for more. */
static void wait_for_request(struct conversation *conversation)
{
	struct side *client = conversation->settings.client;

	if (side_flush(client) < 0) {
		flow_break(conversation, REASON_CLIENT_RESET);
		return;
	}
	if (conversation->draining) {
		flow_close(conversation, REASON_DRAINED);
		return;
	}
	if (side_pending(client))
		return;
	switch (flow_fill(conversation)) {
	case FILLED:
		begin_exchange(conversation);
		break;
	case FILL_WAIT:
		break;
	case FILL_ENDED:
		flow_close(conversation, REASON_FINISHED);
		break;
	case FILL_BROKEN:
		/* Many clients leave TLS without a word; between two requests nothing is lost. */
		flow_break(conversation, errno == EPROTO ? REASON_FINISHED : REASON_CLIENT_RESET);
		break;
	}
}

static void close_down(struct conversation *conversation)
{
	struct side *client = conversation->settings.client;

	if (side_flush(client) < 0) {
		conversation->phase = PHASE_OVER;
		return;
	}
	if (side_pending(client))
		return;
	conversation->moved = clock_steady();
	if (side_shutdown(client) < 0 || client->read_ended)
		conversation->phase = PHASE_OVER;
	else
		conversation->phase = PHASE_LINGERING;
}

static void linger(struct conversation *conversation)
{
	struct side *client = conversation->settings.client;

	conversation->input.length = 0;
	for (unsigned reads = 0; reads < DISCARD_MAX; reads++) {
		ssize_t got = side_read(client, flow_scratch.client, sizeof(flow_scratch.client));

		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			conversation->phase = PHASE_OVER;
			return;
		}
	}
	conversation->again = true;
}

/* The phases in order of life. Each goes as far as it can; a phase that stays waits. */
static void (*const phases[])(struct conversation *conversation) = {
	[PHASE_IDLE] = wait_for_request,  [PHASE_READING] = request_read,
	[PHASE_REACHING] = request_reach, [PHASE_CARRYING] = carry,
	[PHASE_CLOSING] = close_down,	  [PHASE_LINGERING] = linger,
};

static bool is_over(const struct conversation *conversation)
{
	return conversation->phase >= PHASE_UPGRADED;
}

static void tell_host(struct conversation *conversation)
{
	const struct conversation_settings *settings = &conversation->settings;

	conversation->told = true;
	if (conversation->phase == PHASE_UPGRADED)
		settings->host->upgrade(settings->context, &conversation->exchange,
					conversation->server);
	else
		settings->host->finish(settings->context, conversation->reason);
}

void conversation_turn(struct conversation *conversation)
{
	enum phase before;

	if (conversation->turning || conversation->told)
		return;
	conversation->turning = true;
	conversation->again = false;
	do {
		before = conversation->phase;
		if (!is_over(conversation))
			phases[before](conversation);
	} while (conversation->phase != before);
	keep_input(conversation);
	conversation->turning = false;
	if (is_over(conversation))
		tell_host(conversation);
}

struct conversation *conversation_new(const struct conversation_settings *settings)
{
	struct conversation *conversation = calloc(1, sizeof(*conversation));

	if (!conversation)
		return NULL;
	conversation->settings = *settings;
	conversation->moved = clock_steady();
	return conversation;
}

void conversation_free(struct conversation *conversation)
{
	if (!conversation)
		return;
	if (conversation->running && conversation->phase != PHASE_UPGRADED)
		fail_exchange(conversation, REASON_CUT);
	h1_reader_end(&conversation->request_reader);
	h1_reader_end(&conversation->response_reader);
	exchange_end(&conversation->exchange);
	free(conversation->kept);
	free(conversation);
}

void conversation_server_ready(struct exchange *exchange, struct side *server)
{
	exchange->server = server;
	exchange->conversation->server = server;
}

void conversation_server_failed(struct exchange *exchange, enum reason reason)
{
	struct conversation *conversation = exchange->conversation;

	exchange->server = NULL;
	conversation->server = NULL;
	conversation->wants_server = false;
	conversation->failure = reason == REASON_NONE ? REASON_CONNECT_FAILED : reason;
}

/* Time */

static int64_t carrying_deadline(const struct conversation *conversation)
{
	if (conversation->response_begun)
		return conversation->moved + seconds(IDLE_SECONDS);
	if (conversation->request_done)
		return conversation->exchange.request_end.steady + seconds(RESPONSE_SECONDS);
	return conversation->moved + seconds(RESPONSE_SECONDS);
}

int64_t conversation_deadline(const struct conversation *conversation)
{
	if (conversation->again)
		return 0;
	switch (conversation->phase) {
	case PHASE_IDLE:
		return conversation->moved + seconds(KEEPALIVE_SECONDS);
	case PHASE_READING:
		return conversation->exchange.start.steady + seconds(REQUEST_SECONDS);
	case PHASE_CARRYING:
		return carrying_deadline(conversation);
	case PHASE_CLOSING:
		return conversation->moved + seconds(RESPONSE_SECONDS);
	case PHASE_LINGERING:
		return conversation->moved + seconds(REFUSE_SECONDS);
	default:
		return INT64_MAX;
	}
}

static void expire_carrying(struct conversation *conversation)
{
	if (conversation->response_begun)
		flow_break(conversation, REASON_IDLE);
	else if (conversation->request_done || conversation->request_given_up)
		flow_refuse(conversation, 504, REASON_RESPONSE_TIMEOUT, NULL);
	else
		flow_refuse(conversation, 408, REASON_REQUEST_TIMEOUT, NULL);
}

void conversation_expire(struct conversation *conversation)
{
	if (conversation->again || clock_steady() < conversation_deadline(conversation))
		return;
	switch (conversation->phase) {
	case PHASE_IDLE:
		flow_close(conversation, REASON_IDLE);
		break;
	case PHASE_READING:
		flow_refuse(conversation, 408, REASON_REQUEST_TIMEOUT, NULL);
		break;
	case PHASE_CARRYING:
		expire_carrying(conversation);
		break;
	default:
		conversation->phase = PHASE_OVER;
	}
}

void conversation_drain(struct conversation *conversation)
{
	conversation->draining = true;
	conversation_turn(conversation);
}

const struct exchange *conversation_exchange(const struct conversation *conversation)
{
	return conversation->running ? &conversation->exchange : NULL;
}
