/* HTTP/2 as far as the load needs it: requests made of the static table alone, answers known by the
 * first byte of their head and by their DATA. */
#include "load.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum frame_type {
	DATA = 0,
	HEADERS = 1,
	RST_STREAM = 3,
	SETTINGS = 4,
	PING = 6,
	GOAWAY = 7,
	WINDOW_UPDATE = 8,
};

enum {
	FRAME_HEAD = 9,
	ACK = 0x1,
	END_STREAM = 0x1,
	END_HEADERS = 0x4,
	PADDED = 0x8,
	STATUS_200 = 0x88,  /* RFC 7541 appendix A, entry 8 */
	GET_HTTPS = 0x8287, /* entries 2 and 7 */
	AUTHORITY = 0x01,
	PATH = 0x04,
	TEXT_MAX = 126, /* of a name or a path, so that its length is one byte */
	CONNECTION_WINDOW = 1 << 30,
};

/* A request that is under way. */
struct call {
	unsigned id; /* 0: none */
	bool fine;   /* the head said 200 */
	unsigned long long bytes;
	EVP_MD_CTX *hash;
};

struct talk {
	struct stream *stream;
	struct tally *tally;
	struct call calls[AT_A_TIME_MAX];
	unsigned next_id;
	long under_way;
};

struct frame {
	unsigned length;
	unsigned char type;
	unsigned char flags;
	unsigned id;
	const unsigned char *payload;
};

static size_t put_head(char *to, unsigned length, enum frame_type type, unsigned flags, unsigned id)
{
	const unsigned char head[FRAME_HEAD] = {
		length >> 16, length >> 8, length, type, flags, id >> 24, id >> 16, id >> 8, id,
	};

	memcpy(to, head, sizeof(head));
	return sizeof(head);
}

static int send_frame(struct talk *talk, enum frame_type type, unsigned flags, const void *payload,
		      unsigned length)
{
	char bytes[64];
	size_t head = put_head(bytes, length, type, flags, 0);

	memcpy(bytes + head, payload, length);
	return stream_write(talk->stream, bytes, head + length);
}

static int begin(struct talk *talk)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	uint32_t window = htonl(CONNECTION_WINDOW);

	if (stream_write(talk->stream, preface, sizeof(preface) - 1) < 0 ||
	    send_frame(talk, SETTINGS, 0, "", 0) < 0)
		return -1;
	return send_frame(talk, WINDOW_UPDATE, 0, &window, sizeof(window));
}

static size_t put_text(char *to, unsigned char index, const char *text)
{
	size_t length = strlen(text);

	to[0] = (char)index;
	to[1] = (char)length;
	memcpy(to + 2, text, length);
	return 2 + length;
}

static size_t put_request(char *to, const struct task *task, unsigned id)
{
	char *block = to + FRAME_HEAD;
	size_t length = 0;

	block[length++] = (char)(GET_HTTPS >> 8);
	block[length++] = (char)(GET_HTTPS & 0xff);
	length += put_text(block + length, AUTHORITY, task->name);
	length += put_text(block + length, PATH, task->path);
	return length + put_head(to, (unsigned)length, HEADERS, END_STREAM | END_HEADERS, id);
}

/* Asks for as many as there is room for, all in one write. */
static int ask(struct talk *talk, long count)
{
	const struct task *task = talk->tally->task;
	char bytes[AT_A_TIME_MAX * (FRAME_HEAD + 2 * TEXT_MAX + 6)];
	size_t length = 0;

	for (size_t i = 0; i < (size_t)task->streams && count; i++) {
		struct call *call = &talk->calls[i];

		if (call->id)
			continue;
		call->id = talk->next_id;
		call->fine = false;
		call->bytes = 0;
		if (!EVP_DigestInit_ex(call->hash, task->sha256, NULL))
			return -1;
		length += put_request(bytes + length, task, call->id);
		talk->next_id += 2;
		talk->under_way++;
		count--;
	}
	return length ? stream_write(talk->stream, bytes, length) : 0;
}

static int fill_to(struct stream *stream, size_t length)
{
	if (stream->length - stream->taken >= length)
		return 0;
	memmove(stream->buffer, stream->buffer + stream->taken, stream->length - stream->taken);
	stream->length -= stream->taken;
	stream->taken = 0;
	while (stream->length < length)
		if (length >= BUFFER_BYTES || stream_fill(stream) < 0)
			return -1;
	return 0;
}

