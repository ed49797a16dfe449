#include "daemon/policy/rule_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/packet/dns.h"
#include "daemon/policy/condition.h"
#include "daemon/policy/definitions.h"
#include "daemon/policy/edits_reader.h"
#include "daemon/policy/reply_reader.h"
#include "daemon/policy/roots.h"
#include "daemon/policy/rule_sense.h"
#include "daemon/policy/scalar.h"
#include "daemon/policy/when_reader.h"

/* Seconds for which `learn` lets clients pass. */
enum { LEARN_LEAST = 1, LEARN_USUAL = 86400, LEARN_MOST = 30 * 86400 };

static const char *const verdict_words[] = { "pass", "inspect", "block", NULL };
static const char *const block_words[] = { "reset", "drop", "page", "nxdomain", NULL };
static const char *const log_words[] = { "none", "connections", "exchanges", "headers", NULL };
/* In the order of the TRACE_… bits. */
static const char *const capture_words[] = { "har", "keylog", "pcapng", NULL };
static const char *const on_invalid_words[] = { "refuse", "mirror", "allow", NULL };
static const char *const pq_loss_words[] = { "allow", "pass", "block", NULL };
static const char *const client_certificate_words[] = { "refuse", "pass", "none", NULL };
static const char *const learn_words[] = { "off", "pass", NULL };
static const char *const revocation_words[] = { "check", "require", NULL };

static void read_name(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct rule *rule = target;

	(void)keyword;
	free(rule->name);
	rule->name = reading_copy(reading, value_text(value));
}

static void read_conditions(struct reading *reading, const struct keyword *keyword,
			    struct value value, void *target)
{
	struct rule *rule = target;

	/* A doubled key has been reported; its conditions would only confuse. */
	if (rule->when.count == 0)
		read_when(reading, keyword, value, &rule->when);
}

static void read_block(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	rule->verdict = VERDICT_BLOCK;
	if (choice >= 0)
		rule->block = (enum block)choice;
}

static void read_route(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct rule *rule = target;

	(void)keyword;
	rule->verdict = VERDICT_ROUTE;
	if (value_kind(value) == VALUE_MAPPING)
		rule->upstream = read_inline_upstream(reading, value);
	else
		rule->upstream = find_upstream(reading, value, value_text(value));
}

static const struct keyword do_keywords[] = {
	{ "block", FORM_TEXT, "reset, drop, page or nxdomain", .read = read_block,
	  .words = block_words },
	{ "route", FORM_TEXT | FORM_MAPPING,
	  "the name of an upstream, or one described in place: { server: …, tls: true }",
	  .read = read_route, .grammar = &upstream_grammar },
	{ "redirect", FORM_TEXT | FORM_MAPPING,
	  "https, a site such as https://new.example, a URL, or { to: …, status: 308 }",
	  .read = read_redirect, .grammar = &redirect_grammar },
	{ "respond", FORM_NUMBER | FORM_MAPPING,
	  "a status such as 204, or { status: 503, body: FILE, type: text/html }",
	  .read = read_respond, .grammar = &respond_grammar },
	{ 0 },
};

static const struct grammar do_grammar = { "\"do\"", do_keywords };

static void read_do(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	struct rule *rule = target;
	int choice;

	if (value_kind(value) == VALUE_MAPPING) {
		grammar_read(reading, &do_grammar, value, rule);
		if (value_count(value) != 1)
			reading_error(reading, value, "\"do\" takes one verdict");
		return;
	}
	if (strcmp(value_text(value), "redirect") == 0 ||
	    strcmp(value_text(value), "respond") == 0) {
		reading_error(reading, value,
			      "\"%s\" needs to know what to answer: { redirect: https }, "
			      "{ respond: 204 }",
			      value_text(value));
		return;
	}
	if (strcmp(value_text(value), "route") == 0) {
		reading_error(reading, value, "\"route\" needs an upstream: { route: NAME }");
		return;
	}
	choice = keyword_choose(reading, keyword, value);
	if (choice >= 0)
		rule->verdict = (enum verdict)choice;
}

static void read_log(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		rule->log = (enum journal_level)choice;
	rule->logged = choice > JOURNAL_NONE;
}

static void read_request_headers(struct reading *reading, const struct keyword *keyword,
				 struct value value, void *target)
{
	struct rule *rule = target;

	grammar_read(reading, keyword->grammar, value, &rule->request_headers);
}

static void read_response_headers(struct reading *reading, const struct keyword *keyword,
				  struct value value, void *target)
{
	struct rule *rule = target;

	grammar_read(reading, keyword->grammar, value, &rule->response_headers);
}

/* In whichever direction they come. */
static void read_strip(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct rule *rule = target;

	(void)keyword;
	if (edits_add_removal(reading, value, &rule->request_headers))
		edits_add_removal(reading, value, &rule->response_headers);
}

static void read_on_invalid(struct reading *reading, const struct keyword *keyword,
			    struct value value, void *target)
{
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		rule->on_invalid = (enum on_invalid)choice;
}

