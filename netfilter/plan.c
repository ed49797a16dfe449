#include "netfilter/plan.h"

#include <stdlib.h>

static bool is_of_kernel(const struct rule *rule)
{
	return rule->verdict == VERDICT_PASS ||
	       (rule->verdict == VERDICT_BLOCK &&
		(rule->block == BLOCK_RESET || rule->block == BLOCK_DROP));
}

/* A shadow does nothing whatever its verdict is, but it is to be seen what it would have done. */
static enum plan_reason reason_of(const struct rule *rule, const struct policy *policy,
				  const struct projection *projection)
{
	if (rule->logged)
		return PLAN_LOGGED;
	if (!rule->shadow &&
	    (!is_of_kernel(rule) || rule_has_extras(rule) || rule->dns_strip ||
	     rule->dns_answer_count))
		return PLAN_VERDICT;
	if (!rule->shadow && rule->verdict == VERDICT_PASS && policy->source == SOURCE_OWN)
		return PLAN_SOURCE;
	if (projection->exact)
		return PLAN_OF_KERNEL;
	return rule->verdict == VERDICT_PASS && !rule->shadow ? PLAN_PATIENT : PLAN_VAGUE;
}

static enum plan_action action_of(const struct rule *rule)
{
	if (rule->shadow)
		return PLAN_COUNT;
	if (rule->verdict == VERDICT_PASS)
		return PLAN_FORWARD;
	return rule->block == BLOCK_DROP ? PLAN_DROP : PLAN_REFUSE;
}

/* What the judge may come to at the packet door must be nothing but pass and block, by what a hello shows. */
static bool is_of_packet_door(const struct rule *rule, const struct policy *policy)
{
	if (rule_moment(rule) > MOMENT_HELLO || (rule->logged && rule->log > JOURNAL_CONNECTIONS))
		return false;
	if (rule->shadow)
		return true;
	if (rule_has_extras(rule) ||
	    (rule->verdict == VERDICT_PASS && policy->source == SOURCE_OWN))
		return false;
	return rule->verdict == VERDICT_PASS ||
	       (rule->verdict == VERDICT_BLOCK && rule->block != BLOCK_PAGE);
}

/* The judge at the packet door reads the rules from the top. */
static void note_busy(struct plan *plan, const struct rule *rule, const struct kernel_view *view)
{
	struct projection projection = projection_make(&plan->arena, &rule->when, view);

	struct projection datagrams;

	plan->early |= projection.early;
	if (view->datagrams && rule_carries_datagrams(rule)) {
		datagrams = projection_of_datagrams(&plan->arena, &projection);
		plan->carried = projection_either(&plan->arena, &plan->carried, &datagrams);
	}
	if (is_of_packet_door(rule, plan->policy))
		return;
	plan->busy = projection_either(&plan->arena, &plan->busy, &projection);
	if (!plan->busy_rule)
		plan->busy_rule = rule;
}

/* Behind a gate nothing arrives. */
static void add_step(struct plan *plan, struct step step)
{
	if (plan->gate) {
		step.action = plan->gate_watches && is_of_packet_door(step.rule, plan->policy)
				      ? PLAN_WATCH
				      : PLAN_PROXY;
		step.reason = plan->gate == plan->policy->otherwise ? PLAN_ALWAYS : PLAN_BEHIND;
		step.projection.count = 0;
	} else if ((step.action == PLAN_PROXY || step.action == PLAN_WATCH) &&
		   projection_is_all(&step.projection)) {
		plan->gate = step.rule;
		plan->gate_watches = step.action == PLAN_WATCH;
	}
	plan->steps[plan->count++] = step;
}

/* What would go to a worker goes to the packet door, except for what could meet a rule that needs one. */
static void add_watching_step(struct plan *plan, struct step step)
{
	struct step busy = step;

	if (step.action != PLAN_PROXY || !plan->packet_door || !step.projection.count) {
		add_step(plan, step);
		return;
	}
	busy.reason = PLAN_BUSY;
	busy.projection = projection_both(&plan->arena, &plan->busy, &step.projection);
	step.action = PLAN_WATCH;
	if (is_of_packet_door(step.rule, plan->policy)) {
		if (busy.projection.count)
			add_step(plan, busy);
	} else {
		step.action = PLAN_PROXY;
	}
	add_step(plan, step);
}

