#include "tests/storm/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHUNK_MAX = 5000 };

void talk_begin_client(struct talk *talk, const struct plan *plan)
{
	memset(talk, 0, sizeof(*talk));
	talk->who = CLIENT;
	talk->plan = *plan;
	talk->known = true;
	talk->http = plan_is_http(plan);
	talk->greets = plan->way == GREETED;
}

void talk_begin_server(struct talk *talk, enum way way)
{
	const struct plan like = { .way = way };

	memset(talk, 0, sizeof(*talk));
	talk->who = SERVER;
	talk->http = plan_is_http(&like);
	talk->greets = way == GREETED;
}

static enum who other(const struct talk *talk)
{
	return talk->who == CLIENT ? SERVER : CLIENT;
}

static const struct message *message_of(const struct talk *talk, enum who who, unsigned exchange)
{
	return who == CLIENT ? &talk->plan.up[exchange] : &talk->plan.down[exchange];
}

static bool complain(struct talk *talk, const char *what)
{
	if (!talk->wrong[0])
		snprintf(talk->wrong, sizeof(talk->wrong), "%s (exchange %u, byte %zu)", what,
			 talk->heard.exchange, talk->heard.body);
	return false;
}

/* Saying */

bool talk_is_said(const struct talk *talk)
{
	return talk->known && talk->said.exchange == talk->plan.exchanges;
}

static bool is_last(const struct talk *talk, unsigned exchange)
{
	return exchange + 1 == talk->plan.exchanges;
}

static bool closes(const struct talk *talk, enum who who, unsigned exchange)
{
	return who == SERVER && is_last(talk, exchange) &&
	       (talk->plan.down[exchange].framing == BY_CLOSING || talk->plan.run % 2);
}

bool talk_should_end(const struct talk *talk)
{
	if (!talk_is_said(talk))
		return talk->end_heard && (talk->who == SERVER || talk->http);
	if (talk->end_heard)
		return true;
	if (talk->who == CLIENT)
		return talk->plan.half_closes || (talk->http && talk->all_heard);
	return !talk->http || closes(talk, SERVER, talk->plan.exchanges - 1);
}

/* Whether the next message may begin. */
static bool may_begin(const struct talk *talk)
{
	unsigned next = talk->said.exchange;

	if (talk->who == CLIENT)
		return next == 0 || talk->plan.pipelined || talk->heard.exchange >= next;
	if (talk->heard.exchange > next || (!talk->http && talk->end_heard))
		return true;
	return talk->plan.answers_early && talk->heard.at != AT_HEAD;
}

static size_t say_head(const struct talk *talk, char *bytes, size_t room)
{
	const struct plan *plan = &talk->plan;
	unsigned exchange = talk->said.exchange;
	const struct message *message = message_of(talk, talk->who, exchange);
	char framing[64] = "";
	const char *last = closes(talk, talk->who, exchange) ? "Connection: close\r\n" : "";

	if (message->framing == BY_LENGTH)
		snprintf(framing, sizeof(framing), "Content-Length: %zu\r\n", message->length);
	else if (message->framing == BY_CHUNKS)
		snprintf(framing, sizeof(framing), "Transfer-Encoding: chunked\r\n");
	if (talk->who == CLIENT)
		return (size_t)snprintf(bytes, room,
					"PUT /%llu/%u HTTP/1.1\r\nHost: shop.example\r\n%s\r\n",
					(unsigned long long)plan->run, exchange, framing);
	return (size_t)snprintf(bytes, room, "HTTP/1.1 200 OK\r\n%s%s\r\n", framing, last);
}

static size_t begin_saying(struct talk *talk, uint8_t *bytes, size_t room)
{
	size_t length = 0;

	if (!may_begin(talk))
		return 0;
	talk->said.at = AT_BODY;
	talk->said.body = 0;
	if (talk->http)
		return say_head(talk, (char *)bytes, room);
	/* 0xff first: a number could look like the beginning of a protocol, for the rest of which the gateway waits. */
	for (; talk->who == CLIENT && length < RUN_BYTES; length++)
		bytes[length] = length ? (uint8_t)(talk->plan.run >> (8 * (length - 1))) : 0xff;
	return length;
}

