#include "daemon/http/h2_leg.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/http/h2_receiving.h"
#include "daemon/http/parcel.h"

enum {
	EMIT_MAX = 2 * CHUNK_SIZE,   /* in one write */
	FORGIVENESS = 1000000 / 32,  /* microseconds a glitch */
	CONNECTION_WINDOW = 1 << 30, /* the streams' windows are what counts */
	QUEUE_MAX = 512,	     /* frames of our own that wait, before we read no more */
};

struct h2_printed h2_printed;

struct h2_leg *h2_of(const struct leg *leg)
{
	return (struct h2_leg *)leg;
}

enum reason h2_fault_of_peer(const struct h2_leg *leg)
{
	return leg->kind->begin ? REASON_REQUEST_MALFORMED : REASON_RESPONSE_MALFORMED;
}

uint32_t h2_code(enum reason reason)
{
	switch (reason) {
	case REASON_NONE:
	case REASON_FINISHED:
		return NGHTTP2_NO_ERROR;
	case REASON_REQUEST_MALFORMED:
		return NGHTTP2_PROTOCOL_ERROR;
	case REASON_BLOCKED:
	case REASON_CUT:
	case REASON_CLIENT_RESET:
	case REASON_CANCELLED:
	case REASON_IDLE:
		return NGHTTP2_CANCEL;
	case REASON_DRAINED:
	case REASON_TOO_MANY:
		return NGHTTP2_REFUSED_STREAM;
	case REASON_FLOOD:
		return NGHTTP2_ENHANCE_YOUR_CALM;
	default:
		return NGHTTP2_INTERNAL_ERROR;
	}
}

void h2_end_session(struct h2_leg *leg, enum reason reason, uint32_t code)
{
	if (leg->reason == REASON_NONE)
		leg->reason = reason;
	nghttp2_session_terminate_session(leg->session, code);
}

void h2_glitch(struct h2_leg *leg, unsigned cost)
{
	int64_t now = clock_steady();
	int64_t forgiven = (now - leg->calmed) / FORGIVENESS;

	if (forgiven > 0) {
		leg->glitches -= forgiven < leg->glitches ? (unsigned)forgiven : leg->glitches;
		leg->calmed = now;
	}
	leg->glitches += cost;
	if (leg->glitches > (uint64_t)hub_limit(leg->leg.conversation, LIMIT_GLITCHES))
		h2_end_session(leg, REASON_FLOOD, NGHTTP2_ENHANCE_YOUR_CALM);
}

static bool may_read(const struct h2_leg *leg)
{
	return !leg->leg.broken &&
	       nghttp2_session_get_outbound_queue_size(leg->session) <= QUEUE_MAX &&
	       nghttp2_session_want_read(leg->session);
}

static enum h2_read give_up(struct h2_leg *leg, ssize_t error)
{
	if (leg->reason == REASON_NONE)
		leg->reason = error == NGHTTP2_ERR_NOMEM     ? REASON_NO_MEMORY
			      : error == NGHTTP2_ERR_FLOODED ? REASON_FLOOD
							     : h2_fault_of_peer(leg);
	nghttp2_session_terminate_session(leg->session, NGHTTP2_PROTOCOL_ERROR);
	return H2_READ;
}

/* Many servers send each answer in a record of its own: what one read of the socket brought is
 * taken together, so that it goes on together. */
enum h2_read h2_read(struct h2_leg *leg, char scratch[static CHUNK_SIZE])
{
	size_t total = 0;

	do {
		ssize_t got, used;

		if (!may_read(leg))
			break;
		got = side_read(leg->leg.side, scratch, CHUNK_SIZE - total);
		if (got < 0 && errno == EAGAIN)
			break;
		if (got == 0)
			errno = 0;
		if (got <= 0)
			return H2_READ_GONE;
		total += (size_t)got;
		used = nghttp2_session_mem_recv(leg->session, (const uint8_t *)scratch,
						(size_t)got);
		if (used < 0)
			return give_up(leg, used);
	} while (total < CHUNK_SIZE && side_buffered(leg->leg.side));
	if (!total)
		return H2_READ_WAIT;
	leg->moved = clock_steady();
	return H2_READ;
}

