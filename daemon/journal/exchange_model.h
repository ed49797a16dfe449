/* An exchange as JSON members: what was asked, what was answered, how long it took. Pure but for
 * the caller's text. */
#pragma once

#include "daemon/endpoint.h"
#include "daemon/http/exchange.h"
#include "daemon/text.h"

/* "HTTP/1.1"; static storage. */
const char *http_version_word(enum http_version version);

/* Everything but identity and headers. server is the end that served it, for the time its
 * connection took; NULL: none. */
void exchange_model_add(struct text *text, const struct exchange *exchange,
			const struct endpoint *server);

/* "request_headers" and "response_headers": arrays of [name, value], in order, as they were sent.
 */
void exchange_model_add_headers(struct text *text, const struct exchange *exchange);
