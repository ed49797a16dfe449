#include "daemon/http/page.h"

#include <string.h>

#define STYLE                                                                                      \
	"body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;" \
	"color:#222;background:#fff}h1{font-size:1.5rem}small{color:#666}"

/* SHA-256 of STYLE: tests/unit/page_test.c computes it. */
#define STYLE_HASH "sha256-QJNv1SnNYnTxvongtPcyqY0zl7nhN/SbQJCRBiuq1RI="

struct answer {
	unsigned status;
	const char *phrase;
	const char *title;
};

static const struct answer *find_answer(unsigned status)
{
	static const struct answer answers[] = {
		{ 400, "Bad Request", "This request cannot be understood" },
		{ 403, "Forbidden", "This is blocked on this network" },
		{ 405, "Method Not Allowed", "This method is not carried" },
		{ 408, "Request Timeout", "The request took too long" },
		{ 414, "URI Too Long", "The address is too long" },
		{ 421, "Misdirected Request", "This server does not answer for that name" },
		{ 431, "Request Header Fields Too Large", "The request is too large" },
		{ 503, "Service Unavailable", "The gateway cannot do this now" },
		{ 504, "Gateway Timeout", "The server did not answer in time" },
		{ 502, "Bad Gateway", "The server could not be reached or understood" },
	};
	size_t count = sizeof(answers) / sizeof(*answers), i;

	for (i = 0; i < count - 1; i++)
		if (answers[i].status == status)
			break;
	return &answers[i];
}

static void print_body(struct text *body, const struct answer *answer, enum reason reason)
{
	text_add(body, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
		       "<meta name=\"viewport\" content=\"width=device-width\"><title>");
	text_add(body, answer->title);
	text_add(body, "</title><style>" STYLE "</style><h1>");
	text_add(body, answer->title);
	text_add(body, "</h1><p>");
	text_add(body, "The gateway of this network says: ");
	text_add(body, reason_sentence(reason));
	text_add(body, ".</p><p>If you think this is wrong, ask whoever looks after the network "
		       "and mention the word below.</p><small>Headgate: ");
	text_add(body, reason_word(reason));
	text_add(body, "</small></html>\n");
}

void page_print(struct text *text, unsigned status, enum reason reason, bool head_only)
{
	const struct answer *answer = find_answer(status);
	char storage[PAGE_MAX];
	struct text body;

	text_begin(&body, storage, sizeof(storage));
	print_body(&body, answer, reason);
	text_addf(text, "HTTP/1.1 %u %s\r\n", answer->status, answer->phrase);
	text_add(text, "Content-Type: text/html; charset=utf-8\r\n"
		       "Content-Security-Policy: default-src 'none'; style-src '" STYLE_HASH "'; "
		       "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
		       "X-Content-Type-Options: nosniff\r\n"
		       "Referrer-Policy: no-referrer\r\n"
		       "Cache-Control: no-store\r\n");
	if (answer->status == 405)
		text_add(text, "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE\r\n");
	text_addf(text, "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.length);
	if (!head_only)
		text_add_bytes(text, body.bytes, body.length);
}
