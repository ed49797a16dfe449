#include "daemon/journal/har.h"

#include <string.h>
#include <sys/param.h>
#include <time.h>

#include "daemon/journal/exchange_model.h"
#include "daemon/journal/member.h"

enum { NOT_APPLICABLE = -1000 }; /* microseconds: "-1", as the specification has it */

/* "2026-11-25T19:44:07.123Z" (RFC 3339). */
static void add_moment(struct text *text, const char *name, const struct instant *instant)
{
	time_t seconds = (time_t)(instant->wall / 1000000);
	char storage[32];
	struct tm parts;

	gmtime_r(&seconds, &parts);
	strftime(storage, sizeof(storage), "%Y-%m-%dT%H:%M:%S", &parts);
	member_add(text, name);
	text_addf(text, "\"%s.%03uZ\"", storage, (unsigned)(instant->wall % 1000000 / 1000));
}

static const char *part(const struct head *head, uint32_t offset)
{
	return offset && head->text ? head->text + offset : "";
}

static const char *header(const struct head *head, const char *name)
{
	const char *value = head->text ? head_find(head, name, 0) : NULL;

	return value ? value : "";
}

static void add_headers(struct text *text, const struct head *head, bool with_headers)
{
	member_add(text, "headers");
	text_add_char(text, '[');
	for (size_t i = 0; with_headers && i < head->field_count; i++) {
		const struct field *field = &head->fields[i];

		text_add(text, i ? ",{\"name\":" : "{\"name\":");
		text_add_json_bytes(text, head->text + field->name, field->name_length);
		text_add(text, ",\"value\":");
		text_add_json_bytes(text, head->text + field->value, field->value_length);
		text_add_char(text, '}');
	}
	text_add_char(text, ']');
}

static void add_url(struct text *text, const struct connection_view *view,
		    const struct head *request)
{
	static char storage[RECORD_MAX]; /* the recorder and a worker have one thread each */
	bool literal = strchr(request->host, ':') != NULL;
	struct text url;

	text_begin(&url, storage, sizeof(storage));
	text_addf(&url, "%s://%s%s%s", endpoint_tls_established(view->client) ? "https" : "http",
		  literal ? "[" : "", request->host, literal ? "]" : "");
	if (request->port)
		text_addf(&url, ":%u", request->port);
	text_add(&url, part(request, request->path));
	if (request->query)
		text_addf(&url, "?%s", part(request, request->query));
	member_add_string(text, "url", url.bytes);
}

/* Names and values as they stand in the URL: what they mean is the server's to say. */
static void add_query(struct text *text, const struct head *request)
{
	const char *next = part(request, request->query);
	const char *comma = "";

	member_add(text, "queryString");
	text_add_char(text, '[');
	while (*next) {
		size_t length = strcspn(next, "&");
		size_t name = strcspn(next, "=&");
		size_t value = name < length ? name + 1 : length;

		if (length) {
			text_addf(text, "%s{\"name\":", comma);
			text_add_json_bytes(text, next, name);
			text_add(text, ",\"value\":");
			text_add_json_bytes(text, next + value, length - value);
			text_add_char(text, '}');
			comma = ",";
		}
		next += length + (next[length] == '&');
	}
	text_add_char(text, ']');
}

static void add_request(struct text *text, const struct connection_view *view,
			const struct exchange *exchange, bool with_headers)
{
	const struct head *request = &exchange->request;

	member_add(text, "request");
	text_add_char(text, '{');
	member_add_string(text, "method", part(request, request->method));
	add_url(text, view, request);
	member_add_string(text, "httpVersion", http_version_word(request->version));
	text_add(text, ",\"cookies\":[]");
	add_headers(text, request, with_headers);
	add_query(text, request);
	member_add_number(text, "headersSize", -1);
	member_add_count(text, "bodySize", exchange->request_body);
	text_add_char(text, '}');
}

static void add_response(struct text *text, const struct exchange *exchange, bool with_headers)
{
	const struct head *response = &exchange->response;
	const char *type = header(response, "content-type");
	bool answered = exchange->status != 0;

	member_add(text, "response");
	text_add_char(text, '{');
	member_add_count(text, "status", exchange->status);
	member_add_string(text, "statusText",
			  exchange->local ? "" : part(response, response->phrase));
	member_add_string(text, "httpVersion",
			  answered ? http_version_word(exchange->request.version) : "");
	text_add(text, ",\"cookies\":[]");
	add_headers(text, response, with_headers);
	text_add(text, ",\"content\":{");
	member_add_count(text, "size", exchange->response_body);
	member_add_string(text, "mimeType", *type ? type : "x-unknown");
	text_add_char(text, '}');
	member_add_string(text, "redirectURL", header(response, "location"));
	member_add_number(text, "headersSize", -1);
	member_add_number(text, "bodySize", answered ? (int64_t)exchange->response_body : -1);
	if (exchange->error != REASON_NONE)
		member_add_string(text, "_error", reason_word(exchange->error));
	text_add_char(text, '}');
}