static void read_rule_capture(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target)
{
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		rule->captures |= 1U << choice;
}

static void read_revocation(struct reading *reading, const struct keyword *keyword,
			    struct value value, void *target)
{
	struct rule *rule = target;

	rule->wants_status = keyword_choose(reading, keyword, value) == 1;
}

static const char *const dns_strip_words[] = { "ech", "h3", NULL };

static void read_dns_strip(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	static const unsigned bits[] = { DNS_STRIP_ECH, DNS_STRIP_H3 };
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		rule->dns_strip |= bits[choice];
}

static void read_dns_answer(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct rule *rule = target;
	struct address address;

	if (address_parse(&address, value_text(value)) != 0)
		keyword_mismatch(reading, keyword, value);
	else if (rule->dns_answer_count == DNS_ANSWERS_MAX)
		reading_error(reading, value, "\"answer\" has more than %d addresses",
			      DNS_ANSWERS_MAX);
	else
		rule->dns_answers[rule->dns_answer_count++] = address;
}

static const struct keyword dns_keywords[] = {
	{ "strip", FORM_TEXT | FORM_LIST, "ech, h3, or both", .read = read_dns_strip,
	  .words = dns_strip_words },
	{ "answer", FORM_TEXT | FORM_LIST,
	  "an address, or a list of them, that questions about the rule's names are answered with",
	  .read = read_dns_answer },
	{ 0 },
};

static const struct grammar dns_grammar = { "\"dns\"", dns_keywords };

static void read_dns(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	grammar_read(reading, keyword->grammar, value, target);
	if (value_count(value) == 0)
		reading_error(reading, value, "\"dns\" is empty: it asks for nothing");
}

static void read_shadow(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct rule *rule = target;

	rule->shadow = keyword_boolean(reading, keyword, value);
}

static void read_cut(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct rule *rule = target;

	rule->cut = keyword_boolean(reading, keyword, value);
}

static void read_pq_loss(struct reading *reading, const struct keyword *keyword,
			 struct value value, void *target)
{
	struct rule *rule = target;
	int choice = keyword_choose(reading, keyword, value);

	if (choice >= 0)
		rule->pq_loss = (enum pq_loss)choice;
}

static void read_identity(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct rule *rule = target;

	rule->client_certificate = CLIENT_CERTIFICATE_FILE;
	rule->identity = find_identity(reading, keyword, value);
}

static const struct keyword identity_keywords[] = {
	{ "file", FORM_TEXT, "a PEM file with a certificate and its key", .read = read_identity,
	  .required = true },
	{ 0 },
};

static const struct grammar identity_grammar = { "\"client-certificate\"", identity_keywords };

static void read_client_certificate(struct reading *reading, const struct keyword *keyword,
				    struct value value, void *target)
{
	struct rule *rule = target;
	int choice;

	if (value_kind(value) == VALUE_MAPPING) {
		grammar_read(reading, keyword->grammar, value, rule);
		return;
	}
	choice = keyword_choose(reading, keyword, value);
	if (choice >= 0)
		rule->client_certificate = (enum client_certificate)choice;
}

static void read_period(struct reading *reading, const struct keyword *keyword,
			struct value value, void *target)
{
	struct rule *rule = target;
	uint64_t period;

	if (!scalar_duration(reading, keyword, value, &period))
		return;
	rule->learn_seconds = (int64_t)(period / 1000000);
	if (rule->learn_seconds < LEARN_LEAST || rule->learn_seconds > LEARN_MOST)
		keyword_mismatch(reading, keyword, value);
}

static const struct keyword learn_keywords[] = {
	{ "pass", FORM_TEXT | FORM_NUMBER, "for how long they pass, from 1 s to 30 d",
	  .read = read_period, .required = true },
	{ 0 },
};

static const struct grammar learn_grammar = { "\"learn\"", learn_keywords };

static void read_learn(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct rule *rule = target;

	if (value_kind(value) == VALUE_MAPPING)
		grammar_read(reading, keyword->grammar, value, rule);
	else
		rule->learn_seconds = keyword_choose(reading, keyword, value) == 1 ? LEARN_USUAL : 0;
}

/* "20/second". */
static void read_rate(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct rule *rule = target;
	const char *text = value_text(value);
	size_t digits = strspn(text, "0123456789");

	for (int unit = RATE_SECOND; digits && digits < 7 && unit <= RATE_HOUR; unit++) {
		if (text[digits] != '/' || strcmp(text + digits + 1, rate_word(unit)) != 0)
			continue;
		rule->rate.count = (uint32_t)strtoul(text, NULL, 10);
		rule->rate.unit = (enum rate_unit)unit;
	}
	if (!rule->rate.count)
		keyword_mismatch(reading, keyword, value);
}

