#include "daemon/journal/record.h"

#include "daemon/journal/exchange_model.h"
#include "daemon/journal/member.h"
#include "daemon/journal/model.h"

static const char *const words[EVENT_COUNT] = {
#define EVENT_WORD(name, word) [EVENT_##name] = word,
	EVENTS(EVENT_WORD)
#undef EVENT_WORD
};

const char *event_word(enum event_kind kind)
{
	return words[(unsigned)kind < EVENT_COUNT ? kind : EVENT_ERROR];
}

/* What one line is made of, in one value, so that it can be printed again in less detail. */
struct line {
	const struct connection_view *view;
	const struct exchange *exchange; /* NULL: none */
	enum event_kind kind;
	bool with_headers;
	struct instant now;
};

typedef void line_print(struct text *text, const struct line *line, enum detail detail);

/* Prints in the greatest detail that fits. What does not fit in the least becomes a stub, so that
 * its connection is still named. */
static void print_fitting(struct text *text, const struct line *line, line_print *print)
{
	size_t start = text->length;

	for (enum detail detail = DETAIL_ALL; detail < DETAIL_COUNT; detail++) {
		print(text, line, detail);
		if (!text->full)
			return;
		text->length = start;
		text->bytes[start] = '\0';
		text->full = false;
	}
	text_add_char(text, '{');
	member_add_string(text, "type", "cut");
	member_add_id(text, "connection", line->view->id);
	member_add_bool(text, "cut", true);
	text_add_char(text, '}');
}

static void finish(struct text *text, enum detail detail)
{
	if (detail != DETAIL_ALL)
		member_add_bool(text, "cut", true);
	text_add_char(text, '}');
}

static void add_ends(struct text *text, const struct connection_view *view, enum detail detail)
{
	struct client_model client = {
		.endpoint = view->client,
		.mac = view->mac,
		.device = view->device,
	};

	model_add_client(text, &client, detail);
	model_add_server(text, view->server, detail);
}

static void add_shadows(struct text *text, const struct connection_view *view)
{
	member_add(text, "shadows");
	text_add_char(text, '[');
	for (size_t i = 0; i < view->shadow_count; i++) {
		if (i)
			text_add_char(text, ',');
		text_add_json(text, view->shadows[i]->name);
	}
	text_add_char(text, ']');
}

/* What the connection was judged by and what came of it. */
static void add_judgement(struct text *text, const struct connection_view *view)
{
	member_add_string(text, "port", view->port_name);
	member_add_string(text, "protocol", protocol_word(view->protocol));
	member_add_word(text, "host", view->host);
	model_add_rule(text, view->rule);
	add_shadows(text, view);
	if (view->spared)
		member_add_string(text, "spared", view->spared);
	member_add_count(text, "generation", view->generation);
	model_add_warnings(text, view->server);
}

static void add_bytes(struct text *text, const struct connection_view *view)
{
	static const struct endpoint nowhere;
	const struct endpoint *server = view->server ? view->server : &nowhere;

	member_add(text, "bytes");
	text_add_char(text, '{');
	member_add_count(text, "from_client", view->client->received);
	member_add_count(text, "to_client", view->client->sent);
	member_add_count(text, "from_server", server->received);
	member_add_count(text, "to_server", server->sent);
	text_add_char(text, '}');
}

static void print_event(struct text *text, const struct line *line, enum detail detail)
{
	text_add_char(text, '{');
	member_add_string(text, "event", event_word(line->kind));
	member_add_time(text, "time", &line->now);
	member_add_id(text, "connection", line->view->id);
	add_judgement(text, line->view);
	add_ends(text, line->view, detail);
	if (line->kind == EVENT_UDP_END)
		add_bytes(text, line->view);
	if (line->exchange) {
		member_add(text, "exchange");
		text_add_char(text, '{');
		member_add_id(text, "id", line->exchange->id);
		exchange_model_add(text, line->exchange, line->view->server);
		if (detail < DETAIL_NO_HEADERS)
			exchange_model_add_headers(text, line->exchange);
		text_add_char(text, '}');
	}
	finish(text, detail);
}

