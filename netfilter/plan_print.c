#include "netfilter/plan_print.h"

#include <errno.h>
#include <stdlib.h>

/* Sets */

static void add_element(const struct test *test, size_t i, struct text *text)
{
	char printed[PREFIX_TEXT];

	switch (test->kind) {
	case TEST_PORT:
		port_range_print(&test->ports[i], text);
		break;
	case TEST_LAN:
		text_addf(text, "\"%s\"", test->lan[i]);
		break;
	case TEST_MAC:
		text_add(text, mac_print(test->macs[i], printed));
		break;
	case TEST_TRANSPORT:
		text_add(text, test->transport == TRANSPORT_TCP ? "tcp" : "udp");
		break;
	default:
		text_add(text, prefix_print(&test->prefixes[i], printed));
		break;
	}
}

static const char *selector(enum test_kind kind)
{
	static const char *const words[] = {
		[TEST_TRANSPORT] = "meta l4proto", [TEST_PORT] = "th dport",
		[TEST_LAN] = "iifname",		   [TEST_MAC] = "ether saddr",
		[TEST_FROM4] = "ip saddr",	   [TEST_FROM6] = "ip6 saddr",
		[TEST_TO4] = "ip daddr",	   [TEST_TO6] = "ip6 daddr",
	};

	return words[kind];
}

static void add_test(const struct test *test, struct text *text)
{
	text_addf(text, "%s %s", selector(test->kind), test->negated ? "!= " : "");
	if (test->count == 1) {
		add_element(test, 0, text);
	} else {
		text_add(text, "{");
		for (size_t i = 0; i < test->count; i++) {
			text_add(text, i ? ", " : " ");
			add_element(test, i, text);
		}
		text_add(text, " }");
	}
	text_add(text, " ");
}

/* Lines. A test of nft also says of which family or kind of port a packet is: where a negated one
 * stands alone, the packets of the other kind get a line of their own. */

struct variant {
	sa_family_t family; /* AF_UNSPEC: the term says nothing about it */
	bool ethernet;	    /* false: this line is for ports that are not */
};

static sa_family_t family_of(enum test_kind kind)
{
	if (kind == TEST_FROM4 || kind == TEST_TO4)
		return AF_INET;
	return kind == TEST_FROM6 || kind == TEST_TO6 ? AF_INET6 : AF_UNSPEC;
}

static bool is_told(const struct test *test, const struct variant *variant)
{
	if (test->kind == TEST_MAC)
		return variant->ethernet;
	return family_of(test->kind) == AF_UNSPEC || family_of(test->kind) == variant->family;
}

static void add_tests(const struct term *term, const struct variant *variant, struct text *text)
{
	bool family_is_said = variant->family == AF_UNSPEC;

	for (size_t i = 0; i < term->count; i++)
		family_is_said |= family_of(term->tests[i].kind) == variant->family;
	if (!family_is_said)
		text_addf(text, "meta nfproto %s ", variant->family == AF_INET ? "ipv4" : "ipv6");
	if (!variant->ethernet)
		text_add(text, "meta iiftype != ether ");
	for (size_t i = 0; i < term->count; i++)
		if (is_told(&term->tests[i], variant))
			add_test(&term->tests[i], text);
}

static void add_line(const struct term *term, const struct variant *variant, const char *verdict,
		     struct text *text)
{
	text_add(text, "\t\t");
	add_tests(term, variant, text);
	text_addf(text, "%s\n", verdict);
}

static bool has_mac(const struct term *term, bool negated)
{
	for (size_t i = 0; i < term->count; i++)
		if (term->tests[i].kind == TEST_MAC && term->tests[i].negated == negated)
			return true;
	return false;
}

static bool has_family(const struct term *term)
{
	for (size_t i = 0; i < term->count; i++)
		if (family_of(term->tests[i].kind) != AF_UNSPEC)
			return true;
	return false;
}

static void add_family(const struct term *term, sa_family_t family, const char *verdict,
		       struct text *text)
{
	struct variant variant = { family, true };

	add_line(term, &variant, verdict, text);
	variant.ethernet = false;
	if (has_mac(term, true) && !has_mac(term, false))
		add_line(term, &variant, verdict, text);
}

static void add_term(const struct term *term, const char *verdict, struct text *text)
{
	sa_family_t family = term_family(term);

	if (family != AF_UNSPEC || !has_family(term)) {
		add_family(term, family, verdict, text);
	} else {
		add_family(term, AF_INET, verdict, text);
		add_family(term, AF_INET6, verdict, text);
	}
}

static void add_terms(const struct projection *projection, const char *verdict, struct text *text)
{
	for (size_t i = 0; i < projection->count; i++)
		add_term(&projection->terms[i], verdict, text);
}

/* Steps */

enum { VERDICT_TEXT = 64 };

static bool is_counted(const struct step *step)
{
	return step->action != PLAN_PROXY && step->projection.count;
}

static const char *counter(const struct step *step)
{
	return step->action == PLAN_COUNT ? "shadow" : "rule";
}

static void add_objects(const struct plan *plan, struct text *text)
{
	for (size_t i = 0; i < plan->count; i++)
		if (is_counted(&plan->steps[i]))
			text_addf(text, "\tcounter %s_%u { }\n", counter(&plan->steps[i]),
				  plan->steps[i].rule->slot);
	text_add(text, "\n");
}