/* Whatever is not `pass` is first asked of the patient rules before it. */
static void add_exception(struct plan *plan, const struct step *step)
{
	struct step exception = { step->rule, PLAN_PROXY, PLAN_EXCEPT, { .exact = true } };

	exception.projection = projection_both(&plan->arena, &plan->patient, &step->projection);
	if (exception.projection.count)
		add_watching_step(plan, exception);
}

static void add_rule(struct plan *plan, const struct rule *rule, const struct kernel_view *view)
{
	struct step step = { .rule = rule };

	step.projection = projection_make(&plan->arena, &rule->when, view);
	step.reason = reason_of(rule, plan->policy, &step.projection);
	step.action = step.reason == PLAN_OF_KERNEL ? action_of(rule) : PLAN_PROXY;
	if (step.reason == PLAN_PATIENT) {
		plan->patient = projection_either(&plan->arena, &plan->patient, &step.projection);
		step.action = PLAN_FORWARD;
		step.projection.count = 0;
	} else if (step.reason == PLAN_OF_KERNEL && step.action != PLAN_FORWARD) {
		add_exception(plan, &step);
	}
	add_watching_step(plan, step);
}

/* `capture: { proxy: always }`: before all rules, all of TCP. */
static void add_always(struct plan *plan)
{
	struct term *term = arena_take(&plan->arena, 1, sizeof(*term));

	if (!term)
		return;
	term->count = plan->policy->capture.udp_count > 0;
	term->tests[0] = (struct test){ TEST_TRANSPORT, .count = 1, .transport = TRANSPORT_TCP };
	add_step(plan, (struct step){ plan->policy->otherwise,
				      PLAN_PROXY,
				      PLAN_ALWAYS,
				      { .exact = true, .count = 1, .terms = term } });
}

/* Guards */

static bool blocks_list(const struct rule *rule)
{
	for (size_t i = 0; i < rule->when.count; i++) {
		const struct condition *condition = &rule->when.conditions[i];

		for (size_t j = 0; condition->kind == CONDITION_ADDRESS && j < condition->count; j++)
			if (condition->alternatives[j].kind == ALTERNATIVE_LIST)
				return rule->verdict == VERDICT_BLOCK && !rule->shadow;
	}
	return false;
}

static bool lets_pass(const struct rule *rule)
{
	return rule->verdict == VERDICT_PASS && !rule->shadow;
}

/* From the other side: who was asked is now who asks. Nothing else is known of what comes in. */
static bool turn_around(struct term *term)
{
	static const enum test_kind turned[] = {
		[TEST_TRANSPORT] = TEST_TRANSPORT, [TEST_LIST] = TEST_LIST, [TEST_FROM4] = TEST_TO4,
		[TEST_FROM6] = TEST_TO6,	   [TEST_TO4] = TEST_FROM4, [TEST_TO6] = TEST_FROM6,
	};

	for (size_t i = 0; i < term->count; i++) {
		struct test *test = &term->tests[i];

		if (test->kind == TEST_PORT || test->kind == TEST_LAN || test->kind == TEST_MAC)
			return false;
		test->kind = turned[test->kind];
	}
	return true;
}

static struct projection turned(struct arena *arena, const struct projection *projection)
{
	struct projection whole = { .exact = true };

	whole.terms = arena_take(arena, projection->count, sizeof(*whole.terms));
	for (size_t i = 0; whole.terms && i < projection->count; i++) {
		whole.terms[whole.count] = projection->terms[i];
		whole.count += turn_around(&whole.terms[whole.count]);
	}
	return whole;
}

/* What comes after the last block is not needed. */
static size_t without_tail(const struct step *steps, size_t count)
{
	while (count > 0 && steps[count - 1].action == PLAN_FORWARD)
		count--;
	return count;
}

