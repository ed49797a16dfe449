#include "netfilter/plan_print.h"

#include <errno.h>
#include <stdlib.h>

/* What all of the printing writes into and looks at. */
struct printer {
	struct text *text;
	const struct plan *plan;
	const struct list_mark *mark;
};

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

/* The numbers of all combinations with one of the lists, or, when there are none, one that never occurs:
 * 0 stands for what is in no list. */
static void add_list_test(struct printer *printer, const struct test *test)
{
	const struct list_mark *mark = printer->mark;
	unsigned shift = (unsigned)__builtin_ctz(mark->mask);
	const char *comma = "";

	text_addf(printer->text, "meta mark & 0x%08x %s{", mark->mask, test->negated ? "!= " : "");
	for (unsigned i = 1; i <= mark->signatures->count; i++) {
		bool has = false;

		for (size_t j = 0; j < test->count; j++)
			has |= signature_has(mark->signatures, i, test->lists[j]);
		if (!has)
			continue;
		text_addf(printer->text, "%s 0x%08x", comma, i << shift);
		comma = ",";
	}
	if (!*comma)
		text_addf(printer->text, " 0x%08x", ~mark->mask);
	text_add(printer->text, " } ");
}

static void add_test(struct printer *printer, const struct test *test)
{
	struct text *text = printer->text;

	if (test->kind == TEST_LIST) {
		add_list_test(printer, test);
		return;
	}
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

static void add_tests(struct printer *printer, const struct term *term,
		      const struct variant *variant)
{
	struct text *text = printer->text;
	bool family_is_said = variant->family == AF_UNSPEC;

	for (size_t i = 0; i < term->count; i++)
		family_is_said |= family_of(term->tests[i].kind) == variant->family;
	if (!family_is_said)
		text_addf(text, "meta nfproto %s ", variant->family == AF_INET ? "ipv4" : "ipv6");
	if (!variant->ethernet)
		text_add(text, "meta iiftype != ether ");
	for (size_t i = 0; i < term->count; i++)
		if (is_told(&term->tests[i], variant))
			add_test(printer, &term->tests[i]);
}

static void add_line(struct printer *printer, const struct term *term,
		     const struct variant *variant, const char *verdict)
{
	text_add(printer->text, "\t\t");
	add_tests(printer, term, variant);
	text_addf(printer->text, "%s\n", verdict);
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

static void add_family(struct printer *printer, const struct term *term, sa_family_t family,
		       const char *verdict)
{
	struct variant variant = { family, true };

	add_line(printer, term, &variant, verdict);
	variant.ethernet = false;
	if (has_mac(term, true) && !has_mac(term, false))
		add_line(printer, term, &variant, verdict);
}

static void add_term(struct printer *printer, const struct term *term, const char *verdict)
{
	sa_family_t family = term_family(term);

	if (family != AF_UNSPEC || !has_family(term)) {
		add_family(printer, term, family, verdict);
	} else {
		add_family(printer, term, AF_INET, verdict);
		add_family(printer, term, AF_INET6, verdict);
	}
}

static void add_terms(struct printer *printer, const struct projection *projection,
		      const char *verdict)
{
	for (size_t i = 0; i < projection->count; i++)
		add_term(printer, &projection->terms[i], verdict);
}

/* Steps */

enum { VERDICT_TEXT = 192, METERS_MAX = 4096 };

static bool is_counted(const struct step *step)
{
	return step->action != PLAN_PROXY && step->action != PLAN_WATCH && step->projection.count;
}

static bool is_rated(const struct step *step)
{
	return step->rule->rate.count && step->projection.count && step->action != PLAN_COUNT;
}

static const char *counter(const struct step *step)
{
	return step->action == PLAN_COUNT ? "shadow" : "rule";
}

static void add_counters(struct printer *printer, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_counted(&steps[i]))
			text_addf(printer->text, "\tcounter %s_%u { }\n", counter(&steps[i]),
				  steps[i].rule->slot);
}

static bool is_declared(const struct plan *plan, const struct rule *rule)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].rule == rule && is_counted(&plan->steps[i]))
			return true;
	return false;
}

/* Family, slot, rate: a meter goes on as it began, so another rate is another set. */
#define METER "rate%u_%u_%u_%s"

