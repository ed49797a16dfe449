#include "daemon/http/reply.h"

#include <string.h>

#include "daemon/http/phrase.h"
#include "daemon/text.h"

enum { LOCATION_MAX = HEAD_MAX };

bool reply_is_due(const struct rule *rule, bool secure)
{
	if (rule->verdict == VERDICT_RESPOND)
		return true;
	return rule->verdict == VERDICT_REDIRECT && !(secure && reply_upgrades(&rule->reply));
}

static int add(struct head *head, const char *name, const char *value)
{
	return head_add_field(head, name, strlen(name), value, strlen(value));
}

static void add_target(struct text *text, const struct head *request)
{
	const char *path = head_text(request, request->path);

	/* "*" of OPTIONS is no path. */
	text_add(text, *path == '/' ? path : "/");
	if (request->query)
		text_addf(text, "?%s", head_text(request, request->query));
}

/* The port of another scheme is another one. */
static void add_site(struct text *text, const char *scheme, const struct head *request)
{
	bool literal = strchr(request->host, ':') != NULL;

	text_addf(text, "%s://%s%s%s", scheme, literal ? "[" : "", request->host,
		  literal ? "]" : "");
}

static int add_location(struct head *head, const struct head *request, const struct reply *reply)
{
	static char storage[LOCATION_MAX]; /* a worker has one thread */
	struct text location;

	text_begin(&location, storage, sizeof(storage));
	if (reply->location_kind == LOCATION_SCHEME)
		add_site(&location, reply->location, request);
	else
		text_add(&location, reply->location);
	if (reply->location_kind != LOCATION_EXACT)
		add_target(&location, request);
	return head_add_field(head, "Location", 8, location.bytes, location.length);
}

int reply_make(struct head *head, struct span *body, const struct head *request,
	       const struct rule *rule)
{
	const struct reply *reply = &rule->reply;
	const char *phrase = http_phrase(reply->status);

	*body = (struct span){ (const uint8_t *)reply->body, reply->length };
	head->version = HTTP_1_1;
	head->status = reply->status;
	head->phrase = head_add_text(head, phrase, strlen(phrase));
	head->body = reply->status == 204 || reply->status == 304 ? BODY_NONE : BODY_LENGTH;
	head->content_length = reply->length;
	head->length_said = true;
	if (!head->phrase)
		return -1;
	if (reply->location && add_location(head, request, reply) < 0)
		return -1;
	if (reply->file && add(head, "Content-Type", reply->type) < 0)
		return -1;
	return 0;
}