static size_t say_bytes(struct talk *talk, uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = plan_byte(&talk->plan, talk->who, talk->said.exchange,
				     talk->said.body++);
	return length;
}

static size_t say_chunk(struct talk *talk, uint8_t *bytes, size_t length)
{
	size_t used;

	if (length > CHUNK_MAX)
		length = 1 + talk->said.body * 7919 % CHUNK_MAX;
	used = (size_t)sprintf((char *)bytes, "%zx\r\n", length);
	used += say_bytes(talk, bytes + used, length);
	return used + (size_t)sprintf((char *)bytes + used, "\r\n");
}

static size_t say_body(struct talk *talk, uint8_t *bytes, size_t room)
{
	const struct message *message = message_of(talk, talk->who, talk->said.exchange);
	bool chunked = talk->http && message->framing == BY_CHUNKS;
	size_t left = message->length - talk->said.body;

	if (left > room - 32)
		left = room - 32;
	if (left)
		return chunked ? say_chunk(talk, bytes, left) : say_bytes(talk, bytes, left);
	talk->said.exchange++;
	talk->said.at = AT_HEAD;
	return chunked ? (size_t)sprintf((char *)bytes, "0\r\n\r\n") : 0;
}

size_t talk_say(struct talk *talk, uint8_t *bytes, size_t room)
{
	size_t length = 0;

	if (talk->who == SERVER && talk->greets && !talk->greeted) {
		talk->greeted = true;
		bytes[length++] = '*';
	}
	while (talk->known && !talk_is_said(talk) && room - length >= SAY_ROOM) {
		bool begins = talk->said.at == AT_HEAD;
		size_t more = begins ? begin_saying(talk, bytes + length, room - length)
				     : say_body(talk, bytes + length, room - length);

		length += more;
		if (begins && talk->said.at == AT_HEAD)
			break;
	}
	return length;
}

/* Hearing */

static void learn_run(struct talk *talk, uint64_t run)
{
	plan_make(&talk->plan, run);
	talk->known = true;
}

static bool message_heard(struct talk *talk)
{
	const struct message *message = message_of(talk, other(talk), talk->heard.exchange);

	if (talk->heard.body != message->length)
		return complain(talk, "the message has the wrong length");
	talk->heard = (struct progress){ .exchange = talk->heard.exchange + 1 };
	talk->all_heard = talk->heard.exchange == talk->plan.exchanges;
	return true;
}

static bool hear_body(struct talk *talk, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != plan_byte(&talk->plan, other(talk), talk->heard.exchange,
					  talk->heard.body++))
			return complain(talk, "a byte of the body is wrong");
	if (talk->heard.body > message_of(talk, other(talk), talk->heard.exchange)->length)
		return complain(talk, "the body is too long");
	return true;
}

static bool read_head(struct talk *talk)
{
	struct progress *heard = &talk->heard;
	const char *length = strcasestr(talk->head, "\r\ncontent-length: ");
	unsigned long long run;
	unsigned exchange;

	if (talk->who == SERVER) {
		if (sscanf(talk->head, "PUT /%llu/%u HTTP/1.1\r\n", &run, &exchange) != 2)
			return complain(talk, "the request is another");
		/* A request that is asked again comes on a connection of its own. */
		if (!talk->known) {
			learn_run(talk, run);
			heard->exchange = talk->said.exchange = exchange;
		}
		if (talk->plan.run != run || exchange != heard->exchange)
			return complain(talk, "the request is out of order");
	} else if (strncmp(talk->head, "HTTP/1.1 200 ", 13) != 0) {
		talk->refused = true;
		return true;
	}
	heard->framing = BY_CLOSING;
	if (strcasestr(talk->head, "\r\ntransfer-encoding: chunked"))
		heard->framing = BY_CHUNKS;
	else if (length)
		heard->framing = BY_LENGTH;
	heard->left = length ? strtoul(length + strlen("\r\ncontent-length: "), NULL, 10) : 0;
	heard->at = heard->framing == BY_CHUNKS ? AT_SIZE : AT_BODY;
	if (talk->who == SERVER && heard->framing == BY_CLOSING)
		return complain(talk, "the request has no framing");
	return heard->framing != BY_LENGTH || heard->left || message_heard(talk);
}

