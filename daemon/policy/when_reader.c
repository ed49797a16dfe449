#include "daemon/policy/when_reader.h"

#include <stdlib.h>

#include "daemon/policy/alternative_reader.h"

static struct condition *add_condition(struct reading *reading, struct when *when,
				       enum condition_kind kind)
{
	struct condition *grown =
		reading_grow(reading, when->conditions, &when->count, sizeof(*grown));

	if (!grown)
		return NULL;
	when->conditions = grown;
	grown += when->count - 1;
	grown->kind = kind;
	return grown;
}

static void add_alternative(struct reading *reading, struct condition *condition,
			    const struct alternative *alternative)
{
	struct alternative *grown =
		reading_grow(reading, condition->alternatives, &condition->count, sizeof(*grown));

	if (!grown) {
		alternative_end((struct alternative[]){ *alternative });
		return;
	}
	condition->alternatives = grown;
	grown[condition->count - 1] = *alternative;
}

/* The condition of this kind, made with its first alternative. */
static struct condition *condition_of(struct reading *reading, struct when *when,
				      enum condition_kind kind)
{
	for (size_t i = 0; i < when->count; i++) {
		if (when->conditions[i].kind == kind)
			return &when->conditions[i];
	}
	return add_condition(reading, when, kind);
}

static void read_alternative(struct reading *reading, const struct keyword *keyword,
			     struct value value, void *target)
{
	enum condition_kind kind = (enum condition_kind)(keyword - when_grammar.keywords);
	struct condition *condition = condition_of(reading, target, kind);
	struct alternative alternative = { 0 };

	if (!condition)
		return;
	if (alternative_read(reading, keyword, value, &alternative))
		add_alternative(reading, condition, &alternative);
	else
		alternative_end(&alternative);
}

/* `fronting: false` would be a condition that nobody means; its opposite is a `not`. */
static void read_fronting(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct condition *condition = condition_of(reading, target, CONDITION_FRONTING);
	struct alternative alternative = { .kind = ALTERNATIVE_WORD };

	if (!condition || condition->count > 0)
		return;
	if (!keyword_boolean(reading, keyword, value)) {
		reading_error(reading, value,
			      "\"fronting\" takes true; for the others say: not: { fronting: true }");
		return;
	}
	alternative.text = reading_copy(reading, "true");
	if (alternative.text)
		add_alternative(reading, condition, &alternative);
}

static void read_header_value(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target)
{
	struct alternative alternative = { 0 };

	if (alternative_read(reading, keyword, value, &alternative))
		add_alternative(reading, target, &alternative);
	else
		alternative_end(&alternative);
}

/* One pair of `header` with its values as if they stood at a key of their own. */
static const struct keyword header_value = { "header", FORM_TEXT | FORM_NUMBER | FORM_LIST,
					     "a text with * and ?, or regex:EXPRESSION",
					     .read = read_header_value };

static void read_header(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		const char *name = value_text(value_key(value, i));
		struct condition *condition;

		if (!name || !alternative_is_field_name(name)) {
			keyword_mismatch(reading, keyword, value_key(value, i));
			continue;
		}
		condition = add_condition(reading, target, CONDITION_HEADER);
		if (!condition)
			return;
		condition->header = reading_copy(reading, name);
		keyword_read(reading, &header_value, value_item(value, i), condition);
	}
}

static void read_not(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct when nested = { 0 };
	struct condition *condition;

	/* Read first: the array may move while a nested `not` is read into the same `when`. */
	read_when(reading, keyword, value, &nested);
	if (value_count(value) == 0)
		reading_error(reading, value, "an empty \"not\" never holds");
	condition = add_condition(reading, target, CONDITION_NOT);
	if (condition)
		condition->nested = nested;
	else
		when_end(&nested);
}

#define GLOB_TAKEN "with * and ?, or regex:EXPRESSION, or a list of them"

