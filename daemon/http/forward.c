#include "daemon/http/forward.h"

#include <string.h>
#include <strings.h>

#include "daemon/http/edits.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443 };

#define WORD(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

/* Fields that concern one hop alone, or that the printer makes. */
static bool is_hop_field(const char *name, size_t length)
{
	static const struct {
		const char *name;
		size_t length;
	} fields[] = {
		WORD("te"),
		WORD("host"),
		WORD("upgrade"),
		WORD("connection"),
		WORD("keep-alive"),
		WORD("content-length"),
		WORD("http2-settings"),
		WORD("proxy-connection"),
		WORD("transfer-encoding"),
		WORD("proxy-authenticate"),
		WORD("proxy-authorization"),
		WORD("proxy-authentication-info"),
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (fields[i].length == length && strcasecmp(fields[i].name, name) == 0)
			return true;
	return false;
}

/* A sender may name any field in Connection to have it end here. */
static bool is_nominated(const struct head *head, const char *name)
{
	return head_has_token(head, "connection", name);
}

/* Protocols that would carry HTTP past the judge, or TLS past the inspection. */
static bool upgrade_refused(const char *token, size_t length)
{
	return (length >= 2 && strncasecmp(token, "h2", 2) == 0) ||
	       (length >= 4 && strncasecmp(token, "http", 4) == 0) ||
	       (length >= 3 && strncasecmp(token, "tls", 3) == 0);
}

static int carry_upgrade(struct head *out, const struct head *head)
{
	const char *list, *token;
	size_t length;

	for (size_t n = 0; (list = head_find(head, "upgrade", n)); n++)
		while (list_next(&list, &token, &length)) {
			if (upgrade_refused(token, length))
				continue;
			if (head_add_field(out, "Upgrade", 7, token, length) < 0)
				return -1;
			out->upgrade = true;
		}
	return 0;
}

static bool drops(const struct head *head, const struct edits *edits, const struct field *field)
{
	const char *name = head->text + field->name;

	if (is_hop_field(name, field->name_length) || (edits && !edits_keep(edits, name)))
		return true;
	if (head->body != BODY_STREAM && strcasecmp(name, "trailer") == 0)
		return true;
	return false;
}

static int carry_fields(struct head *out, const struct head *head, const struct edits *edits)
{
	bool nominations = head_find(head, "connection", 0) != NULL;

	for (size_t i = 0; i < head->field_count; i++) {
		const struct field *field = &head->fields[i];
		const char *name = head->text + field->name;

		if (drops(head, edits, field) || (nominations && is_nominated(head, name)))
			continue;
		if (head_add_field(out, name, field->name_length, head->text + field->value,
				   field->value_length) < 0)
			return -1;
	}
	return 0;
}

/* The owner's own text, yet a line break in it would be another field. */
static bool editable(const struct edit *edit)
{
	return !is_hop_field(edit->name, strlen(edit->name)) && !strpbrk(edit->value, "\r\n");
}

static int add_edits(struct head *out, const struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->edits[i];

		if (!edits_have(edits, i) || !editable(edit))
			continue;
		if (head_add_field(out, edit->name, strlen(edit->name), edit->value,
				   strlen(edit->value)) < 0)
			return -1;
	}
	return 0;
}

static uint32_t copy_text(struct head *out, const struct head *head, uint32_t offset)
{
	const char *text = head_text(head, offset);

	return offset ? head_add_text(out, text, strlen(text)) : 0;
}

static uint32_t add_server_authority(struct head *out, const struct endpoint *server)
{
	uint16_t usual = server->tls ? HTTPS_PORT : HTTP_PORT;
	char storage[NAME_SIZE + 8];
	struct text authority;

	text_begin(&authority, storage, sizeof(storage));
	text_add(&authority, server->host);
	if (server->address.port && server->address.port != usual)
		text_addf(&authority, ":%u", server->address.port);
	return head_add_text(out, authority.bytes, authority.length);
}

static int set_authority(struct head *out, const struct head *request, const struct rule *rule,
			 const struct endpoint *server)
{
	const char *edited = rule ? edits_value(&rule->request_headers, "host") : NULL;

	if (edited && !strpbrk(edited, "\r\n"))
		out->authority = head_add_text(out, edited, strlen(edited));
	else if (server && server->host)
		out->authority = add_server_authority(out, server);
	else
		out->authority = copy_text(out, request, request->authority);
	return out->authority || !request->authority ? 0 : -1;
}

static int set_target(struct head *out, const struct head *request)
{
	out->method = copy_text(out, request, request->method);
	out->path = copy_text(out, request, request->path);
	out->query = copy_text(out, request, request->query);
	return out->method && out->path && !out->query == !request->query ? 0 : -1;
}

static void set_framing(struct head *out, const struct head *head)
{
	out->body = head->body;
	out->content_length = head->content_length;
	out->length_said = head->length_said;
}

int forward_request(struct head *out, const struct head *request, const struct rule *rule,
		    const struct endpoint *server)
{
	const struct edits *edits =
		rule && rule->request_headers.count ? &rule->request_headers : NULL;

	out->version = request->version;
	out->keep_alive = request->keep_alive && request->version != HTTP_1_0;
	out->expect_continue = request->expect_continue;
	set_framing(out, request);
	if (set_target(out, request) < 0 || set_authority(out, request, rule, server) < 0 ||
	    carry_fields(out, request, edits) < 0)
		return -1;
	if (!request->expect_continue && head_has_token(out, "expect", "100-continue"))
		head_remove(out, "expect");
	if (edits && add_edits(out, edits) < 0)
		return -1;
	if (request->protocol && !(out->protocol = copy_text(out, request, request->protocol)))
		return -1;
	if (request->protocol)
		out->upgrade = true;
	else if (request->upgrade && carry_upgrade(out, request) < 0)
		return -1;
	if (request->version != HTTP_1_0 && head_has_token(request, "te", "trailers") &&
	    head_add_field(out, "TE", 2, "trailers", 8) < 0)
		return -1;
	return 0;
}

/* What HEAD and 304 say of a body that does not come is worth passing on. */
static int carry_length(struct head *out, const struct exchange *exchange)
{
	const char *length = head_find(&exchange->response, "content-length", 0);
	bool meaningful =
		exchange->response.status == 304 ||
		(exchange->response.status / 100 != 1 && exchange->response.status != 204);

	if (exchange->response.body != BODY_NONE || !length || !meaningful)
		return 0;
	return head_add_field(out, "Content-Length", 14, length, strlen(length));
}

int forward_response(struct head *out, const struct exchange *exchange)
{
	const struct head *response = &exchange->response;
	const struct rule *rule = exchange->rule;
	bool final = response->status / 100 != 1 || response->status == 101;
	const struct edits *edits =
		final && rule && rule->response_headers.count ? &rule->response_headers : NULL;

	out->version = exchange->request.version;
	out->status = response->status;
	out->phrase = copy_text(out, response, response->phrase);
	set_framing(out, response);
	if (response->phrase && !out->phrase)
		return -1;
	if (carry_fields(out, response, edits) < 0 || carry_length(out, exchange) < 0)
		return -1;
	if (edits && add_edits(out, edits) < 0)
		return -1;
	if (response->status == 101 || response->status == 426)
		return carry_upgrade(out, response);
	return 0;
}