static const struct keyword rule_keywords[] = {
	{ "name", FORM_TEXT | FORM_NUMBER, "a name for the journal and the counters",
	  .read = read_name },
	{ "when", FORM_MAPPING | FORM_EMPTY, "a mapping of conditions that must all hold",
	  .read = read_conditions, .grammar = &when_grammar },
	{ "do", FORM_TEXT | FORM_MAPPING,
	  "pass, inspect, block, { block: reset | drop | page | nxdomain }, { route: NAME }, "
	  "{ redirect: URL } or { respond: STATUS }",
	  .read = read_do, .grammar = &do_grammar, .words = verdict_words, .required = true },
	{ "log", FORM_TEXT, "none, connections, exchanges or headers", .read = read_log,
	  .words = log_words },
	{ "request-headers", FORM_MAPPING, "a mapping with set, add, remove",
	  .read = read_request_headers, .grammar = &edits_grammar },
	{ "response-headers", FORM_MAPPING, "a mapping with set, add, remove",
	  .read = read_response_headers, .grammar = &edits_grammar },
	{ "strip", FORM_TEXT | FORM_LIST,
	  "a header name such as alt-svc, or a list of them: taken away in both directions",
	  .read = read_strip },
	{ "capture", FORM_TEXT | FORM_LIST,
	  "har, keylog or pcapng, or a list of them", .read = read_rule_capture,
	  .words = capture_words },
	{ "on-invalid", FORM_TEXT, "refuse, mirror or allow", .read = read_on_invalid,
	  .words = on_invalid_words },
	{ "revocation", FORM_TEXT,
	  "check (refuse what is known to be revoked) or require (also what nobody vouches for)",
	  .read = read_revocation, .words = revocation_words },
	{ "pq-loss", FORM_TEXT,
	  "allow, pass or block: what is done where opening TLS takes post-quantum keys away",
	  .read = read_pq_loss, .words = pq_loss_words },
	{ "client-certificate", FORM_TEXT | FORM_MAPPING,
	  "refuse, pass, none or { file: PEM }: what a server gets that asks for one",
	  .read = read_client_certificate, .words = client_certificate_words,
	  .grammar = &identity_grammar },
	{ "learn", FORM_TEXT | FORM_MAPPING,
	  "pass or { pass: 24h }: clients that keep refusing the gateway's certificate",
	  .read = read_learn, .words = learn_words, .grammar = &learn_grammar },
	{ "dns", FORM_MAPPING, "a mapping with strip: what is taken out of the answers of DNS, and answer: what is answered",
	  .read = read_dns, .grammar = &dns_grammar },
	{ "shadow", FORM_BOOLEAN, "true or false", .read = read_shadow },
	{ "cut", FORM_BOOLEAN, "true or false", .read = read_cut },
	{ "rate", FORM_TEXT, "a number of new connections such as 20/second, 100/minute or 500/hour",
	  .read = read_rate },
	{ 0 },
};

const struct grammar rule_grammar = { "a rule", rule_keywords };

static bool is_name_taken(const struct policy *policy, const struct rule *rule)
{
	for (const struct rule *other = policy->rules; other < rule; other++) {
		if (other->name && rule->name && strcmp(other->name, rule->name) == 0)
			return true;
	}
	return strcmp(policy->otherwise->name, rule->name) == 0;
}

static void name_rule(struct reading *reading, struct rule *rule, struct value value)
{
	char name[16];

	if (!rule->name) {
		snprintf(name, sizeof(name), "rule %u", rule->slot);
		rule->name = reading_copy(reading, name);
	} else if (is_name_taken(reading->policy, rule)) {
		reading_error(
			reading, value_find(value, "name"),
			"there is another rule named \"%.80s\"; counters and journal could not "
			"tell them apart",
			rule->name);
	}
}

static struct rule *add_rule(struct reading *reading, struct value value)
{
	struct policy *policy = reading->policy;
	struct rule *grown;

	/* Slot 0 is for what no rule decides. */
	if (policy->rule_count == RULES_MAX - 1) {
		if (!reading->rules_full)
			reading_error(reading, value, "there are more than %d rules",
				      RULES_MAX - 1);
		reading->rules_full = true;
		return NULL;
	}
	grown = reading_grow(reading, policy->rules, &policy->rule_count, sizeof(*grown));
	if (!grown)
		return NULL;
	policy->rules = grown;
	grown += policy->rule_count - 1;
	grown->place = value_place(value);
	grown->slot = (unsigned)policy->rule_count;
	grown->log = JOURNAL_CONNECTIONS;
	return grown;
}

void read_rule(struct reading *reading, const struct keyword *keyword, struct value value,
	       void *target)
{
	struct rule *rule = add_rule(reading, value);
	size_t errors = reading->errors;

	(void)keyword;
	(void)target;
	if (!rule)
		return;
	grammar_read(reading, &rule_grammar, value, rule);
	name_rule(reading, rule, value);
	if (reading->errors == errors)
		rule_check_sense(reading, rule, value);
	reading->broken[rule->slot] = reading->errors != errors;
}
