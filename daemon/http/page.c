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

static int add(struct head *head, const char *name, const char *value)
{
	return head_add_field(head, name, strlen(name), value, strlen(value));
}

static int fill_head(struct head *head, const struct answer *answer)
{
	head->version = HTTP_1_1;
	head->status = answer->status;
	head->phrase = head_add_text(head, answer->phrase, strlen(answer->phrase));
	if (!head->phrase || add(head, "Content-Type", "text/html; charset=utf-8") < 0 ||
	    add(head, "Content-Security-Policy",
		"default-src 'none'; style-src '" STYLE_HASH "'; base-uri 'none'; "
		"form-action 'none'; frame-ancestors 'none'") < 0 ||
	    add(head, "X-Content-Type-Options", "nosniff") < 0 ||
	    add(head, "Referrer-Policy", "no-referrer") < 0 ||
	    add(head, "Cache-Control", "no-store") < 0)
		return -1;
	if (answer->status == 405)
		return add(head, "Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE");
	return 0;
}

int page_make(struct head *head, struct text *body, unsigned status, enum reason reason)
{
	const struct answer *answer = find_answer(status);

	print_body(body, answer, reason);
	head->body = BODY_LENGTH;
	head->content_length = body->length;
	head->length_said = true;
	return fill_head(head, answer);
}
