#include "daemon/policy/explain.h"

#include "daemon/policy/condition.h"

/* Adds what a rule does, for people: "blocks (reset)", "routes to api". */
static void add_verdict(const struct rule *rule, struct text *text)
{
	switch (rule->verdict) {
	case VERDICT_PASS:
		text_add(text, "pass");
		break;
	case VERDICT_INSPECT:
		text_add(text, "inspect");
		break;
	case VERDICT_BLOCK:
		text_addf(text, "block (%s)", block_word(rule->block));
		break;
	case VERDICT_ROUTE:
		text_add(text, "route to ");
		upstream_print(rule->upstream, text);
		break;
	case VERDICT_REDIRECT:
		text_addf(text, "redirect to %s (%u)", rule->reply.location, rule->reply.status);
		break;
	case VERDICT_RESPOND:
		text_addf(text, "respond with %u", rule->reply.status);
		break;
	}
}

static bool print_entry(const struct condition *condition, const struct list *list,
			const struct facts *facts, struct text *text)
{
	if (condition->kind == CONDITION_ADDRESS)
		return list_print_address_entry(list, &facts->destination, text);
	if (condition->kind == CONDITION_FROM)
		return list_print_address_entry(list, &facts->client, text);
	return facts->host && list_print_host_entry(list, facts->host, text);
}

static void explain_condition(const struct condition *condition, const struct facts *facts,
			      struct text *text)
{
	for (size_t i = 0; i < condition->count; i++) {
		const struct alternative *alternative = &condition->alternatives[i];
		char storage[512];
		struct text entry;

		text_begin(&entry, storage, sizeof(storage));
		if (alternative->kind != ALTERNATIVE_LIST ||
		    !print_entry(condition, alternative->list, facts, &entry))
			continue;
		text_addf(text, " (%s: %s)", alternative->text, storage);
	}
}

/* Adds which list entries made the rule hold: " (list drop: lists/drop.txt:12: 192.0.2.0/24)";
 * nothing when no list was asked. */
static void add_entries(const struct rule *rule, const struct facts *facts, struct text *text)
{
	for (size_t i = 0; i < rule->when.count; i++)
		explain_condition(&rule->when.conditions[i], facts, text);
}

static void explain_yes(const struct rule *rule, const struct facts *facts, struct text *text)
{
	text_add(text, rule->shadow ? ", a shadow, would decide: " : " decides: ");
	add_verdict(rule, text);
	add_entries(rule, facts, text);
}

/* Explains one rule; true when it ends the search. */
static bool explain_rule(const struct rule *rule, const struct facts *facts, explain_line *line,
			 void *context)
{
	char storage[EXPLAIN_LINE];
	char reason[EXPLAIN_LINE / 2];
	struct text text, why;
	enum moment wanted;
	enum match match;

	text_begin(&why, reason, sizeof(reason));
	match = rule_explain(rule, facts, &wanted, &why);
	text_begin(&text, storage, sizeof(storage));
	text_addf(&text, "%s:%u: \"%s\"", rule->place.file, rule->place.line, rule->name);
	switch (match) {
	case MATCH_YES:
		explain_yes(rule, facts, &text);
		break;
	case MATCH_NO:
		text_addf(&text, " is passed over: %s", reason);
		break;
	case MATCH_UNKNOWN:
		text_addf(&text, "%s asks: %s; if it holds: ", rule->shadow ? ", a shadow," : "",
			  reason);
		add_verdict(rule, &text);
		break;
	}
	line(context, storage);
	return match == MATCH_YES && !rule->shadow;
}

static void explain_decision(const struct policy *policy, const struct facts *facts,
			     explain_line *line, void *context)
{
	struct decision decision = policy_decide(policy, facts);
	char storage[EXPLAIN_LINE];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	if (decision.ask) {
		text_addf(&text, "verdict: not yet, it waits for %s",
			  moment_phrase(decision.wanted));
	} else {
		text_add(&text, "verdict: ");
		add_verdict(decision.rule, &text);
		text_addf(&text, ", by %s%s%s", decision.rule->slot ? "\"" : "",
			  decision.rule->slot ? decision.rule->name : "default: no rule matched",
			  decision.rule->slot ? "\"" : "");
	}
	line(context, storage);
}

void explain_policy(const struct policy *policy, const struct facts *facts, explain_line *line,
		    void *context)
{
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (explain_rule(&policy->rules[i], facts, line, context))
			break;
	}
	explain_decision(policy, facts, line, context);
}