void record_print_event(struct text *text, enum event_kind kind, const struct connection_view *view,
			const struct exchange *exchange)
{
	struct line line = {
		.view = view,
		.exchange = exchange,
		.kind = kind,
		.now = clock_now(),
	};

	print_fitting(text, &line, print_event);
}

static void add_outcome(struct text *text, const struct connection_view *view)
{
	if (view->stage) {
		member_add_string(text, "stage", view->stage);
		return;
	}
	member_add_string(text, "reason", reason_word(view->reason));
	member_add_string(text, "kind", reason_kind(view->reason));
	member_add_string(text, "sentence", reason_sentence(view->reason));
}

/* Our handshake with the client begins when the server's is done, or with the client where there is
 * no server's. */
static int64_t client_handshake(const struct connection_view *view)
{
	const struct instant *done = &view->client->tls_setup;
	int64_t after_server = view->server ? instant_between(&view->server->tls_setup, done) : -1;

	return after_server >= 0 ? after_server : instant_between(&view->client->start, done);
}

static void add_durations(struct text *text, const struct connection_view *view,
			  const struct instant *now)
{
	static const struct endpoint nowhere;
	const struct endpoint *client = view->client;
	const struct endpoint *server = view->server ? view->server : &nowhere;
	const struct instant *end = instant_is_set(&client->end) ? &client->end : now;

	member_add(text, "durations");
	text_add_char(text, '{');
	member_add_duration(text, "connect", instant_between(&server->start, &server->tcp_setup));
	member_add_duration(text, "tls", instant_between(&server->tcp_setup, &server->tls_setup));
	member_add_duration(text, "tls_client", client_handshake(view));
	member_add_duration(text, "total", instant_between(&client->start, end));
	text_add_char(text, '}');
}

static void print_connection(struct text *text, const struct line *line, enum detail detail)
{
	const struct connection_view *view = line->view;

	text_add_char(text, '{');
	member_add_string(text, "type", "connection");
	member_add_time(text, "time", &line->now);
	member_add_id(text, "connection", view->id);
	add_outcome(text, view);
	add_judgement(text, view);
	add_ends(text, view, detail);
	add_bytes(text, view);
	member_add_count(text, "exchanges", view->exchanges);
	add_durations(text, view, &line->now);
	finish(text, detail);
}

void record_print_connection(struct text *text, const struct connection_view *view)
{
	struct line line = { .view = view, .now = clock_now() };

	print_fitting(text, &line, print_connection);
}

static void print_exchange(struct text *text, const struct line *line, enum detail detail)
{
	text_add_char(text, '{');
	member_add_string(text, "type", "exchange");
	member_add_time(text, "time", &line->now);
	member_add_id(text, "connection", line->view->id);
	member_add_id(text, "exchange", line->exchange->id);
	exchange_model_add(text, line->exchange, line->view->server);
	if (line->with_headers && detail < DETAIL_NO_HEADERS)
		exchange_model_add_headers(text, line->exchange);
	finish(text, detail);
}

void record_print_exchange(struct text *text, const struct connection_view *view,
			   const struct exchange *exchange, bool with_headers)
{
	struct line line = {
		.view = view,
		.exchange = exchange,
		.with_headers = with_headers,
		.now = clock_now(),
	};

	print_fitting(text, &line, print_exchange);
}

void record_print_carried(struct text *text, const struct carried_view *view)
{
	const struct instant now = clock_now();

	text_add_char(text, '{');
	member_add_string(text, "type", "carried");
	member_add_time(text, "time", &now);
	member_add_id(text, "connection", view->id);
	member_add(text, "bytes");
	if (view->known) {
		text_add_char(text, '{');
		member_add_count(text, "from_client", view->from_client);
		member_add_count(text, "to_client", view->to_client);
		text_add_char(text, '}');
	} else {
		text_add(text, "null");
	}
	text_add_char(text, '}');
}
