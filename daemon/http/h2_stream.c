#include "daemon/http/h2_stream.h"

#include <string.h>
#include <sys/param.h>

#include "daemon/http/h2_leg.h"

enum { OUT_MAX = 2 * CHUNK_SIZE }; /* of one stream, waiting to be sent */

struct h2_stream *h2_find_stream(struct h2_leg *leg, int32_t id)
{
	return nghttp2_session_get_stream_user_data(leg->session, id);
}

struct h2_stream *h2_find_unsent(struct h2_leg *leg, int32_t id)
{
	struct h2_stream *stream = leg->streams;

	while (stream && stream->id != id)
		stream = stream->next;
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
	stream->link = &leg->streams;
	if (stream->next)
		stream->next->link = &stream->next;
	leg->streams = stream;
	leg->count++;
	leg->incoming++;
}

void h2_remove_stream(struct h2_stream *stream)
{
	struct h2_leg *leg = stream->leg;

	if (!stream->link)
		return;
	*stream->link = stream->next;
	if (stream->next)
		stream->next->link = stream->link;
	stream->link = NULL;
	leg->count--;
	leg->incoming -= !stream->in_ended;
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
		allowance_free(hub_allowance(leg->leg.conversation), stream);
	}
}

void h2_reset(struct h2_stream *stream, uint32_t code)
{
	if (!stream->closed)
		nghttp2_submit_rst_stream(stream->leg->session, NGHTTP2_FLAG_NONE, stream->id,
					  code);
	backlog_end(&stream->out);
}

/* What has come */

/* A window is a promise: what all have grown by must find room in the allowance. */
static uint64_t growth_limit(const struct h2_leg *leg)
{
	uint64_t growth = (uint64_t)hub_limit(leg->leg.conversation, LIMIT_STREAM_MEMORY);
	uint64_t quarter = (uint64_t)hub_limit(leg->leg.conversation, LIMIT_CONNECTION_MEMORY) / 4;

	return MIN(growth, quarter);
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

void h2_consume(struct h2_stream *stream, size_t length)
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
	h2_consume(stream, length);
}

static bool waits(const struct h2_stream *stream)
{
	return stream->in.length || (stream->in_ended && !stream->in_told);
}

static bool hand_over(struct h2_stream *stream)
{
	const struct h2_kind *kind = stream->leg->kind;
	bool moved = false;

	while (stream->courier && stream->in.length && kind->wants(stream->courier)) {
		struct span part = backlog_view(&stream->in);

		if (part.length > CHUNK_SIZE)
			part.length = CHUNK_SIZE;
		kind->take_body(stream->courier, part);
		backlog_drop(&stream->in, part.length);
		h2_consume(stream, part.length);
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

bool h2_deliver(struct h2_stream *stream)
{
	bool moved = hand_over(stream);

	stream->leg->waiting |= stream->courier && waits(stream);
	return moved;
}

bool h2_deliver_all(struct h2_leg *leg)
{
	struct h2_stream *stream = leg->streams, *next;
	bool moved = false;

	if (!leg->waiting)
		return false;
	leg->waiting = false;
	for (; stream; stream = next) {
		next = stream->next;
		if (waits(stream))
			moved |= h2_deliver(stream);
	}
	return moved;
}

/* What is to be sent */

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

bool h2_ends_with_head(const struct head *head)
{
	return !head->protocol && (head->body == BODY_NONE ||
				   (head->body == BODY_LENGTH && head->content_length == 0));
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