/* A meter for each device and family, forgotten when nothing has come for a while. */
static void add_meters(struct printer *printer, const struct step *steps, size_t count)
{
	static const char *const patience[] = { "1m", "5m", "2h" };

	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = steps[i].rule;

		if (!is_rated(&steps[i]) || (i && steps[i - 1].rule == rule && is_rated(&steps[i - 1])))
			continue;
		text_addf(printer->text, "\tcounter over_%u { }\n", rule->slot);
		for (unsigned family = 4; family <= 6; family += 2)
			text_addf(printer->text,
				  "\tset " METER " {\n"
				  "\t\ttype ipv%u_addr\n"
				  "\t\tsize %d\n"
				  "\t\tflags dynamic,timeout\n"
				  "\t\ttimeout %s\n"
				  "\t}\n",
				  family, rule->slot, rule->rate.count, rate_word(rule->rate.unit), family,
				  METERS_MAX, patience[rule->rate.unit]);
	}
}

static void add_objects(struct printer *printer)
{
	const struct plan *plan = printer->plan;

	add_counters(printer, plan->steps, plan->count);
	for (size_t i = 0; i < plan->guard_count; i++)
		if (!is_declared(plan, plan->guard[i].rule))
			add_counters(printer, &plan->guard[i], 1);
	add_meters(printer, plan->steps, plan->count);
	text_add(printer->text, "\n");
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
	case PLAN_WATCH:
		text_add(text, "goto watch");
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
	case VERDICT_REDIRECT:
	case VERDICT_RESPOND:
		return "it answers requests itself";
	case VERDICT_BLOCK:
		return rule->block == BLOCK_PAGE ? "it answers with a page" : "it answers a name";
	default:
		return rule->dns_strip || rule->dns_answer_count ? "it changes answers of DNS"
				       : "it edits headers or keeps a trace";
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
	case PLAN_BUSY:
		text_add(text, "rule ");
		text_add_json(text, plan->busy_rule->name);
		text_add(text, " needs one");
		break;
	case PLAN_BEHIND:
		text_add_json(text, plan->gate->name);
		text_add(text, plan->gate_watches ? " before it needs to see everything"
						  : " before it needs everything there");
		break;
	case PLAN_SOURCE:
		text_add(text, "with `source: own` servers see the gateway's address");
		break;
	}
}

/* What brings a worker the whole connection brings the packet door its first packets. */
static void add_watched(const struct plan *plan, const struct step *step, struct text *text)
{
	if (step->reason == PLAN_VAGUE && step->projection.vague)
		text_addf(text, "first packets tell `%s`",
			  condition_word(step->projection.vague->kind));
	else
		add_reason(plan, step, text);
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
		if (step->action == PLAN_WATCH) {
			text_add(text, "at the packet door: ");
			add_watched(plan, step, text);
		} else {
			text_add(text, "in a worker: ");
			add_reason(plan, step, text);
		}
		break;
	}
	if (step->rule->rate.count && (step->reason == PLAN_BEHIND || step->reason == PLAN_ALWAYS))
		text_add(text, "; its rate is not kept");
}

static void add_comment(struct printer *printer, const struct step *step)
{
	struct text *text = printer->text;
	const struct rule *rule = step->rule;

	text_add(text, "\t\t# ");
	text_add_json(text, rule->name);
	if (rule->slot)
		text_addf(text, " (line %u)", rule->place.line);
	text_add(text, ", ");
	plan_print_place(printer->plan, step, text);
	if (!step->projection.count && step->reason == PLAN_OF_KERNEL)
		text_add(text, "; not now");

	text_add(text, "\n");
}

static void add_shadow(struct printer *printer, const struct step *step)
{
	char storage[VERDICT_TEXT];
	struct text verdict;

	text_begin(&verdict, storage, sizeof(storage));
	add_verdict(step, &verdict);
	text_addf(printer->text, "\tchain shadow_%u {\n", step->rule->slot);
	add_terms(printer, &step->projection, storage);
	text_add(printer->text, "\t}\n\n");
}

