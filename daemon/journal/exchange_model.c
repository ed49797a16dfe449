#include "daemon/journal/exchange_model.h"

#include "daemon/journal/member.h"
#include "daemon/journal/model.h"

const char *http_version_word(enum http_version version)
{
	static const char *const words[] = {
		[HTTP_1_0] = "HTTP/1.0",
		[HTTP_1_1] = "HTTP/1.1",
		[HTTP_2] = "HTTP/2",
	};

	return words[version];
}

/* Offset 0 is "there is none". */
static void add_part(struct text *text, const char *name, const struct head *head, uint32_t offset)
{
	member_add_string(text, name, offset && head->text ? head->text + offset : NULL);
}

static void add_request(struct text *text, const struct head *request)
{
	add_part(text, "method", request, request->method);
	member_add_word(text, "authority", request->host);
	member_add_count(text, "authority_port", request->port);
	add_part(text, "path", request, request->path);
	add_part(text, "query", request, request->query);
	member_add_string(text, "version", http_version_word(request->version));
}

static void add_stream(struct text *text, uint32_t stream)
{
	if (stream)
		member_add_count(text, "stream", stream);
	else
		member_add_string(text, "stream", NULL);
}

static void add_status(struct text *text, unsigned status)
{
	if (status)
		member_add_count(text, "status", status);
	else
		member_add_string(text, "status", NULL);
}

static void add_times(struct text *text, const struct exchange *exchange)
{
	member_add_time(text, "timestamp_start", &exchange->start);
	member_add_time(text, "timestamp_request_end", &exchange->request_end);
	member_add_time(text, "timestamp_response_start", &exchange->response_start);
	member_add_time(text, "timestamp_end", &exchange->end);
}

/* Connecting counts for the exchange that it was done for; later ones reuse what is there. */
static bool connected_for(const struct endpoint *server, const struct exchange *exchange)
{
	return server && server->start.steady >= exchange->start.steady;
}

static void add_durations(struct text *text, const struct exchange *exchange,
			  const struct endpoint *server)
{
	bool connected = connected_for(server, exchange);

	member_add(text, "durations");
	text_add_char(text, '{');
	member_add_duration(text, "connect",
			    connected ? instant_between(&server->start, &server->tcp_setup) : -1);
	member_add_duration(text, "tls",
			    connected ? instant_between(&server->tcp_setup, &server->tls_setup)
				      : -1);
	member_add_duration(text, "send",
			    instant_between(&exchange->start, &exchange->request_end));
	member_add_duration(text, "wait",
			    instant_between(&exchange->request_end, &exchange->response_start));
	member_add_duration(text, "receive",
			    instant_between(&exchange->response_start, &exchange->end));
	member_add_duration(text, "total", instant_between(&exchange->start, &exchange->end));
	text_add_char(text, '}');
}

static void add_messages(struct text *text, const struct exchange *exchange)
{
	if (!exchange->websocket) {
		member_add_string(text, "messages", NULL);
		return;
	}
	member_add(text, "messages");
	text_add_char(text, '{');
	member_add_count(text, "from_client", exchange->from_client.messages);
	member_add_count(text, "from_server", exchange->from_server.messages);
	text_add_char(text, '}');
}

static void add_grpc_status(struct text *text, const struct exchange *exchange)
{
	if (exchange->grpc)
		member_add_count(text, "grpc_status", exchange->grpc_status);
	else
		member_add_string(text, "grpc_status", NULL);
}

void exchange_model_add(struct text *text, const struct exchange *exchange,
			const struct endpoint *server)
{
	add_request(text, &exchange->request);
	add_stream(text, exchange->stream);
	add_status(text, exchange->status);
	model_add_rule(text, exchange->rule);
	member_add(text, "bytes");
	text_add_char(text, '{');
	member_add_count(text, "request_body", exchange->request_body);
	member_add_count(text, "response_body", exchange->response_body);
	text_add_char(text, '}');
	member_add_bool(text, "local", exchange->local);
	member_add_bool(text, "websocket", exchange->websocket);
	add_messages(text, exchange);
	add_grpc_status(text, exchange);
	member_add_error(text, "error", exchange->error, NULL);
	add_times(text, exchange);
	add_durations(text, exchange, server);
}

static void add_fields(struct text *text, const char *name, const struct head *head)
{
	member_add(text, name);
	text_add_char(text, '[');
	for (size_t i = 0; i < head->field_count; i++) {
		const struct field *field = &head->fields[i];

		text_add(text, i ? ",[" : "[");
		text_add_json_bytes(text, head->text + field->name, field->name_length);
		text_add_char(text, ',');
		text_add_json_bytes(text, head->text + field->value, field->value_length);
		text_add_char(text, ']');
	}
	text_add_char(text, ']');
}

void exchange_model_add_headers(struct text *text, const struct exchange *exchange)
{
	add_fields(text, "request_headers", &exchange->request);
	add_fields(text, "response_headers", &exchange->response);
}
