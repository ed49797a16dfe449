#include "daemon/policy/rule.h"

#include <stdlib.h>

#include "daemon/packet/dns.h"
#include "daemon/policy/condition.h"

static enum moment earliest(unsigned moments)
{
	return (enum moment)(moments & -moments);
}

enum match rule_match(const struct rule *rule, const struct facts *facts, enum moment *wanted)
{
	unsigned missing = 0;
	enum match match = when_match(&rule->when, facts, &missing);

	if (match == MATCH_UNKNOWN)
		*wanted = earliest(missing);
	return match;
}

/* The first condition with this answer. */
static const struct condition *find_condition(const struct rule *rule, const struct facts *facts,
					      enum match sought)
{
	for (size_t i = 0; i < rule->when.count; i++) {
		unsigned unused = 0;

		if (condition_match(&rule->when.conditions[i], facts, &unused) == sought)
			return &rule->when.conditions[i];
	}
	return NULL;
}

enum match rule_explain(const struct rule *rule, const struct facts *facts, enum moment *wanted,
			struct text *why)
{
	enum match match = rule_match(rule, facts, wanted);
	const struct condition *condition = find_condition(rule, facts, match);

	if (match == MATCH_YES || !condition)
		return match;
	condition_print(condition, why);
	if (match == MATCH_NO) {
		text_add(why, ", but ");
		condition_print_fact(condition, facts, why);
	} else {
		unsigned missing = 0;

		condition_match(condition, facts, &missing);
		text_addf(why, " waits for %s", moment_phrase(earliest(missing)));
	}
	return match;
}

bool rule_asks(const struct rule *rule, const struct list *list)
{
	return when_asks(&rule->when, list);
}

enum moment rule_moment(const struct rule *rule)
{
	return when_moment(&rule->when);
}

bool rule_replies(const struct rule *rule)
{
	return rule->verdict == VERDICT_REDIRECT || rule->verdict == VERDICT_RESPOND;
}

bool rule_opens_tls(const struct rule *rule)
{
	if (rule->shadow)
		return false;
	if (rule->verdict == VERDICT_ROUTE && rule->upstream->tls == UPSTREAM_TLS_ON)
		return true;
	if (rule->verdict == VERDICT_INSPECT ||
	    (rule_replies(rule) && !reply_upgrades(&rule->reply)) ||
	    (rule->verdict == VERDICT_ROUTE && rule->upstream->tls == UPSTREAM_TLS_OFF))
		return when_reaches_tls(&rule->when);
	return when_reads_tls(&rule->when);
}

bool rule_has_extras(const struct rule *rule)
{
	return rule->request_headers.count || rule->response_headers.count || rule->captures;
}

bool rule_carries_datagrams(const struct rule *rule)
{
	const struct upstream *upstream = rule->upstream;

	if (rule->verdict != VERDICT_ROUTE || rule->shadow || rule_has_extras(rule) ||
	    rule_moment(rule) > MOMENT_HELLO || upstream->tls != UPSTREAM_TLS_AS_CLIENT)
		return false;
	if (upstream->proxy.through == THROUGH_SOCKS5)
		return when_wants_datagrams(&rule->when) != MATCH_NO;
	return upstream->proxy.through == THROUGH_NOTHING &&
	       when_wants_datagrams(&rule->when) == MATCH_YES;
}

unsigned rule_dns_strip(const struct rule *rule)
{
	bool reads = rule->verdict == VERDICT_INSPECT || rule->verdict == VERDICT_ROUTE;

	return rule->dns_strip | (reads ? DNS_STRIP_ECH | DNS_STRIP_H3 : 0);
}

const char *verdict_word(enum verdict verdict)
{
	static const char *const words[] = { "pass",	 "inspect",  "block",
					     "route", "redirect", "respond" };

	return words[verdict];
}

const char *block_word(enum block block)
{
	static const char *const words[] = { "reset", "drop", "page", "nxdomain" };

	return words[block];
}

static const char *journal_level_word(enum journal_level level)
{
	static const char *const words[] = { "none", "connections", "exchanges", "headers" };

	return words[level];
}

static const char *trace_word(enum trace_kind trace)
{
	return trace == TRACE_HAR ? "har" : trace == TRACE_KEYLOG ? "keylog" : "pcapng";
}

const char *rate_word(enum rate_unit unit)
{
	static const char *const words[] = { "second", "minute", "hour" };

	return words[unit];
}

const char *moment_phrase(enum moment moment)
{
	switch (moment) {
	case MOMENT_HELLO:
		return "the client's first bytes";
	case MOMENT_CERTIFICATE:
		return "the server's certificate";
	case MOMENT_REQUEST:
		return "the request";
	case MOMENT_RESPONSE:
		return "the response";
	default:
		return "the connection";
	}
}

