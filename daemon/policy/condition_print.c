/* Conditions as text: in the policy's language, and the facts they meet for `explain`. */
#include <ctype.h>
#include <string.h>

#include "daemon/policy/condition.h"

static const char *const words[CONDITION_KINDS] = {
	[CONDITION_PORT] = "port",
	[CONDITION_PROTOCOL] = "protocol",
	[CONDITION_TIME] = "time",
	[CONDITION_TLS_VERSION] = "tls-version",
	[CONDITION_STATUS] = "status",
	[CONDITION_FROM] = "from",
	[CONDITION_ADDRESS] = "address",
	[CONDITION_METHOD] = "method",
	[CONDITION_ALPN] = "alpn",
	[CONDITION_HOST] = "host",
	[CONDITION_CERTIFICATE] = "certificate",
	[CONDITION_PATH] = "path",
	[CONDITION_QUERY] = "query",
	[CONDITION_FRONTING] = "fronting",
	[CONDITION_HEADER] = "header",
	[CONDITION_NOT] = "not",
};

const char *condition_word(enum condition_kind kind)
{
	return words[kind];
}

/* A word that YAML reads as itself, also inside { } and [ ]. */
static bool is_plain(const char *text)
{
	if (!isalnum((unsigned char)*text) && *text != '/' && *text != '.')
		return false;
	for (const char *next = text; *next; next++) {
		if (!isalnum((unsigned char)*next) && !strchr("-._/ *", *next))
			return false;
	}
	return text[strlen(text) - 1] != ' ' && strcmp(text, "null") != 0;
}

static void print_text(struct text *text, const char *value)
{
	if (is_plain(value))
		text_add(text, value);
	else
		text_add_json(text, value);
}

static void print_patterns(struct text *text, const char *key, const struct patterns *patterns)
{
	if (patterns->count == 0)
		return;
	if (text->length && text->bytes[text->length - 1] != ' ')
		text_add(text, ", ");
	text_addf(text, "%s: ", key);
	text_add(text, patterns->count > 1 ? "[" : "");
	for (size_t i = 0; i < patterns->count; i++) {
		text_add(text, i ? ", " : "");
		print_text(text, patterns->patterns[i].text);
	}
	text_add(text, patterns->count > 1 ? "]" : "");
}

static void print_alternative(const struct alternative *alternative, struct text *text)
{
	const struct certificate_names *names = alternative->certificate_names;

	if (alternative->kind != ALTERNATIVE_CERTIFICATE_NAMES) {
		print_text(text, alternative->text);
		return;
	}
	text_add(text, "{ ");
	print_patterns(text, "issuer", &names->issuer);
	print_patterns(text, "subject", &names->subject);
	print_patterns(text, "san", &names->san);
	text_add(text, " }");
}

static void print_alternatives(const struct condition *condition, struct text *text)
{
	text_add(text, condition->count > 1 ? "[" : "");
	for (size_t i = 0; i < condition->count; i++) {
		text_add(text, i ? ", " : "");
		print_alternative(&condition->alternatives[i], text);
	}
	text_add(text, condition->count > 1 ? "]" : "");
}

void condition_print(const struct condition *condition, struct text *text)
{
	text_addf(text, "%s: ", words[condition->kind]);
	if (condition->kind == CONDITION_NOT) {
		when_print(&condition->nested, text);
	} else if (condition->kind == CONDITION_HEADER) {
		text_add(text, "{ ");
		print_text(text, condition->header);
		text_add(text, ": ");
		print_alternatives(condition, text);
		text_add(text, " }");
	} else {
		print_alternatives(condition, text);
	}
}

/* All header conditions are one key of the file. */
static void print_headers(const struct when *when, struct text *text)
{
	const char *comma = "header: { ";

	for (size_t i = 0; i < when->count; i++) {
		if (when->conditions[i].kind != CONDITION_HEADER)
			continue;
		text_add(text, comma);
		print_text(text, when->conditions[i].header);
		text_add(text, ": ");
		print_alternatives(&when->conditions[i], text);
		comma = ", ";
	}
	text_add(text, " }");
}

void when_print(const struct when *when, struct text *text)
{
	bool headers_done = false;
	const char *comma = " ";

	text_add(text, "{");
	for (size_t i = 0; i < when->count; i++) {
		bool header = when->conditions[i].kind == CONDITION_HEADER;

		if (header && headers_done)
			continue;
		text_add(text, comma);
		comma = ", ";
		if (header)
			print_headers(when, text);
		else
			condition_print(&when->conditions[i], text);
		headers_done |= header;
	}
	text_add(text, " }");
}

static void print_client(const struct facts *facts, struct text *text)
{
	char address[ADDRESS_TEXT];
	char mac[MAC_TEXT];

	text_addf(text, "the client is %s", address_print(&facts->client, address));
	if (facts->mac)
		text_addf(text, " (%s)", mac_print(facts->mac, mac));
	if (facts->port_name)
		text_addf(text, " on %s", facts->port_name);
}

