#include "tests/fuzz/retelling.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/http/forward.h"
#include "daemon/http/guard.h"
#include "daemon/http/h1_printer.h"
#include "daemon/http/h1_reader.h"

enum { TOLD_MAX = 1 << 20 };

struct teller {
	const char *method;
	struct h1_reader reader;
	struct exchange exchange;
	struct text told;
	size_t whole; /* of told: up to the last complete message */
	struct text body;
	bool chunked;
	struct retelling result;
};

static char told_storage[TOLD_MAX];
static char body_storage[TOLD_MAX];

static struct head *received(struct teller *teller)
{
	return teller->method ? &teller->exchange.response : &teller->exchange.request;
}

static void begin_message(struct teller *teller)
{
	head_begin(received(teller), NULL);
	teller->body.length = 0;
	if (teller->method)
		h1_reader_begin_response(&teller->reader, received(teller), teller->method);
	else
		h1_reader_begin_request(&teller->reader, received(teller));
}

static void end_message(struct teller *teller)
{
	h1_reader_end(&teller->reader);
	head_end(received(teller));
}

/* Prints the head as it is sent on; false when it may not be. */
static bool tell_head(struct teller *teller)
{
	struct head *head = received(teller), out;
	const char *detail;
	bool told;

	if (teller->method ? guard_response(head, teller->method, &detail)
			   : guard_request(head, &detail))
		return false;
	head_begin(&out, NULL);
	teller->exchange.request.version = teller->method ? HTTP_1_1 : head->version;
	if (teller->method) {
		told = forward_response(&out, &teller->exchange) == 0;
		h1_print_response(&teller->told, &out);
	} else {
		told = forward_request(&out, head, NULL, NULL) == 0;
		h1_print_request(&teller->told, &out);
	}
	teller->chunked = head->body == BODY_STREAM;
	head_end(&out);
	return told;
}

/* In chunks of one size, so that the telling does not depend on how the body came. */
static void tell_body(struct teller *teller)
{
	if (teller->chunked) {
		for (size_t i = 0; i < teller->body.length; i += 4096) {
			size_t mark = h1_chunk_begin(&teller->told);
			size_t left = teller->body.length - i;

			text_add_bytes(&teller->told, teller->body.bytes + i,
				       left < 4096 ? left : 4096);
			h1_chunk_end(&teller->told, mark);
		}
		h1_print_last_chunk(&teller->told, teller->reader.trailers);
	} else {
		text_add_bytes(&teller->told, teller->body.bytes, teller->body.length);
	}
	teller->whole = teller->told.length;
	teller->result.messages++;
}

static void take(struct teller *teller, struct span input)
{
	struct span body;

	while (!teller->result.failed) {
		switch (h1_read(&teller->reader, &input, &body)) {
		case H1_HEAD:
			teller->result.failed = !tell_head(teller);
			break;
		case H1_BODY:
			if (body.length == 0)
				abort();
			text_add_bytes(&teller->body, body.bytes, body.length);
			break;
		case H1_END:
			tell_body(teller);
			end_message(teller);
			begin_message(teller);
			if (!input.length)
				return;
			break;
		case H1_FAILED:
			teller->result.failed = 1;
			break;
		case H1_MORE:
			if (input.length)
				abort();
			return;
		}
	}
}

struct retelling retell(const char *method, const uint8_t *bytes, size_t length, size_t step)
{
	struct teller teller = { .method = method };

	text_begin(&teller.told, told_storage, sizeof(told_storage));
	text_begin(&teller.body, body_storage, sizeof(body_storage));
	begin_message(&teller);
	for (size_t i = 0; i < length && !teller.result.failed; i += step)
		take(&teller, (struct span){ bytes + i, length - i < step ? length - i : step });
	if (!teller.result.failed && h1_read_eof(&teller.reader) == H1_END)
		tell_body(&teller);
	end_message(&teller);
	teller.result.length = teller.told.full ? 0 : teller.whole;
	teller.result.bytes = malloc(teller.result.length + 1);
	if (!teller.result.bytes)
		abort();
	memcpy(teller.result.bytes, told_storage, teller.result.length);
	return teller.result;
}

static void compare(const struct retelling *a, const struct retelling *b)
{
	if (a->messages != b->messages || a->length != b->length ||
	    memcmp(a->bytes, b->bytes, a->length) != 0)
		abort();
}

void retell_and_compare(const char *method, const uint8_t *bytes, size_t length)
{
	struct retelling whole = retell(method, bytes, length, length + 1);
	struct retelling slow = retell(method, bytes, length, 1);
	struct retelling odd = retell(method, bytes, length, 1 + length % 13);
	struct retelling again =
		retell(method, (const uint8_t *)whole.bytes, whole.length, whole.length + 1);

	compare(&whole, &slow);
	compare(&whole, &odd);
	if (whole.failed != slow.failed || again.failed)
		abort();
	compare(&whole, &again);
	free(whole.bytes);
	free(slow.bytes);
	free(odd.bytes);
	free(again.bytes);
}