static void print_verdict(const struct rule *rule, struct text *text)
{
	if (rule->verdict == VERDICT_ROUTE) {
		text_add(text, "{ route: ");
		upstream_print(rule->upstream, text);
		text_add(text, " }");
	} else if (rule_replies(rule)) {
		reply_print(&rule->reply, text);
	} else if (rule->verdict == VERDICT_BLOCK && rule->block != BLOCK_RESET) {
		text_addf(text, "{ block: %s }", block_word(rule->block));
	} else {
		text_add(text, verdict_word(rule->verdict));
	}
}

static void print_edits_of(const struct edits *edits, enum edit_kind kind, const char *word,
			   struct text *text)
{
	const char *comma = "";

	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->edits[i];

		if (edit->kind != kind)
			continue;
		if (!*comma)
			text_addf(text, "%s: %s", word, kind == EDIT_REMOVE ? "[" : "{ ");
		text_add(text, comma);
		text_add_json(text, edit->name);
		if (kind != EDIT_REMOVE) {
			text_add(text, ": ");
			text_add_json(text, edit->value);
		}
		comma = ", ";
	}
	if (*comma)
		text_add(text, kind == EDIT_REMOVE ? "] " : " }, ");
}

static void print_edits(const struct edits *edits, const char *word, struct text *text)
{
	if (edits->count == 0)
		return;
	text_addf(text, ", %s: { ", word);
	print_edits_of(edits, EDIT_SET, "set", text);
	print_edits_of(edits, EDIT_ADD, "add", text);
	print_edits_of(edits, EDIT_REMOVE, "remove", text);
	text_add(text, "}");
}

static void print_captures(unsigned captures, struct text *text)
{
	const char *before = ", capture: [";

	for (unsigned trace = TRACE_HAR; trace <= TRACE_PCAPNG; trace <<= 1) {
		if (!(captures & trace))
			continue;
		text_addf(text, "%s%s", before, trace_word((enum trace_kind)trace));
		before = ", ";
	}
	text_add(text, captures ? "]" : "");
}

static void print_sparing(const struct rule *rule, struct text *text)
{
	static const char *const losses[] = { "", ", pq-loss: pass", ", pq-loss: block" };
	static const char *const certificates[] = { "", ", client-certificate: pass",
						    ", client-certificate: none",
						    ", client-certificate: { file: ... }" };

	text_add(text, losses[rule->pq_loss]);
	text_add(text, certificates[rule->client_certificate]);
	if (rule->learn_seconds)
		text_addf(text, ", learn: { pass: %lld s }", (long long)rule->learn_seconds);
}

static void print_dns(const struct rule *rule, struct text *text)
{
	unsigned strip = rule->dns_strip;
	char address[ADDRESS_TEXT];

	if (!strip && !rule->dns_answer_count)
		return;
	text_add(text, ", dns: { ");
	if (strip)
		text_addf(text, "strip: [%s%s%s]", strip & DNS_STRIP_ECH ? "ech" : "",
			  strip == (DNS_STRIP_ECH | DNS_STRIP_H3) ? ", " : "",
			  strip & DNS_STRIP_H3 ? "h3" : "");
	for (size_t i = 0; i < rule->dns_answer_count; i++)
		text_addf(text, "%s%s", i ? ", " : strip ? ", answer: [" : "answer: [",
			  address_print(&rule->dns_answers[i], address));
	text_add(text, rule->dns_answer_count ? "] }" : " }");
}

void rule_print(const struct rule *rule, struct text *text)
{
	text_add(text, "{ name: ");
	text_add_json(text, rule->name);
	if (rule->when.count) {
		text_add(text, ", when: ");
		when_print(&rule->when, text);
	}
	text_add(text, ", do: ");
	print_verdict(rule, text);
	if (rule->log != JOURNAL_CONNECTIONS)
		text_addf(text, ", log: %s", journal_level_word(rule->log));
	if (rule->on_invalid != ON_INVALID_REFUSE)
		text_addf(text, ", on-invalid: %s",
			  rule->on_invalid == ON_INVALID_ALLOW ? "allow" : "mirror");
	text_add(text, rule->wants_status ? ", revocation: require" : "");
	print_sparing(rule, text);
	print_captures(rule->captures, text);
	print_edits(&rule->request_headers, "request-headers", text);
	print_edits(&rule->response_headers, "response-headers", text);
	print_dns(rule, text);
	text_add(text, rule->shadow ? ", shadow: true" : "");
	text_add(text, rule->cut ? ", cut: true" : "");
	if (rule->rate.count)
		text_addf(text, ", rate: %u/%s", rule->rate.count, rate_word(rule->rate.unit));
	text_add(text, " }");
}

static void edits_end(struct edits *edits)
{
	for (size_t i = 0; i < edits->count; i++) {
		free(edits->edits[i].name);
		free(edits->edits[i].value);
	}
	free(edits->edits);
}

void rule_end(struct rule *rule)
{
	free(rule->name);
	when_end(&rule->when);
	reply_end(&rule->reply);
	edits_end(&rule->request_headers);
	edits_end(&rule->response_headers);
}
