#include "daemon/http/h2_receiving.h"

#include "daemon/http/guard.h"
#include "daemon/http/h2_leg.h"

enum {
	CONTINUATIONS_MAX = 16,	  /* of one header block */
	BLOCK_MAX = 4 * HEAD_MAX, /* a header block as it was meant, of which HEAD_MAX is kept */
};

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *header, void *context)
{
	struct h2_leg *leg = context;

	(void)session;
	if (header->type != NGHTTP2_CONTINUATION) {
		leg->continuations = 0;
		return 0;
	}
	if (++leg->continuations > CONTINUATIONS_MAX)
		h2_end_session(leg, REASON_FLOOD, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2_leg *leg = context;
	struct h2_stream *stream = h2_find_stream(leg, frame->hd.stream_id);

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
	struct h2_stream *stream = h2_find_stream(leg, frame->hd.stream_id);

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
	struct h2_stream *stream = h2_find_stream(leg, id);
	struct span part = { bytes, length };

	(void)flags;
	nghttp2_session_consume_connection(session, length);
	if (!stream || !stream->courier) {
		take_in_vain(stream, length);
		return 0;
	}
	if (!stream->in.length && leg->kind->wants(stream->courier)) {
		leg->kind->take_body(stream->courier, part);
		h2_consume(stream, length);
	} else if (backlog_add(&stream->in, part) < 0) {
		leg->kind->malformed(stream->courier, REASON_NO_MEMORY, NULL);
	} else {
		leg->waiting = true;
	}
	return 0;
}

static void take_trailers(struct h2_stream *stream, bool ended)
{
	if (!stream->courier)
		return;
	if (h2_fields_end(&stream->fields, ended) != H2_FINE || !guard_trailers(&stream->trailers))
		stream->leg->kind->malformed(stream->courier,
					     h2_fault_of_peer(stream->leg),
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
	struct h2_stream *stream = frame->hd.stream_id ? h2_find_stream(leg, frame->hd.stream_id) : NULL;
	bool ended = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	(void)session;
	weigh(leg, frame);
	if (frame->hd.type == NGHTTP2_GOAWAY)
		leg->going = true;
	if (!stream || (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
		return 0;
	if (ended && !stream->in_ended) {
		stream->in_ended = true;
		leg->incoming--;
	}
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
	struct h2_stream *stream = h2_find_stream(leg, id);

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
	struct h2_leg *leg = context;
	struct h2_stream *stream;

	(void)session;
	(void)error;
	if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = h2_find_unsent(leg, frame->hd.stream_id);
	if (!stream)
		return 0;
	stream->closed = true;
	leg->unsent = true;
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
		h2_end_session(leg, h2_fault_of_peer(leg), NGHTTP2_FLOW_CONTROL_ERROR);
	if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR &&
	    leg->reason == REASON_NONE)
		leg->reason = h2_fault_of_peer(leg);
	return 0;
}

nghttp2_session_callbacks *h2_callbacks(void)
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