static void add_verdict(const struct step *step, struct text *text)
{
	unsigned slot = step->rule->slot;

	switch (step->action) {
	case PLAN_FORWARD:
		text_addf(text, "counter name rule_%u goto forward", slot);
		break;
	case PLAN_REFUSE:
		text_addf(text, "counter name rule_%u goto refuse", slot);
		break;
	case PLAN_DROP:
		text_addf(text, "counter name rule_%u drop", slot);
		break;
	case PLAN_PROXY:
		text_add(text, "goto proxy");
		break;
	case PLAN_COUNT:
		text_addf(text, "counter name shadow_%u return", slot);
		break;
	}
}

static const char *deed(const struct rule *rule)
{
	switch (rule->verdict) {
	case VERDICT_INSPECT:
		return "it inspects";
	case VERDICT_ROUTE:
		return "it routes";
	case VERDICT_BLOCK:
		return rule->block == BLOCK_PAGE ? "it answers with a page" : "it answers a name";
	default:
		return "it edits headers or keeps a trace";
	}
}

static void add_vague(const struct step *step, struct text *text)
{
	if (step->projection.vague)
		text_addf(text, "packets do not tell `%s`",
			  condition_word(step->projection.vague->kind));
	else
		text_add(text, "its `when` has too many sides for the kernel");
}

static void add_reason(const struct plan *plan, const struct step *step, struct text *text)
{
	switch (step->reason) {
	case PLAN_OF_KERNEL:
	case PLAN_PATIENT:
		break;
	case PLAN_VAGUE:
		add_vague(step, text);
		break;
	case PLAN_VERDICT:
		text_add(text, deed(step->rule));
		break;
	case PLAN_LOGGED:
		text_add(text, "its `log` asks for lines of the journal");
		break;
	case PLAN_ALWAYS:
		text_add(text, "`capture` says `proxy: always`");
		break;
	case PLAN_EXCEPT:
		text_add(text, "a rule before it may let pass what packets do not tell");
		break;
	case PLAN_BEHIND:
		text_add_json(text, plan->gate->name);
		text_add(text, " before it needs everything there");
		break;
	case PLAN_SOURCE:
		text_add(text, "with `source: own` servers see the gateway's address");
		break;
	}
}

void plan_print_place(const struct plan *plan, const struct step *step, struct text *text)
{
	switch (step->reason) {
	case PLAN_OF_KERNEL:
		text_add(text, "in the kernel");
		break;
	case PLAN_PATIENT:
		text_add(text, "in a worker, where a later rule would not pass: ");
		add_vague(step, text);
		break;
	default:
		text_add(text, "in a worker: ");
		add_reason(plan, step, text);
		break;
	}
}

static void add_comment(const struct plan *plan, const struct step *step, struct text *text)
{
	const struct rule *rule = step->rule;

	text_add(text, "\t\t# ");
	text_add_json(text, rule->name);
	if (rule->slot)
		text_addf(text, " (line %u)", rule->place.line);
	text_add(text, ", ");
	plan_print_place(plan, step, text);
	if (!step->projection.count && step->reason == PLAN_OF_KERNEL)
		text_add(text, "; not now");
	text_add(text, "\n");
}

static void add_shadow(const struct step *step, struct text *text)
{
	char storage[VERDICT_TEXT];
	struct text verdict;

	text_begin(&verdict, storage, sizeof(storage));
	add_verdict(step, &verdict);
	text_addf(text, "\tchain shadow_%u {\n", step->rule->slot);
	add_terms(&step->projection, storage, text);
	text_add(text, "\t}\n\n");
}

static void add_step(const struct plan *plan, const struct step *step, struct text *text)
{
	char storage[VERDICT_TEXT];
	struct text verdict;

	text_begin(&verdict, storage, sizeof(storage));
	add_verdict(step, &verdict);
	add_comment(plan, step, text);
	if (step->action != PLAN_COUNT)
		add_terms(&step->projection, storage, text);
	else if (step->projection.count)
		text_addf(text, "\t\tjump shadow_%u\n", step->rule->slot);
}

static void add_rules(const struct plan *plan, struct text *text)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action == PLAN_COUNT && is_counted(&plan->steps[i]))
			add_shadow(&plan->steps[i], text);
	text_add(text, "\t# The rules of the policy, from the top; the first that holds decides.\n"
		       "\tchain rules {\n");
	for (size_t i = 0; i < plan->count; i++)
		add_step(plan, &plan->steps[i], text);
	text_add(text, "\t}\n\n");
}

static char *print_into(size_t size, const struct plan *plan,
			void (*add)(const struct plan *plan, struct text *text))
{
	char *storage = malloc(size);
	struct text text;

	if (!storage)
		return NULL;
	text_begin(&text, storage, size);
	add(plan, &text);
	if (!text.full)
		return storage;
	free(storage);
	errno = E2BIG;
	return NULL;
}

static char *print(const struct plan *plan,
		   void (*add)(const struct plan *plan, struct text *text))
{
	char *text = NULL;

	errno = E2BIG;
	for (size_t size = 8192; !text && errno == E2BIG && size <= PLAN_TEXT_MAX; size *= 4)
		text = print_into(size, plan, add);
	return text;
}

int plan_text_begin(struct plan_text *text, const struct plan *plan)
{
	text->objects = print(plan, add_objects);
	text->rules = text->objects ? print(plan, add_rules) : NULL;
	return text->rules ? 0 : -1;
}

void plan_text_end(struct plan_text *text)
{
	free(text->objects);
	free(text->rules);
}
