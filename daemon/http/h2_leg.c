#include "daemon/http/h2_leg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http/guard.h"
#include "daemon/http/parcel.h"

enum {
	OUT_MAX = 2 * CHUNK_SIZE,    /* of one stream, waiting to be sent */
	EMIT_MAX = 2 * CHUNK_SIZE,   /* in one write */
	CONTINUATIONS_MAX = 16,	     /* of one header block */
	BLOCK_MAX = 4 * HEAD_MAX,    /* a header block as it was meant, of which HEAD_MAX is kept */
	FORGIVENESS = 1000000 / 32,  /* microseconds a glitch */
	CONNECTION_WINDOW = 1 << 30, /* the streams' windows are what counts */
	QUEUE_MAX = 512,	     /* frames of our own that wait, before we read no more */
};

struct h2_printed h2_printed;

struct h2_leg *h2_of(const struct leg *leg)
{
	return (struct h2_leg *)leg;
}

static enum reason fault_of_peer(const struct h2_leg *leg)
{
	return leg->kind->begin ? REASON_REQUEST_MALFORMED : REASON_RESPONSE_MALFORMED;
}

/* The budget */

static void end_session(struct h2_leg *leg, enum reason reason, uint32_t code)
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
		end_session(leg, REASON_FLOOD, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* Streams */

/* A request that nghttp2 has not sent yet is not known to it by its number. */
static struct h2_stream *find(struct h2_leg *leg, int32_t id)
{
	struct h2_stream *stream = nghttp2_session_get_stream_user_data(leg->session, id);

	if (stream)
		return stream;
	for (stream = leg->streams; stream && stream->id != id; stream = stream->next)
		;
	return stream;
}

void h2_add_stream(struct h2_leg *leg, struct h2_stream *stream)
{
	struct allowance *allowance = hub_allowance(leg->leg.conversation);

	stream->leg = leg;
	backlog_begin(&stream->in, allowance);
	backlog_begin(&stream->out, allowance);
	head_begin(&stream->trailers, allowance);
	head_begin(&stream->last, allowance);
	stream->window = STREAM_WINDOW;
	stream->next = leg->streams;
	leg->streams = stream;
	leg->count++;
}

void h2_remove_stream(struct h2_stream *stream)
{
	struct h2_leg *leg = stream->leg;
	struct h2_stream **link = &leg->streams;

	while (*link && *link != stream)
		link = &(*link)->next;
	if (!*link)
		return;
	*link = stream->next;
	leg->count--;
	leg->growth -= stream->window - STREAM_WINDOW;
	stream->next = leg->dead;
	leg->dead = stream;
}

void h2_bury(struct h2_leg *leg)
{
	struct h2_stream *left = leg->streams, *next;

	for (; left; left = next) {
		next = left->next;
		if (left->closed && !left->courier)
			h2_remove_stream(left);
	}
	while (leg->dead) {
		struct h2_stream *stream = leg->dead;

		leg->dead = stream->next;
		backlog_end(&stream->in);
		backlog_end(&stream->out);
		head_end(&stream->trailers);
		head_end(&stream->last);
		leg->kind->free_stream(stream);
	}
}

void h2_reset(struct h2_stream *stream, uint32_t code)
{
	if (!stream->closed)
		nghttp2_submit_rst_stream(stream->leg->session, NGHTTP2_FLAG_NONE, stream->id,
					  code);
	backlog_end(&stream->out);
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

/* Receiving */

/* A window is a promise: what all have grown by must find room in the allowance. */
static uint64_t growth_limit(const struct h2_leg *leg)
{
	uint64_t growth = (uint64_t)hub_limit(leg->leg.conversation, LIMIT_STREAM_MEMORY);
	uint64_t quarter = (uint64_t)hub_limit(leg->leg.conversation, LIMIT_CONNECTION_MEMORY) / 4;

	return growth < quarter ? growth : quarter;
}

/* A reader that keeps up gets more at a time, a slow one never more than it had. */
static void widen(struct h2_stream *stream)
{
	struct h2_leg *leg = stream->leg;
	uint32_t more = stream->window;

	if (stream->taken < stream->window || stream->in.length ||
	    stream->window + more > STREAM_WINDOW_MAX || leg->growth + more > growth_limit(leg))
		return;
	stream->taken = 0;
	stream->window += more;
	leg->growth += more;
	nghttp2_session_set_local_window_size(leg->session, NGHTTP2_FLAG_NONE, stream->id,
					      (int32_t)stream->window);
}

static void consume(struct h2_stream *stream, size_t length)
{
	if (stream->closed)
		return;
	nghttp2_session_consume_stream(stream->leg->session, stream->id, length);
	stream->taken += (uint32_t)length;
	widen(stream);
}

static void throw_away(struct h2_stream *stream)
{
	size_t length = stream->in.length;

	backlog_end(&stream->in);
	consume(stream, length);
}

bool h2_deliver(struct h2_stream *stream)
{
	const struct h2_kind *kind = stream->leg->kind;
	bool moved = false;

	while (stream->courier && stream->in.length && kind->wants(stream->courier)) {
		struct span part = backlog_view(&stream->in);

		if (part.length > CHUNK_SIZE)
			part.length = CHUNK_SIZE;
		kind->take_body(stream->courier, part);
		backlog_drop(&stream->in, part.length);
		consume(stream, part.length);
		moved = true;
	}
	if (!stream->courier && stream->in.length)
		throw_away(stream);
	if (stream->courier && stream->headed && stream->in_ended && !stream->in_told &&
	    !stream->in.length && stream->courier->phase == COURIER_CARRYING) {
		stream->in_told = true;
		kind->take_end(stream->courier,
			       stream->trailers.field_count ? &stream->trailers : NULL);
		return true;
	}
	return moved;
}

bool h2_deliver_all(struct h2_leg *leg)
{
	struct h2_stream *stream = leg->streams, *next;
	bool moved = false;

	for (; stream; stream = next) {
		next = stream->next;
		if (stream->in.length || (stream->in_ended && !stream->in_told))
			moved |= h2_deliver(stream);
	}
	return moved;
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *header, void *context)
{
	struct h2_leg *leg = context;

	(void)session;
	if (header->type != NGHTTP2_CONTINUATION) {
		leg->continuations = 0;
		return 0;
	}
	if (++leg->continuations > CONTINUATIONS_MAX)
		end_session(leg, REASON_FLOOD, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_leg *leg = context;
	struct h2_stream *stream = find(leg, frame->hd.stream_id);

	leg->block_began = clock_steady();
	if (!stream && leg->kind->begin)
		stream = leg->kind->begin(leg, frame->hd.stream_id);
	if (!stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, stream);
	if (stream->headed)
		h2_fields_begin(&stream->fields, &stream->trailers, H2_TRAILERS);
	return 0;
}

static int take_field(struct h2_leg *leg, const nghttp2_frame *frame, struct span name,
		      struct span value)
{
	struct h2_stream *stream = find(leg, frame->hd.stream_id);

	if (!stream || !stream->fields.head || !stream->courier)
		return 0;
	h2_fields_take(&stream->fields, name, value);
	/* A few bytes of compression can mean very much. */
	if (stream->fields.size > BLOCK_MAX) {
		stream->fields.size = 0;
		h2_glitch(leg, GLITCHES_MAX / 8);
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	}
	return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
		     void *context)
{
	(void)session;
	(void)flags;
	return take_field(context, frame, (struct span){ name, name_length },
			  (struct span){ value, value_length });
}

/* The library would leave it out; a message that somebody meant differently is refused. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
			     const uint8_t *name, size_t name_length, const uint8_t *value,
			     size_t value_length, uint8_t flags, void *context)
{
	(void)session, (void)frame, (void)name, (void)name_length, (void)value;
	(void)value_length, (void)flags;
	h2_glitch(context, 1);
	return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* Nobody wants the rest of this body. Its window is not opened again, and who does not finish within
 * it is told to stop (RFC 9113 section 8.1); at once, many clients would lose the answer. */
static void take_in_vain(struct h2_stream *stream, size_t length)
{
	if (!stream || stream->closed)
		return;
	stream->taken += (uint32_t)length;
	if (stream->taken >= STREAM_WINDOW / 2)
		h2_reset(stream, NGHTTP2_NO_ERROR);
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
		   size_t length, void *context)
{
	struct h2_leg *leg = context;
	struct h2_stream *stream = find(leg, id);
	struct span part = { bytes, length };

	(void)flags;
	nghttp2_session_consume_connection(session, length);
	if (!stream || !stream->courier) {
		take_in_vain(stream, length);
		return 0;
	}
	if (!stream->in.length && leg->kind->wants(stream->courier)) {
		leg->kind->take_body(stream->courier, part);
		consume(stream, length);
	} else if (backlog_add(&stream->in, part) < 0) {
		leg->kind->malformed(stream->courier, REASON_NO_MEMORY, NULL);
	}
	return 0;
}

static void take_trailers(struct h2_stream *stream, bool ended)
{
	if (!stream->courier)
		return;
	if (h2_fields_end(&stream->fields, ended) != H2_FINE || !guard_trailers(&stream->trailers))
		stream->leg->kind->malformed(stream->courier,
					     fault_of_peer(stream->leg),
					     "the trailers break the rules");
}

static void took_headers(struct h2_leg *leg, struct h2_stream *stream, bool ended)
{
	leg->block_began = 0;
	if (stream->headed)
		take_trailers(stream, ended);
	else if (stream->courier)
		leg->kind->take_head(stream);
}

/* Frames that ask for work or memory and bring nothing. */
static void weigh(struct h2_leg *leg, const nghttp2_frame *frame)
{
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
		if (!frame->hd.length && !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
			h2_glitch(leg, 1);
		break;
	case NGHTTP2_PING:
	case NGHTTP2_SETTINGS:
		if (!(frame->hd.flags & NGHTTP2_FLAG_ACK))
			h2_glitch(leg, 1);
		break;
	case NGHTTP2_PRIORITY:
	case NGHTTP2_RST_STREAM:
		h2_glitch(leg, 1);
		break;
	default:
		break;
	}
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_leg *leg = context;
	struct h2_stream *stream = frame->hd.stream_id ? find(leg, frame->hd.stream_id) : NULL;
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	(void)session;
	weigh(leg, frame);
	if (frame->hd.type == NGHTTP2_GOAWAY)
		leg->going = true;
	if (!stream || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
		return 0;
	if (ended)
		stream->in_ended = true;
	if (frame->hd.type == NGHTTP2_HEADERS)
		took_headers(leg, stream, ended);
	h2_deliver(stream);
	return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
			    void *context)
{
	(void)session, (void)frame, (void)error;
	h2_glitch(context, 1);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *context)
{
	struct h2_leg *leg = context;
	struct h2_stream *stream = find(leg, id);

	(void)session;
	if (!stream)
		return 0;
	stream->closed = true;
	/* What came whole before is still handed over. */
	if (stream->courier && code == NGHTTP2_NO_ERROR)
		h2_deliver(stream);
	if (stream->courier)
		leg->kind->closed(stream, code);
	return 0;
}

/* A request that was taken back before it went out. */
static int on_frame_not_send(nghttp2_session *session, const nghttp2_frame *frame, int error,
			     void *context)
{
	struct h2_stream *stream;

	(void)session;
	(void)error;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = find(context, frame->hd.stream_id);
	if (stream)
		stream->closed = true;
	return 0;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_leg *leg = context;

	(void)session;
	/* nghttp2 ends the stream alone where settings overflow a window; the standard wants more
	 * (RFC 9113 section 6.9.2). We never say this of our own. */
	if (frame->hd.type == NGHTTP2_RST_STREAM &&
	    frame->rst_stream.error_code == NGHTTP2_FLOW_CONTROL_ERROR)
		end_session(leg, fault_of_peer(leg), NGHTTP2_FLOW_CONTROL_ERROR);
	if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
	    leg->reason == REASON_NONE)
		leg->reason = fault_of_peer(leg);
	return 0;
}

/* Sending */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *bytes, size_t size,
			 uint32_t *flags, nghttp2_data_source *source, void *context)
{
	struct h2_stream *stream = source->ptr;
	struct span view = backlog_view(&stream->out);

	(void)context;
	if (view.length > size)
		view.length = size;
	if (view.length)
		memcpy(bytes, view.bytes, view.length);
	backlog_drop(&stream->out, view.length);
	if (stream->out.length || !stream->out_ended)
		return view.length ? (ssize_t)view.length : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!stream->last.field_count)
		return (ssize_t)view.length;
	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	h2_print_trailers(&h2_printed, &stream->last);
	nghttp2_submit_trailer(session, id, h2_printed.fields, h2_printed.count);
	return (ssize_t)view.length;
}

nghttp2_data_provider h2_body_of(struct h2_stream *stream)
{
	return (nghttp2_data_provider){ .source.ptr = stream, .read_callback = read_body };
}

void h2_run_out(struct h2_stream *h2)
{
	if (h2->courier)
		h2->leg->kind->malformed(h2->courier, REASON_NO_MEMORY, NULL);
	else
		h2_reset(h2, NGHTTP2_INTERNAL_ERROR);
}

void h2_send_body(struct stream *stream, struct span body)
{
	struct h2_stream *h2 = stream->h2;

	if (!h2 || h2->closed || !body.length)
		return;
	if (backlog_add(&h2->out, body) < 0)
		h2_run_out(h2);
	else
		nghttp2_session_resume_data(h2->leg->session, h2->id);
}

static int copy_trailers(struct h2_stream *h2, const struct head *trailers)
{
	for (size_t i = 0; i < trailers->field_count; i++) {
		const struct field *field = &trailers->fields[i];

		if (head_add_field(&h2->last, trailers->text + field->name, field->name_length,
				   trailers->text + field->value, field->value_length) < 0)
			return -1;
	}
	return 0;
}

void h2_send_end(struct stream *stream, const struct head *trailers)
{
	struct h2_stream *h2 = stream->h2;

	if (!h2 || h2->closed || h2->out_ended)
		return;
	if (trailers && copy_trailers(h2, trailers) < 0)
		h2_run_out(h2);
	h2->out_ended = true;
	nghttp2_session_resume_data(h2->leg->session, h2->id);
}

bool h2_has_room(const struct stream *stream)
{
	return stream->h2 && stream->h2->out.length < OUT_MAX;
}

/* The session */

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
							     : fault_of_peer(leg);
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

void h2_settle(struct leg *leg)
{
	struct h2_leg *h2 = h2_of(leg);

	if (!nghttp2_session_want_write(h2->session))
		h2_pages_rest(&h2->pages);
}

static nghttp2_session_callbacks *make_callbacks(void)
{
	nghttp2_session_callbacks *callbacks;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		return NULL;
	nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
	nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
	return callbacks;
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
	nghttp2_session_callbacks *callbacks = make_callbacks();
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
