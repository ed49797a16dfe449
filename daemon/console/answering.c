#include "daemon/console/answering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/console/asking.h"
#include "daemon/console/page.h"
#include "daemon/console/resource.h"
#include "daemon/console/scrape.h"
#include "daemon/console/visitor.h"
#include "daemon/http/h1_printer.h"
#include "daemon/http/phrase.h"
#include "daemon/text.h"
#include "daemon/tls/authority_print.h"

enum {
	QUESTION_SIZE = 1024,
	CHUNK_ROOM = 16, /* around a chunk's bytes */
};

/* Storage of one turn. */
static char printed[CHUNK_SIZE + 1024];
static struct head response;

static void send_bytes(struct visitor *visitor, const void *bytes, size_t length)
{
	if (length && !visitor->broken && side_send(&visitor->side, bytes, length) < 0)
		visitor->broken = true;
}

static void add_field(struct visitor *visitor, const char *name, const char *value)
{
	if (head_add_field(&response, name, strlen(name), value, strlen(value)) < 0)
		visitor->broken = true;
}

/* Nothing may be loaded from elsewhere, nothing runs that is not a file of ours, and no text becomes markup. */
static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
	"trusted-types 'none'";

static void begin_answer(struct visitor *visitor, unsigned status, const char *type)
{
	const char *phrase = http_phrase(status);

	head_clear(&response);
	response.version = visitor->request.version == HTTP_1_0 ? HTTP_1_0 : HTTP_1_1;
	response.status = status;
	response.keep_alive = visitor->stays;
	response.phrase = head_add_text(&response, phrase, strlen(phrase));
	visitor->broken |= !response.phrase;
	add_field(visitor, "Content-Type", type);
	add_field(visitor, "Content-Security-Policy", policy);
	add_field(visitor, "X-Content-Type-Options", "nosniff");
	add_field(visitor, "Referrer-Policy", "no-referrer");
	add_field(visitor, "Cross-Origin-Resource-Policy", "same-origin");
	add_field(visitor, "Cache-Control", "no-store");
	if (status == 401)
		add_field(visitor, "WWW-Authenticate", "Bearer realm=\"headgate\"");
	if (status == 405)
		add_field(visitor, "Allow", "GET, HEAD");
}

static void send_head(struct visitor *visitor)
{
	struct text text;

	text_begin(&text, printed, sizeof(printed));
	h1_print_response(&text, &response);
	visitor->broken |= text.full;
	send_bytes(visitor, text.bytes, text.length);
}

static void end_answer(struct visitor *visitor)
{
	answering_forget(visitor);
	visitor->phase = VISITOR_SENDING;
	visitor_wait(visitor, SEND_SECONDS);
}

/* Sends what begin_answer() began, with this body. */
static void send_whole(struct visitor *visitor, const void *bytes, size_t length)
{
	response.body = BODY_LENGTH;
	response.content_length = length;
	send_head(visitor);
	send_bytes(visitor, bytes, visitor->empty ? 0 : length);
	end_answer(visitor);
}

void answering_refuse(struct visitor *visitor, unsigned status, const char *sentence)
{
	char line[256];
	struct text text;

	if (status == 400 || status == 413 || status == 431)
		visitor->stays = false;
	text_begin(&text, line, sizeof(line));
	text_add(&text, "{\"end\":true,\"status\":1,\"message\":");
	text_add_json(&text, sentence);
	text_add(&text, "}\n");
	begin_answer(visitor, status, "application/x-ndjson");
	send_whole(visitor, text.bytes, text.length);
}

static void answer_file(struct visitor *visitor)
{
	struct span file = page_file(visitor->resource->command);

	begin_answer(visitor, 200, visitor->resource->type);
	add_field(visitor, "Content-Encoding", "gzip");
	send_whole(visitor, file.bytes, file.length);
}

static int print_authority(const char *form, const char *pem, FILE *output)
{
	if (!pem)
		return -1;
	if (strcmp(form, "der") == 0)
		return authority_print_der(pem, output);
	if (strcmp(form, "mobileconfig") == 0)
		return authority_print_mobileconfig(pem, output);
	return fputs(pem, output) < 0 ? -1 : 0;
}

static void answer_authority(struct visitor *visitor)
{
	const char *pem = visitor->hospitality->authority_pem;
	char *bytes = NULL;
	size_t length = 0;
	FILE *output = open_memstream(&bytes, &length);
	bool there = output && print_authority(visitor->resource->command, pem, output) == 0;

	if (output && fclose(output) != 0)
		there = false;
	if (there) {
		begin_answer(visitor, 200, visitor->resource->type);
		send_whole(visitor, bytes, length);
	} else {
		answering_refuse(visitor, 503, "there is no authority to show");
	}
	free(bytes);
}