static void add_guard(struct plan *plan, const struct rule *rule, const struct kernel_view *view)
{
	struct step step = { rule, action_of(rule), PLAN_OF_KERNEL,
			     projection_make(&plan->arena, &rule->when, view) };

	if (!step.projection.exact || !step.projection.count)
		return;
	plan->guard[plan->guard_count++] = step;
	step.projection = turned(&plan->arena, &step.projection);
	if (step.action == PLAN_REFUSE)
		step.action = PLAN_DROP;
	if (step.projection.count)
		plan->outside[plan->outside_count++] = step;
}

static void add_guards(struct plan *plan, const struct kernel_view *view)
{
	const struct policy *policy = plan->policy;

	plan->guard = arena_take(&plan->arena, policy->rule_count, sizeof(*plan->guard));
	plan->outside = arena_take(&plan->arena, policy->rule_count, sizeof(*plan->outside));
	for (size_t i = 0; i < policy->rule_count && !plan->arena.exhausted; i++)
		if (blocks_list(&policy->rules[i]) || lets_pass(&policy->rules[i]))
			add_guard(plan, &policy->rules[i], view);
	plan->guard_count = without_tail(plan->guard, plan->guard_count);
	plan->outside_count = without_tail(plan->outside, plan->outside_count);
}

struct plan *plan_new(const struct policy *policy, const struct kernel_view *view)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->policy = policy;
	plan->packet_door = view->packet_door;
	plan->patient.exact = plan->busy.exact = plan->carried.exact = true;
	plan->early = policy->when_down == WHEN_DOWN_CLOSED;
	for (size_t i = 0; i < policy->rule_count; i++)
		note_busy(plan, &policy->rules[i], view);
	plan->steps = arena_take(&plan->arena, 4 * policy->rule_count + 5, sizeof(*plan->steps));
	if (plan->steps && policy->capture.always)
		add_always(plan);
	for (size_t i = 0; i < policy->rule_count && !plan->arena.exhausted; i++)
		add_rule(plan, &policy->rules[i], view);
	if (!plan->arena.exhausted)
		add_rule(plan, policy->otherwise, view);
	if (!plan->arena.exhausted && view->lists)
		add_guards(plan, view);
	if (!plan->arena.exhausted)
		return plan;
	plan_free(plan);
	return NULL;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	arena_end(&plan->arena);
	free(plan);
}

const struct step *plan_find(const struct plan *plan, const struct facts *facts)
{
	const struct step *step = plan->steps;

	while (step->action == PLAN_COUNT || !projection_holds(&step->projection, facts))
		step++;
	return step;
}

bool plan_proxies(const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action == PLAN_PROXY && plan->steps[i].projection.count)
			return true;
	return false;
}

static bool is_of_tcp(const struct term *term)
{
	for (size_t i = 0; i < term->count; i++)
		if (term->tests[i].kind == TEST_TRANSPORT && !term->tests[i].negated &&
		    term->tests[i].transport == TRANSPORT_TCP)
			return true;
	return false;
}

/* Workers take TCP alone, and the datagrams that a rule has them carry: the others visit the packet door. */
static bool may_watch(const struct plan *plan, const struct step *step)
{
	if (step->action == PLAN_WATCH)
		return step->projection.count > 0;
	if (step->action != PLAN_PROXY || !plan->policy->capture.udp_count)
		return false;
	for (size_t i = 0; i < step->projection.count; i++)
		if (!is_of_tcp(&step->projection.terms[i]))
			return true;
	return false;
}

bool plan_watches(const struct plan *plan)
{
	for (size_t i = 0; plan->packet_door && i < plan->count; i++)
		if (may_watch(plan, &plan->steps[i]))
			return true;
	return false;
}

static bool has_port(const struct port_range *ranges, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (ranges[i].first <= port && port <= ranges[i].last)
			return true;
	return false;
}

bool plan_captures(const struct plan *plan, const struct facts *facts)
{
	const struct capture *capture = &plan->policy->capture;

	if (facts->transport == TRANSPORT_TCP)
		return has_port(capture->tcp, capture->tcp_count, facts->destination.port);
	return has_port(capture->udp, capture->udp_count, facts->destination.port);
}