static void print_host(const struct facts *facts, struct text *text)
{
	if (facts->host && *facts->host)
		text_addf(text, "the host is %s", facts->host);
	else
		text_add(text, "there is no host name");
}

static void print_alpn(const struct facts *facts, struct text *text)
{
	struct reader reader;
	const char *comma = "";

	if (facts->alpn.length == 0) {
		text_add(text, "the client offers no ALPN");
		return;
	}
	text_add(text, "the client offers ");
	reader_begin(&reader, facts->alpn.bytes, facts->alpn.length);
	while (reader_left(&reader)) {
		struct span name = reader_take(&reader, reader_u8(&reader));

		text_add(text, comma);
		text_add_json_bytes(text, name.bytes, name.length);
		comma = ", ";
	}
}

static void print_certificate(const struct facts *facts, struct text *text)
{
	if (!facts->certificates || facts->certificates->count == 0)
		text_add(text, "there is no certificate");
	else if (facts->certificate_verdict == REASON_NONE)
		text_addf(text, "the certificate of %s is verified",
			  facts->certificates->certificates[0].subject);
	else
		text_add(text, reason_sentence(facts->certificate_verdict));
}

static void print_request(const char *what, const char *value, const struct facts *facts,
			  struct text *text)
{
	if (!facts->method)
		text_add(text, "there is no HTTP request");
	else if (!value)
		text_addf(text, "the request has no %s", what);
	else
		text_addf(text, "the %s is %s", what, value);
}

static void print_method(const struct facts *facts, struct text *text)
{
	print_request("method", facts->method, facts, text);
}

static void print_path(const struct facts *facts, struct text *text)
{
	print_request("path", facts->path, facts, text);
}

static void print_query(const struct facts *facts, struct text *text)
{
	print_request("query", facts->query, facts, text);
}

static void print_time(const struct facts *facts, struct text *text)
{
	static const char *const days[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
					    "Friday", "Saturday", "Sunday" };
	const struct week_time *time = &facts->time;

	text_addf(text, "it is %s %02u:%02u", days[time->weekday % 7], time->minute / 60u,
		  time->minute % 60u);
}

static void print_version(const struct facts *facts, struct text *text)
{
	if (!facts->tls_version)
		text_add(text, "there is no TLS");
	else
		text_addf(text, "the client offers TLS 1.%d", (facts->tls_version & 0xff) - 1);
}

static void print_status(const struct facts *facts, struct text *text)
{
	if (facts->status)
		text_addf(text, "the status is %u", facts->status);
	else
		text_add(text, "there is no response");
}

static void print_port(const struct facts *facts, struct text *text)
{
	text_addf(text, "the port is %u", facts->destination.port);
}

static void print_protocol(const struct facts *facts, struct text *text)
{
	const char *transport = facts->transport == TRANSPORT_TCP ? "tcp" : "udp";

	text_addf(text, "the protocol is %s",
		  facts->learned & MOMENT_HELLO ? protocol_word(facts->protocol) : transport);
}

static void print_destination(const struct facts *facts, struct text *text)
{
	char address[ADDRESS_TEXT];

	text_addf(text, "the destination is %s", address_print(&facts->destination, address));
}

static void print_fronting(const struct facts *facts, struct text *text)
{
	text_addf(text, "TLS was opened for %s",
		  facts->tls_name && *facts->tls_name ? facts->tls_name : "no name");
}

static void print_header(const struct facts *facts, struct text *text)
{
	text_add(text,
		 facts->method ? "no such header has such a value" : "there is no HTTP request");
}

static void print_negation(const struct facts *facts, struct text *text)
{
	(void)facts;
	text_add(text, "that holds");
}

void condition_print_fact(const struct condition *condition, const struct facts *facts,
			  struct text *text)
{
	static void (*const print[CONDITION_KINDS])(const struct facts *facts,
						    struct text *text) = {
		[CONDITION_PORT] = print_port,
		[CONDITION_PROTOCOL] = print_protocol,
		[CONDITION_TIME] = print_time,
		[CONDITION_TLS_VERSION] = print_version,
		[CONDITION_STATUS] = print_status,
		[CONDITION_FROM] = print_client,
		[CONDITION_ADDRESS] = print_destination,
		[CONDITION_METHOD] = print_method,
		[CONDITION_ALPN] = print_alpn,
		[CONDITION_HOST] = print_host,
		[CONDITION_CERTIFICATE] = print_certificate,
		[CONDITION_PATH] = print_path,
		[CONDITION_QUERY] = print_query,
		[CONDITION_FRONTING] = print_fronting,
		[CONDITION_HEADER] = print_header,
		[CONDITION_NOT] = print_negation,
	};

	print[condition->kind](facts, text);
}
