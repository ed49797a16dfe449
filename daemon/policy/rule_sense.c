#include "daemon/policy/rule_sense.h"

#include "daemon/policy/condition.h"

/* Whether HTTP is read by the time this rule decides. */
static bool reads_requests(const struct rule *rule)
{
	return rule->verdict == VERDICT_INSPECT || rule->verdict == VERDICT_ROUTE ||
	       rule_replies(rule) ||
	       rule_moment(rule) >= MOMENT_REQUEST;
}

static bool has_edits(const struct rule *rule)
{
	return rule->request_headers.count || rule->response_headers.count;
}

/* What each key allows, but all together make no sense. */
static void check_deeds(struct reading *reading, const struct rule *rule, struct value value)
{
	struct value log = value_find(value, "log");

	if (has_edits(rule) && rule_replies(rule))
		reading_error(reading, value,
			      "there is nothing to edit where the gateway answers itself");
	else if (has_edits(rule) && (rule->verdict == VERDICT_BLOCK || !reads_requests(rule)))
		reading_error(reading, value,
			      "headers can be edited only where requests are read: with \"do: "
			      "inspect\", a route, or a condition on the request");
	if (rule->log >= JOURNAL_EXCHANGES && rule->verdict == VERDICT_PASS &&
	    !reads_requests(rule))
		reading_warning(reading, log.node ? log : value,
				"nothing is read of what passes, so that only connections can be "
				"logged; \"do: inspect\" reads requests");
	if (rule->verdict == VERDICT_ROUTE && rule_moment(rule) == MOMENT_RESPONSE)
		reading_error(reading, value,
			      "a rule on the \"status\" decides after the server has answered: too "
			      "late for a route");
	if (rule->rate.count && (rule->verdict == VERDICT_BLOCK || rule->shadow ||
				 rule_moment(rule) != MOMENT_ADDRESSES))
		reading_error(reading, value,
			      "\"rate\" is counted by the kernel, on the first packet: it goes with rules "
			      "on from, address, port and time that do not block");
	if (rule->cut && rule->verdict != VERDICT_BLOCK)
		reading_error(reading, value, "\"cut: true\" goes with \"do: block\" only");
	if ((rule->on_invalid != ON_INVALID_REFUSE || rule->wants_status) &&
	    !rule_opens_tls(rule) && !rule->shadow)
		reading_error(reading, value,
			      "\"%s\" goes with rules that open TLS, such as \"do: inspect\"",
			      rule->wants_status ? "revocation" : "on-invalid");
}

/* A trace begins with the connection; what a request alone can decide comes too late for it. */
static void check_traces(struct reading *reading, const struct rule *rule, struct value value)
{
	if (rule->captures & TRACE_HAR && (rule->verdict == VERDICT_BLOCK || !reads_requests(rule)))
		reading_error(reading, value,
			      "an HTTP archive holds requests, and this rule reads none: it goes "
			      "with \"do: inspect\", a route, or a condition on the request");
	if (!(rule->captures & (TRACE_KEYLOG | TRACE_PCAPNG)))
		return;
	if (rule->verdict != VERDICT_INSPECT && rule->verdict != VERDICT_ROUTE)
		reading_error(reading, value,
			      "\"capture\" goes with \"do: inspect\" or a route: of what passes "
			      "nothing is read");
	else if (rule_moment(rule) >= MOMENT_CERTIFICATE)
		reading_error(reading, value,
			      "by the time this rule can decide, the connection has begun: too late "
			      "for \"keylog\" and \"pcapng\"");
}

/* What spares a connection passes it untouched: that is no answer where a route was meant, or where
 * TLS has been opened before this rule could decide. */
static void check_sparing(struct reading *reading, const struct rule *rule, struct value value)
{
	bool spares = rule->pq_loss != PQ_LOSS_ALLOW || rule->learn_seconds ||
		      rule->client_certificate == CLIENT_CERTIFICATE_PASS;

	if (!spares)
		return;
	if (rule->verdict != VERDICT_INSPECT)
		reading_error(reading, value,
			      "\"pq-loss\", \"learn\" and \"client-certificate: pass\" go with "
			      "\"do: inspect\"");
	else if (rule_moment(rule) >= MOMENT_CERTIFICATE)
		reading_error(reading, value,
			      "by the time this rule can decide, TLS has been opened: too late for "
			      "\"pq-loss\", \"learn\" and \"client-certificate: pass\"");
}

void rule_check_sense(struct reading *reading, const struct rule *rule, struct value value)
{
	const size_t errors = reading->errors;

	check_deeds(reading, rule, value);
	if (reading->errors == errors)
		check_sparing(reading, rule, value);
	if (reading->errors == errors)
		check_traces(reading, rule, value);
}

static void report_unreachable(struct reading *reading, const struct rule *rule,
			       const struct rule *earlier)
{
	char message[MESSAGE_SIZE];
	struct text text;

	text_begin(&text, message, sizeof(message));
	text_addf(&text, "\"%.80s\" can never be reached: \"%.80s\" (%s:%u) ", rule->name,
		  earlier->name, earlier->place.file, earlier->place.line);
	text_add(&text, earlier->when.count ? "always holds when this one would, and comes first; "
					    : "has no conditions and decides everything; ");
	text_add(&text, "move this one above it or remove it");
	reading_note(reading, SEVERITY_ERROR, &rule->place, message);
}

void rules_check_reach(struct reading *reading)
{
	const struct policy *policy = reading->policy;

	for (size_t i = 1; i < policy->rule_count; i++) {
		const struct rule *rule = &policy->rules[i];
		const struct rule *earlier = policy->rules;

		while (earlier < rule && (earlier->shadow || reading->broken[earlier->slot] ||
					  !when_implies(&rule->when, &earlier->when)))
			earlier++;
		if (earlier < rule && !reading->broken[rule->slot])
			report_unreachable(reading, rule, earlier);
	}
}
