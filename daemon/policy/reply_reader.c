#include "daemon/policy/reply_reader.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/policy/scalar.h"

enum { TEMPORARY_REDIRECT = 307, FORBIDDEN = 403 };

static const char *const redirect_status_words[] = { "301", "302", "303", "307", "308", NULL };

/* What would not stay one header field, or not be a URL at all (RFC 3986 section 2). */
static bool is_printable(const char *text)
{
	for (const unsigned char *next = (const unsigned char *)text; *next; next++)
		if (*next <= ' ' || *next >= 0x7f || strchr("\"<>\\^`{|}", *next))
			return false;
	return *text != '\0';
}

static bool is_location(const char *text, enum location_kind *kind)
{
	const char *rest = strncmp(text, "https://", 8) == 0  ? text + 8
			   : strncmp(text, "http://", 7) == 0 ? text + 7
							      : NULL;
	char host[NAME_SIZE];
	uint16_t port;

	if (strcmp(text, "https") == 0 || strcmp(text, "http") == 0) {
		*kind = LOCATION_SCHEME;
		return true;
	}
	*kind = rest && !strpbrk(rest, "/?#") ? LOCATION_SITE : LOCATION_EXACT;
	if (!is_printable(text))
		return false;
	if (rest)
		return name_authority(rest, strcspn(rest, "/?#"), host, &port);
	/* Two slashes would begin with a host. */
	return text[0] == '/' && text[1] != '/';
}

static void read_to(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	struct rule *rule = target;

	if (rule->reply.location)
		return;
	if (is_location(value_text(value), &rule->reply.location_kind))
		rule->reply.location = reading_copy(reading, value_text(value));
	else
		keyword_mismatch(reading, keyword, value);
}

static void read_redirect_status(struct reading *reading, const struct keyword *keyword,
				 struct value value, void *target)
{
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		rule->reply.status = (unsigned)atoi(redirect_status_words[choice]);
}

#define TAKES_LOCATION                                                                             \
	"https (the same, in TLS), a site such as https://new.example (the same path there), or "  \
	"a URL such as https://new.example/page"

static const struct keyword redirect_keywords[] = {
	{ "to", FORM_TEXT, TAKES_LOCATION, .read = read_to, .required = true },
	{ "status", FORM_NUMBER | FORM_TEXT, "301, 302, 303, 307 or 308",
	  .read = read_redirect_status, .words = redirect_status_words },
	{ 0 },
};

const struct grammar redirect_grammar = { "\"redirect\"", redirect_keywords };

void read_redirect(struct reading *reading, const struct keyword *keyword, struct value value,
		   void *target)
{
	struct rule *rule = target;

	rule->verdict = VERDICT_REDIRECT;
	rule->reply.status = TEMPORARY_REDIRECT;
	if (value_kind(value) == VALUE_MAPPING)
		grammar_read(reading, keyword->grammar, value, rule);
	else
		read_to(reading, keyword, value, rule);
}

static void read_status(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct rule *rule = target;
	uint32_t range[2] = { 200, 599 };
	uint32_t status;

	if (scalar_number(reading, keyword, value, range, &status))
		rule->reply.status = status;
}

static void read_body(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct rule *rule = target;
	char name[SOURCE_NAME_SIZE];
	const struct source *source = NULL;

	if (source_name(name, value_place(value).file, value_text(value)))
		source = sources_find(reading->policy->sources, name);
	else
		keyword_mismatch(reading, keyword, value);
	if (!source || rule->reply.file) {
		if (!source)
			reading_missing(reading, value, value_text(value));
		return;
	}
	if (!source->bytes)
		reading_error(reading, value, "%s cannot be read: %s", name,
			      strerror(source->error));
	else if (source->length > REPLY_BODY_MAX)
		reading_error(reading, value,
			      "%s is longer than %d bytes; serve it by a web server "
			      "and route there",
			      name, REPLY_BODY_MAX);
	rule->reply.file = reading_copy(reading, value_text(value));
	rule->reply.body = source->bytes;
	rule->reply.length = source->length;
}

static void read_type(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct rule *rule = target;
	const char *text = value_text(value);

	for (const unsigned char *next = (const unsigned char *)text; *next; next++) {
		if (*next < ' ' || *next >= 0x7f) {
			keyword_mismatch(reading, keyword, value);
			return;
		}
	}
	if (!strchr(text, '/'))
		keyword_mismatch(reading, keyword, value);
	else if (!rule->reply.type)
		rule->reply.type = reading_copy(reading, text);
}

static const struct keyword respond_keywords[] = {
	{ "status", FORM_NUMBER, "a status from 200 to 599", .read = read_status,
	  .required = true },
	{ "body", FORM_TEXT, "a file of at most 16384 bytes", .read = read_body },
	{ "type", FORM_TEXT, "the body's content type, such as text/html", .read = read_type },
	{ 0 },
};

const struct grammar respond_grammar = { "\"respond\"", respond_keywords };

static const char *usual_type(const char *file)
{
	static const struct {
		const char *ending;
		const char *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".js", "text/javascript" },
		{ ".css", "text/css" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".gif", "image/gif" },
		{ ".pac", "application/x-ns-proxy-autoconfig" },
	};
	const char *ending = strrchr(file, '.');

	for (size_t i = 0; ending && i < sizeof(types) / sizeof(*types); i++)
		if (strcmp(types[i].ending, ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static bool may_have_body(unsigned status)
{
	return status != 204 && status != 205 && status != 304;
}

void read_respond(struct reading *reading, const struct keyword *keyword, struct value value,
		  void *target)
{
	struct rule *rule = target;
	struct reply *reply = &rule->reply;

	rule->verdict = VERDICT_RESPOND;
	reply->status = FORBIDDEN;
	if (value_kind(value) == VALUE_MAPPING)
		grammar_read(reading, keyword->grammar, value, rule);
	else
		read_status(reading, keyword, value, rule);
	if (reply->file && !may_have_body(reply->status))
		reading_error(reading, value, "a response of status %u has no body", reply->status);
	if (reply->file && !reply->type)
		reply->type = reading_copy(reading, usual_type(reply->file));
}