/* In the order of enum condition_kind. */
static const struct keyword when_keywords[] = {
	[CONDITION_PORT] = { "port", FORM_NUMBER | FORM_TEXT | FORM_LIST,
			     "a port from 1 to 65535 or a range such as 8000-8999, or a list of "
			     "them",
			     .read = read_alternative },
	[CONDITION_PROTOCOL] = { "protocol", FORM_TEXT | FORM_LIST,
				 "tcp, udp or a protocol such as tls, http, websocket, ssh, or a "
				 "list of them",
				 .read = read_alternative, .words = protocol_words },
	[CONDITION_TIME] = { "time", FORM_TEXT | FORM_LIST,
			     "weekdays and hours such as \"mon-fri 21:00-06:30\", either may be "
			     "left out, or a list of them",
			     .read = read_alternative },
	[CONDITION_TLS_VERSION] = { "tls-version", FORM_NUMBER | FORM_TEXT | FORM_LIST,
				    "1.0, 1.1, 1.2 or 1.3, the highest that the client offers, or "
				    "a "
				    "list of them",
				    .read = read_alternative, .words = tls_version_words },
	[CONDITION_STATUS] = { "status", FORM_NUMBER | FORM_TEXT | FORM_LIST,
			       "a status such as 404, a class such as 5xx or a range such as "
			       "400-499, or a list of them",
			       .read = read_alternative },
	[CONDITION_FROM] = { "from", FORM_TEXT | FORM_LIST,
			     "a device's name, an address, a prefix, a MAC, \"list NAME\", "
			     "\"country XX\", \"port NAME\", or a list of them",
			     .read = read_alternative },
	[CONDITION_ADDRESS] = { "address", FORM_TEXT | FORM_LIST,
				"an address, a prefix, \"list NAME\", \"country XX\", "
				"\"private\", \"public-resolvers\", or a list of them",
				.read = read_alternative },
	[CONDITION_METHOD] = { "method", FORM_TEXT | FORM_LIST,
			       "a method in capitals such as GET " GLOB_TAKEN,
			       .read = read_alternative },
	[CONDITION_ALPN] = { "alpn", FORM_TEXT | FORM_LIST,
			     "a protocol that the client offers, such as h2 or http/1.1, or a list "
			     "of them",
			     .read = read_alternative },
	[CONDITION_HOST] = { "host", FORM_TEXT | FORM_LIST,
			     "a name (example.com alone, \"*.example.com\" below it, .example.com "
			     "both), an address, \"list NAME\", \"public-resolvers\", \"none\", or a "
			     "list of them",
			     .read = read_alternative },
	[CONDITION_CERTIFICATE] = { "certificate", FORM_TEXT | FORM_MAPPING | FORM_LIST,
				    "expired, not-yet-valid, self-signed, untrusted, wrong-host, "
				    "invalid, or { issuer: …, subject: …, san: … }, or a list of "
				    "them",
				    .read = read_alternative, .grammar = &certificate_grammar,
				    .words = certificate_words },
	[CONDITION_PATH] = { "path", FORM_TEXT | FORM_LIST, "a path such as /api/* " GLOB_TAKEN,
			     .read = read_alternative },
	[CONDITION_QUERY] = { "query", FORM_TEXT | FORM_LIST,
			      "what follows the ? of a request, " GLOB_TAKEN,
			      .read = read_alternative },
	[CONDITION_FRONTING] = { "fronting", FORM_BOOLEAN,
				 "true: the request is for another host than its TLS was opened for",
				 .read = read_fronting },
	[CONDITION_HEADER] = { "header", FORM_NAMED,
			       "a mapping of header names to values " GLOB_TAKEN,
			       .read = read_header },
	[CONDITION_NOT] = { "not", FORM_MAPPING, "a mapping of conditions that must not all hold",
			    .read = read_not, .grammar = &when_grammar },
	[CONDITION_KINDS] = { 0 },
};

const struct grammar when_grammar = { "\"when\"", when_keywords };

static int compare(const void *a, const void *b)
{
	const struct condition *left = a;
	const struct condition *right = b;

	return (int)left->kind - (int)right->kind;
}

void read_when(struct reading *reading, const struct keyword *keyword, struct value value,
	       void *target)
{
	struct when *when = target;

	(void)keyword;
	grammar_read(reading, &when_grammar, value, when);
	if (when->count)
		qsort(when->conditions, when->count, sizeof(*when->conditions), compare);
}