static int read_frame(struct stream *stream, struct frame *frame)
{
	const unsigned char *head;

	if (fill_to(stream, FRAME_HEAD) < 0)
		return -1;
	head = (const unsigned char *)stream->buffer + stream->taken;
	frame->length = (unsigned)head[0] << 16 | (unsigned)head[1] << 8 | head[2];
	if (fill_to(stream, FRAME_HEAD + frame->length) < 0)
		return -1;
	head = (const unsigned char *)stream->buffer + stream->taken;
	frame->type = head[3];
	frame->flags = head[4];
	frame->id = (unsigned)head[5] << 24 | (unsigned)head[6] << 16 | (unsigned)head[7] << 8 |
		    head[8];
	frame->payload = head + FRAME_HEAD;
	stream->taken += FRAME_HEAD + frame->length;
	return 0;
}

static bool says_200(const struct frame *frame)
{
	unsigned i = 0;

	/* A change of the table's size may come first (RFC 7541 section 4.2). */
	while (i < frame->length && (frame->payload[i] & 0xe0) == 0x20)
		i++;
	return i < frame->length && frame->payload[i] == STATUS_200;
}

static struct call *find(struct talk *talk, unsigned id)
{
	for (size_t i = 0; i < AT_A_TIME_MAX; i++)
		if (id && talk->calls[i].id == id)
			return &talk->calls[i];
	return NULL;
}

static int end_call(struct talk *talk, struct call *call)
{
	if (!call->fine)
		return fail(talk->tally, "response head");
	tally_body(talk->tally, call->bytes, call->hash);
	talk->tally->requests++;
	call->id = 0;
	talk->under_way--;
	return 0;
}

static int take_answer(struct talk *talk, const struct frame *frame)
{
	struct call *call = find(talk, frame->id);

	if (!call || frame->flags & PADDED)
		return fail(talk->tally, "a frame that nobody expects");
	if (frame->type == HEADERS)
		call->fine = says_200(frame);
	if (frame->type == DATA) {
		EVP_DigestUpdate(call->hash, frame->payload, frame->length);
		call->bytes += frame->length;
	}
	return frame->flags & END_STREAM ? end_call(talk, call) : 0;
}

static int take(struct talk *talk, const struct frame *frame)
{
	switch (frame->type) {
	case DATA:
	case HEADERS:
		return take_answer(talk, frame);
	case SETTINGS:
		return frame->flags & ACK ? 0 : send_frame(talk, SETTINGS, ACK, "", 0);
	case PING:
		return frame->flags & ACK ? 0 : send_frame(talk, PING, ACK, frame->payload, 8);
	case RST_STREAM:
	case GOAWAY:
		return fail(talk->tally, "the stream was reset");
	default:
		return 0;
	}
}

static int converse(struct talk *talk)
{
	const struct task *task = talk->tally->task;
	long left = task->requests;
	struct frame frame;

	if (begin(talk) < 0)
		return fail(talk->tally, "preface");
	while ((left || talk->under_way) && now() < task->deadline) {
		/* In batches: what is asked together is answered together. */
		if (!talk->under_way) {
			if (ask(talk, left) < 0)
				return fail(talk->tally, "request");
			left -= talk->under_way;
		}
		if (read_frame(talk->stream, &frame) < 0)
			return fail(talk->tally, "response");
		if (take(talk, &frame) < 0)
			return -1;
	}
	return 0;
}

void converse_h2(struct stream *stream, struct tally *tally)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	const unsigned char *protocol;
	unsigned length;

	SSL_get0_alpn_selected(stream->ssl, &protocol, &length);
	if (!talk || length != 2 || memcmp(protocol, "h2", 2) != 0 ||
	    strlen(tally->task->name) > TEXT_MAX || strlen(tally->task->path) > TEXT_MAX) {
		fail(tally, "HTTP/2 was not agreed on");
		free(talk);
		return;
	}
	talk->stream = stream;
	talk->tally = tally;
	talk->next_id = 1;
	for (size_t i = 0; i < AT_A_TIME_MAX; i++)
		talk->calls[i].hash = EVP_MD_CTX_new();
	converse(talk);
	for (size_t i = 0; i < AT_A_TIME_MAX; i++)
		EVP_MD_CTX_free(talk->calls[i].hash);
	free(talk);
}