static void tell_metrics(void *context, const char *text, size_t length)
{
	struct visitor *visitor = context;

	if (text) {
		begin_answer(visitor, 200, visitor->resource->type);
		send_whole(visitor, text, length);
	} else {
		answering_refuse(visitor, 503, "the supervisor does not answer");
	}
	visitor_turn(visitor);
}

static void answer_metrics(struct visitor *visitor)
{
	const struct scrape_settings settings = {
		.base = visitor->hospitality->base,
		.channel = visitor->hospitality->supervisor,
		.done = tell_metrics,
		.context = visitor,
	};

	visitor->phase = VISITOR_ANSWERING;
	visitor_wait(visitor, SEND_SECONDS);
	visitor->scrape = scrape_new(&settings);
	if (!visitor->scrape)
		answering_refuse(visitor, 503, "the supervisor cannot be asked now");
}

/* A stream of lines, in chunks as they come; to HTTP/1.0 as they are, until the connection ends. */

static void send_part(struct visitor *visitor, const char *bytes, size_t length)
{
	struct text text;
	size_t mark;

	if (visitor->request.version == HTTP_1_0) {
		send_bytes(visitor, bytes, length);
		return;
	}
	text_begin(&text, printed, sizeof(printed));
	mark = h1_chunk_begin(&text);
	text_add_bytes(&text, bytes, length);
	h1_chunk_end(&text, mark);
	send_bytes(visitor, text.bytes, text.length);
}

static void take_answer(void *context, const char *bytes, size_t length)
{
	struct visitor *visitor = context;

	send_part(visitor, bytes, length);
	if (!visitor->resource->endless || side_pending(&visitor->side))
		visitor_wait(visitor, SEND_SECONDS);
	if (side_pending(&visitor->side))
		asking_rest(visitor->asking);
	if (visitor->broken)
		visitor_turn(visitor);
}

static void take_end(void *context)
{
	struct visitor *visitor = context;
	char last[CHUNK_ROOM];
	struct text text;

	text_begin(&text, last, sizeof(last));
	if (visitor->request.version != HTTP_1_0)
		h1_print_last_chunk(&text, NULL);
	send_bytes(visitor, text.bytes, text.length);
	end_answer(visitor);
	visitor_turn(visitor);
}

static struct asking *ask(struct visitor *visitor, const char *question)
{
	const struct hospitality *hospitality = visitor->hospitality;
	const struct asking_settings settings = {
		.base = hospitality->base,
		.channel = visitor->resource->kind == RESOURCE_RECORDER ? hospitality->recorder
									: hospitality->supervisor,
		.question = question,
		.take = take_answer,
		.over = take_end,
		.context = visitor,
	};

	return asking_new(&settings);
}

static void answer_lines(struct visitor *visitor)
{
	const char *query = head_text(&visitor->request, visitor->request.query);
	char question[QUESTION_SIZE];
	struct text text;

	text_begin(&text, question, sizeof(question));
	if (resource_question(visitor->resource, query, &text) < 0) {
		answering_refuse(visitor, 400, "the query is too long or badly encoded");
		return;
	}
	visitor->asking = ask(visitor, question);
	if (!visitor->asking) {
		answering_refuse(visitor, 503, "too many questions are under way");
		return;
	}
	if (visitor->request.version == HTTP_1_0)
		visitor->stays = false;
	begin_answer(visitor, 200, visitor->resource->type);
	response.body = BODY_STREAM;
	send_head(visitor);
	if (visitor->empty) {
		end_answer(visitor);
		return;
	}
	visitor->phase = VISITOR_ANSWERING;
	if (visitor->resource->endless)
		evtimer_del(&visitor->late);
	else
		visitor_wait(visitor, SEND_SECONDS);
}

void answering_begin(struct visitor *visitor)
{
	switch (visitor->resource->kind) {
	case RESOURCE_FILE:
		answer_file(visitor);
		break;
	case RESOURCE_AUTHORITY:
		answer_authority(visitor);
		break;
	case RESOURCE_METRICS:
		answer_metrics(visitor);
		break;
	case RESOURCE_ANSWER:
	case RESOURCE_RECORDER:
		answer_lines(visitor);
		break;
	}
}

void answering_resume(struct visitor *visitor)
{
	if (!visitor->asking)
		return;
	if (visitor->resource->endless)
		evtimer_del(&visitor->late);
	asking_resume(visitor->asking);
}

void answering_forget(struct visitor *visitor)
{
	asking_free(visitor->asking);
	scrape_free(visitor->scrape);
	visitor->asking = NULL;
	visitor->scrape = NULL;
}
