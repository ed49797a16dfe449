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
