#include "daemon/http/exchange.h"

#include <string.h>

void exchange_begin(struct exchange *exchange, struct courier *courier, uint64_t id,
		    struct allowance *allowance)
{
	memset(exchange, 0, sizeof(*exchange));
	head_begin(&exchange->request, allowance);
	head_begin(&exchange->response, allowance);
	exchange->id = id;
	exchange->courier = courier;
	exchange->start = clock_now();
}

void exchange_end(struct exchange *exchange)
{
	head_end(&exchange->request);
	head_end(&exchange->response);
}

bool exchange_is_bodyless(const struct exchange *exchange)
{
	const struct head *request = &exchange->request;

	return request->body == BODY_NONE ||
	       (request->body == BODY_LENGTH && request->content_length == 0);
}

bool exchange_is_repeatable(const struct exchange *exchange)
{
	static const char *const methods[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };
	const char *method = head_text(&exchange->request, exchange->request.method);

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strcmp(method, methods[i]) == 0)
			return exchange_is_bodyless(exchange);
	return false;
}

static bool names_scheme(const char *value, const char *scheme)
{
	size_t length = strlen(scheme);

	return strncasecmp(value, scheme, length) == 0 &&
	       (value[length] == '\0' || strchr(" \t,", value[length]));
}

/* Whoever uses a scheme that is not known to concern the message alone. */
static bool shows_who_it_is(const struct head *request, const char *name)
{
	const char *value;

	for (size_t n = 0; (value = head_find(request, name, n)); n++)
		if (!names_scheme(value, "basic") && !names_scheme(value, "bearer") &&
		    !names_scheme(value, "digest"))
			return true;
	return false;
}

static bool asks_who_it_is(const struct head *response, const char *name)
{
	const char *value;

	for (size_t n = 0; (value = head_find(response, name, n)); n++)
		if (names_scheme(value, "ntlm") || names_scheme(value, "negotiate"))
			return true;
	return false;
}

bool exchange_binds_connection(const struct exchange *exchange)
{
	return shows_who_it_is(&exchange->request, "authorization") ||
	       shows_who_it_is(&exchange->request, "proxy-authorization") ||
	       asks_who_it_is(&exchange->response, "www-authenticate") ||
	       asks_who_it_is(&exchange->response, "proxy-authenticate");
}

static bool find_header(const void *message, const char *name,
			bool (*each)(const char *value, const void *context), const void *context)
{
	const struct head *head = message;
	const char *value;

	for (size_t n = 0; (value = head_find(head, name, n)); n++)
		if (each(value, context))
			return true;
	return false;
}

void exchange_facts(const struct exchange *exchange, struct facts *facts)
{
	const struct head *request = &exchange->request;

	facts->learned |= MOMENT_REQUEST;
	facts->host = request->host;
	facts->method = head_text(request, request->method);
	facts->path = head_text(request, request->path);
	facts->query = request->query ? head_text(request, request->query) : NULL;
	if (request->protocol)
		facts->protocol = PROTOCOL_WEBSOCKET; /* the guard lets no other pass */
	facts->headers.find = find_header;
	facts->headers.message = request;
	if (!exchange->response.status)
		return;
	facts->learned |= MOMENT_RESPONSE;
	facts->status = exchange->response.status;
}