/* Takes one byte of a head, a size or the lines around chunks. */
static bool hear_text(struct talk *talk, char byte)
{
	struct progress *heard = &talk->heard;
	size_t length;

	if (talk->head_length + 1 == sizeof(talk->head))
		return complain(talk, "a head is too long");
	talk->head[talk->head_length++] = byte;
	talk->head[talk->head_length] = '\0';
	length = talk->head_length;
	if (byte != '\n')
		return true;
	if (heard->at == AT_HEAD && (length < 4 || memcmp(talk->head + length - 4, "\r\n\r\n", 4) != 0))
		return true;
	talk->head_length = 0;
	switch (heard->at) {
	case AT_HEAD:
		return read_head(talk);
	case AT_SIZE:
		heard->left = strtoul(talk->head, NULL, 16);
		heard->at = heard->left ? AT_CHUNK : AT_TRAILER;
		return true;
	case AT_CHUNK_END:
		heard->at = AT_SIZE;
		return length == 2 || complain(talk, "a chunk is longer than it said");
	default:
		return length > 2 || message_heard(talk);
	}
}

static size_t hear_counted(struct talk *talk, const uint8_t *bytes, size_t length)
{
	struct progress *heard = &talk->heard;

	if (heard->framing != BY_CLOSING && length > heard->left)
		length = heard->left;
	if (!hear_body(talk, bytes, length))
		return 0;
	if (heard->framing == BY_CLOSING)
		return length;
	heard->left -= length;
	if (!heard->left && heard->at == AT_CHUNK)
		heard->at = AT_CHUNK_END;
	else if (!heard->left && !message_heard(talk))
		return 0;
	return length;
}

static bool hear_http(struct talk *talk, const uint8_t *bytes, size_t length)
{
	while (length && !talk->refused) {
		bool counted = talk->heard.at == AT_BODY || talk->heard.at == AT_CHUNK;
		size_t used = 1;

		if (talk->known && talk->heard.exchange >= talk->plan.exchanges)
			return complain(talk, "something behind the last message");
		if (counted)
			used = hear_counted(talk, bytes, length);
		else if (!hear_text(talk, (char)*bytes))
			used = 0;
		if (!used)
			return false;
		bytes += used;
		length -= used;
	}
	return true;
}

static bool hear_raw(struct talk *talk, const uint8_t *bytes, size_t length)
{
	if (talk->who == CLIENT && talk->greets && !talk->greeted && length) {
		if (*bytes != '*')
			return complain(talk, "no greeting");
		talk->greeted = true;
		bytes++;
		length--;
	}
	while (talk->who == SERVER && !talk->known && length) {
		talk->head[talk->head_length++] = (char)*bytes++;
		length--;
		if (talk->head_length == RUN_BYTES) {
			uint64_t run = 0;

			for (unsigned i = 1; i < RUN_BYTES; i++)
				run |= (uint64_t)(uint8_t)talk->head[i] << (8 * (i - 1));
			learn_run(talk, run);
		}
	}
	if (!talk->known)
		return true;
	if (talk->all_heard)
		return !length || complain(talk, "something behind the last byte");
	talk->heard.at = AT_BODY;
	if (!hear_body(talk, bytes, length))
		return false;
	return talk->heard.body < message_of(talk, other(talk), 0)->length || message_heard(talk);
}

bool talk_hear(struct talk *talk, const uint8_t *bytes, size_t length)
{
	return talk->http ? hear_http(talk, bytes, length) : hear_raw(talk, bytes, length);
}

bool talk_hear_end(struct talk *talk)
{
	const struct plan *plan = &talk->plan;

	talk->end_heard = true;
	if (!talk->known || talk->all_heard || (!talk->http && plan->fault != NO_FAULT))
		return true;
	if (!talk->http)
		return message_heard(talk);
	if (talk->heard.at != AT_BODY || talk->heard.framing != BY_CLOSING)
		return true;
	/* Half a body must not look like a whole one, unless its server ended it so. */
	if (plan->fault != NO_FAULT && plan->fault != RESETS &&
	    talk->heard.body < plan->down[talk->heard.exchange].length)
		return true;
	return message_heard(talk);
}