/* Devices that are over the rule's rate are refused; the others go on to its verdict. */
static void add_rate(struct printer *printer, const struct step *step, sa_family_t family)
{
	const struct rate *rate = &step->rule->rate;
	char storage[VERDICT_TEXT];
	struct text verdict;

	text_begin(&verdict, storage, sizeof(storage));
	text_addf(&verdict,
		  "update @" METER " { %s saddr limit rate over %u/%s burst %u packets } counter name "
		  "over_%u goto refuse",
		  family == AF_INET ? 4u : 6u, step->rule->slot, rate->count, rate_word(rate->unit),
		  family == AF_INET ? "ip" : "ip6", rate->count, rate_word(rate->unit), rate->count,
		  step->rule->slot);
	for (size_t i = 0; i < step->projection.count; i++) {
		const struct term *term = &step->projection.terms[i];

		if (term_family(term) == AF_UNSPEC || term_family(term) == family)
			add_family(printer, term, family, storage);
	}
}

static void add_step(struct printer *printer, const struct step *step)
{
	char storage[VERDICT_TEXT];
	struct text verdict;

	text_begin(&verdict, storage, sizeof(storage));
	add_verdict(step, &verdict);
	add_comment(printer, step);
	if (is_rated(step)) {
		add_rate(printer, step, AF_INET);
		add_rate(printer, step, AF_INET6);
	}
	if (step->action != PLAN_COUNT)
		add_terms(printer, &step->projection, storage);
	else if (step->projection.count)
		text_addf(printer->text, "\t\tjump shadow_%u\n", step->rule->slot);
}

static void add_guard(struct printer *printer, const struct step *step)
{
	char storage[VERDICT_TEXT] = "return";
	struct text verdict;

	if (step->action != PLAN_FORWARD) {
		text_begin(&verdict, storage, sizeof(storage));
		add_verdict(step, &verdict);
	}
	add_comment(printer, step);
	add_terms(printer, &step->projection, storage);
}

/* A connection that is under way was looked at when it began. */
static void add_guard_chain(struct printer *printer, const char *name, const struct step *steps,
			    size_t count)
{
	text_addf(printer->text,
		  "\tchain %s {\n"
		  "\t\tct state established,related return\n",
		  name);
	for (size_t i = 0; i < count; i++)
		add_guard(printer, &steps[i]);
	text_add(printer->text, "\t}\n\n");
}

/* The gateway's own services are no business of a worker. */
static void add_carried(struct printer *printer)
{
	if (!printer->plan->carried.count)
		return;
	text_add(printer->text, "\t# Datagrams that a rule may route.\n"
				"\tchain carried {\n"
				"\t\tfib daddr type local return\n");
	add_terms(printer, &printer->plan->carried, "goto carry");
	text_add(printer->text, "\t}\n\n");
}

static void add_rules(struct printer *printer)
{
	const struct plan *plan = printer->plan;

	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].action == PLAN_COUNT && is_counted(&plan->steps[i]))
			add_shadow(printer, &plan->steps[i]);
	text_add(printer->text,
		 "\t# The rules of the policy, from the top; the first that holds decides.\n"
		 "\tchain rules {\n");
	for (size_t i = 0; i < plan->count; i++)
		add_step(printer, &plan->steps[i]);
	text_add(printer->text, "\t}\n\n");
	add_carried(printer);
	if (!plan->guard_count)
		return;
	text_add(printer->text, "\t# Lists that are blocked, for what is not captured; then for what "
				"others begin.\n");
	add_guard_chain(printer, "guard", plan->guard, plan->guard_count);
	add_guard_chain(printer, "outside", plan->outside, plan->outside_count);
}

static char *print_into(size_t size, struct printer *printer, void (*add)(struct printer *printer))
{
	char *storage = malloc(size);
	struct text text;

	if (!storage)
		return NULL;
	text_begin(&text, storage, size);
	printer->text = &text;
	add(printer);
	if (!text.full)
		return storage;
	free(storage);
	errno = E2BIG;
	return NULL;
}

static char *print(struct printer *printer, void (*add)(struct printer *printer))
{
	char *text = NULL;

	errno = E2BIG;
	for (size_t size = 8192; !text && errno == E2BIG && size <= PLAN_TEXT_MAX; size *= 4)
		text = print_into(size, printer, add);
	return text;
}

int plan_text_begin(struct plan_text *text, const struct plan *plan, const struct list_mark *mark)
{
	struct printer printer = { .plan = plan, .mark = mark };

	text->guards = plan->guard_count > 0;
	text->carries = plan->carried.count > 0;
	text->objects = print(&printer, add_objects);
	text->rules = text->objects ? print(&printer, add_rules) : NULL;
	return text->rules ? 0 : -1;
}

void plan_text_end(struct plan_text *text)
{
	free(text->objects);
	free(text->rules);
}