bool h2_emit(struct h2_leg *leg)
{
	size_t total = 0;
	bool moved = false;

	while (!leg->leg.broken && !side_pending(leg->leg.side)) {
		const uint8_t *bytes;
		ssize_t length = nghttp2_session_mem_send(leg->session, &bytes);

		if (length < 0) {
			leg->leg.broken = true;
			leg->leg.fault = REASON_NO_MEMORY;
		}
		if (length <= 0)
			break;
		text_add_bytes(parcel_open(&leg->leg), bytes, (size_t)length);
		total += (size_t)length;
		moved = true;
		if (total < EMIT_MAX)
			continue;
		parcel_send();
		total = 0;
	}
	if (moved)
		parcel_send();
	return moved;
}

void h2_rest(struct leg *leg)
{
	h2_bury(h2_of(leg));
}

void h2_settle(struct leg *leg)
{
	struct h2_leg *h2 = h2_of(leg);

	if (!nghttp2_session_want_write(h2->session))
		h2_pages_rest(&h2->pages);
}

static nghttp2_option *make_options(void)
{
	nghttp2_option *options;

	if (nghttp2_option_new(&options) != 0)
		return NULL;
	nghttp2_option_set_no_auto_window_update(options, 1);
	nghttp2_option_set_peer_max_concurrent_streams(options, STREAMS_MAX);
	nghttp2_option_set_no_closed_streams(options, 1);
	nghttp2_option_set_max_settings(options, 32);
	return options;
}

typedef int session_new(nghttp2_session **session, const nghttp2_session_callbacks *callbacks,
			void *context, const nghttp2_option *options, nghttp2_mem *memory);

static int begin(struct h2_leg *leg, session_new *make)
{
	nghttp2_session_callbacks *callbacks = h2_callbacks();
	nghttp2_option *options = make_options();
	int result = -1;

	leg->calmed = clock_steady();
	leg->moved = leg->calmed;
	h2_pages_begin(&leg->pages, hub_allowance(leg->leg.conversation));
	if (callbacks && options &&
	    make(&leg->session, callbacks, leg, options, &leg->pages.memory) == 0)
		result = 0;
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_option_del(options);
	return result;
}

static int submit_settings(struct h2_leg *leg, const nghttp2_settings_entry *entries, size_t count)
{
	if (nghttp2_submit_settings(leg->session, NGHTTP2_FLAG_NONE, entries, count) != 0)
		return -1;
	return nghttp2_session_set_local_window_size(leg->session, NGHTTP2_FLAG_NONE, 0,
						     CONNECTION_WINDOW) == 0
		       ? 0
		       : -1;
}

static uint32_t setting(const struct h2_leg *leg, enum limit limit)
{
	return (uint32_t)hub_limit(leg->leg.conversation, limit);
}

int h2_begin_front(struct h2_leg *leg, const struct h2_kind *kind)
{
	const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, setting(leg, LIMIT_STREAMS) },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, setting(leg, LIMIT_HEADER_SIZE) },
		{ NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1 },
	};

	leg->kind = kind;
	return begin(leg, nghttp2_session_server_new3) == 0
		       ? submit_settings(leg, entries, sizeof(entries) / sizeof(*entries))
		       : -1;
}

int h2_begin_back(struct h2_leg *leg, const struct h2_kind *kind)
{
	const nghttp2_settings_entry entries[] = {
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, setting(leg, LIMIT_HEADER_SIZE) },
	};

	leg->kind = kind;
	return begin(leg, nghttp2_session_client_new3) == 0
		       ? submit_settings(leg, entries, sizeof(entries) / sizeof(*entries))
		       : -1;
}

void h2_end(struct h2_leg *leg)
{
	nghttp2_session_del(leg->session);
	leg->session = NULL;
	while (leg->streams) {
		leg->streams->closed = true;
		h2_remove_stream(leg->streams);
	}
	h2_bury(leg);
}

void h2_discard(struct leg *leg)
{
	parcel_drop(leg);
	h2_end(h2_of(leg));
	free(leg);
}