/* The parts of an exchange's time, in microseconds; they add up to the whole. */
struct timings {
	int64_t blocked;
	int64_t dns;
	int64_t connect; /* with TLS */
	int64_t tls;
	int64_t send;
	int64_t wait;
	int64_t receive;
};

static int64_t past(int64_t microseconds)
{
	return MAX(microseconds, 0);
}

static void measure(struct timings *timings, const struct endpoint *server,
		    const struct exchange *exchange)
{
	const struct instant *sent_from = &exchange->start;

	*timings = (struct timings){
		NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE, NOT_APPLICABLE, 0, 0, 0
	};
	if (server && server->start.steady >= exchange->start.steady &&
	    instant_is_set(&server->tcp_setup)) {
		const struct instant *there = instant_is_set(&server->tls_setup)
						      ? &server->tls_setup
						      : &server->tcp_setup;
		const struct instant *dialled = &server->start;

		timings->blocked = past(instant_between(&exchange->start, &server->start));
		if (instant_is_set(&server->resolved)) {
			timings->dns = past(instant_between(&server->start, &server->resolved));
			dialled = &server->resolved;
		}
		timings->connect = past(instant_between(dialled, there));
		if (there == &server->tls_setup)
			timings->tls = past(instant_between(&server->tcp_setup, there));
		sent_from = there;
	}
	timings->send = past(instant_between(sent_from, &exchange->request_end));
	timings->wait = past(instant_between(&exchange->request_end, &exchange->response_start));
	timings->receive = past(instant_between(&exchange->response_start, &exchange->end));
}

static void add_milliseconds(struct text *text, const char *name, int64_t microseconds)
{
	member_add(text, name);
	if (microseconds == NOT_APPLICABLE)
		text_add(text, "-1");
	else
		text_addf(text, "%lld.%03u", (long long)(microseconds / 1000),
			  (unsigned)(microseconds % 1000));
}

static void add_timings(struct text *text, const struct timings *timings)
{
	int64_t whole = past(timings->blocked) + past(timings->dns) + past(timings->connect) +
			timings->send + timings->wait + timings->receive;

	add_milliseconds(text, "time", whole);
	member_add(text, "timings");
	text_add_char(text, '{');
	add_milliseconds(text, "blocked", timings->blocked);
	add_milliseconds(text, "dns", timings->dns);
	add_milliseconds(text, "connect", timings->connect);
	add_milliseconds(text, "ssl", timings->tls);
	add_milliseconds(text, "send", timings->send);
	add_milliseconds(text, "wait", timings->wait);
	add_milliseconds(text, "receive", timings->receive);
	text_add_char(text, '}');
}

/* The messages themselves are not kept. */
static void add_websocket(struct text *text, const struct exchange *exchange)
{
	member_add_string(text, "_resourceType", "websocket");
	member_add(text, "_webSocketMessageCounts");
	text_add_char(text, '{');
	member_add_count(text, "sent", exchange->from_client.messages);
	member_add_count(text, "received", exchange->from_server.messages);
	text_add_char(text, '}');
}

static void print(struct text *text, const struct connection_view *view,
		  const struct exchange *exchange, bool with_headers)
{
	char literal[ADDRESS_TEXT];
	struct timings timings;

	measure(&timings, view->server, exchange);
	text_add_char(text, '{');
	add_moment(text, "startedDateTime", &exchange->start);
	add_timings(text, &timings);
	add_request(text, view, exchange, with_headers);
	add_response(text, exchange, with_headers);
	text_add(text, ",\"cache\":{}");
	if (view->server && view->server->peer.family != AF_UNSPEC)
		member_add_string(text, "serverIPAddress",
				  address_print(&view->server->peer, literal));
	member_add_id(text, "connection", view->id);
	if (exchange->websocket)
		add_websocket(text, exchange);
	member_add_string(text, "_client", address_print(&view->client->peer, literal));
	member_add_string(text, "_rule", exchange->rule ? exchange->rule->name : NULL);
	if (!with_headers)
		member_add_bool(text, "_cut", true);
	text_add_char(text, '}');
}

void har_print_entry(struct text *text, const struct connection_view *view,
		     const struct exchange *exchange)
{
	size_t start = text->length;

	for (int with_headers = 1; with_headers >= 0; with_headers--) {
		print(text, view, exchange, with_headers);
		if (!text->full)
			return;
		text->length = start;
		text->bytes[start] = '\0';
		text->full = false;
	}
}
