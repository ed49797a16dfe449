// link: policy lists netfilter/plan.c netfilter/plan_print.c netfilter/projection.c netfilter/signatures.c netfilter/ruleset.c netfilter/marks.c netfilter/queue_rule.c netfilter/table.c netfilter/netlink.c daemon/arena.c tests/unit/policy_text.c tests/unit/golden.c tests/unit/dice.c -lyaml -lz -lzstd -llzma -lidn2 -lmnl -lnftables
/* The kernel plan. As text: tests/rulesets/NAME.yaml is a policy, NAME.nft the exact table, which the real
 * kernel then takes. And by its meaning: small random policies, random flows; whatever the plan leaves to
 * the kernel must be what the judge would say of it. Run from the repository root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "netfilter/plan_print.h"
#include "netfilter/ruleset.h"
#include "netfilter/table.h"
#include "tests/unit/dice.h"
#include "tests/unit/golden.h"
#include "tests/unit/policy_text.h"

enum { POLICIES = 3000, FLOWS = 40, POOL = 8 };

static const struct kernel_view monday_noon = { .now = { 0, 12 * 60 } };
static const struct kernel_view watched_noon = { .now = { 0, 12 * 60 }, .packet_door = true,
						   .datagrams = true };

/* Golden tables */

static char *table_of(const struct policy *policy, const struct kernel_view *view)
{
	struct plan *plan = plan_new(policy, view);
	struct ruleset ruleset;
	struct plan_text rules;
	char *text;

	assert_non_null(plan);
	assert_int_equal(plan_text_begin(&rules, plan, NULL), 0);
	ruleset_from_policy(&ruleset, policy,
			    policy->capture.method == CAPTURE_REDIRECT ? CAPTURE_REDIRECT
								       : CAPTURE_TPROXY);
	for (size_t i = 0; i < ruleset.lan_count; i++)
		ruleset.lan[i].listener = (uint16_t)(15001 + i);
	ruleset.objects = rules.objects;
	ruleset.rules = rules.rules;
	ruleset.carries = rules.carries;
	ruleset.datagram_listener = 15053;
	ruleset.queue = view->packet_door ? QUEUE_NATIVE : QUEUE_NOT_AT_ALL;
	ruleset.queues = plan_watches(plan) ? 2 : 0;
	ruleset.openings_visit = plan->early;
	text = ruleset_print(&ruleset);
	plan_text_end(&rules);
	plan_free(plan);
	assert_non_null(text);
	return text;
}

static char *table_of_file(const char *input)
{
	char *yaml = golden_read(input);
	struct policy *policy = policy_of_text(yaml);
	char *text = table_of(policy, strstr(input, "watch") ? &watched_noon : &monday_noon);

	policy_release(policy);
	free(yaml);
	return text;
}

static void text_is_exact(void **state)
{
	char *text = table_of_file(*state);

	golden_compare(*state, text);
	free(text);
}

static int load_in_kernel(const char *rules)
{
	char message[TABLE_MESSAGE];

	if (table_load(rules, message)) {
		fprintf(stderr, "# %s\n", message);
		return 1;
	}
	if (table_look() != TABLE_PRESENT)
		return 2;
	/* An owner saves the ruleset, ours included, and loads it again. */
	return system("nft list ruleset >/dev/null && nft list ruleset | nft -c -f -") ? 3 : 0;
}

/* Where the kernel has no such expression, all the rest of the table is still tried. */
static void leave_out_queue(char *text)
{
	static const char statement[] = " queue flags bypass to 7446-7447";
	char *place = strstr(text, statement);

	if (place)
		memset(place, ' ', strlen(statement));
}

static void kernel_takes_it(void **state)
{
	char *text = table_of_file(*state);

	if (geteuid() == 0 && queue_rule_probe() != QUEUE_NATIVE)
		leave_out_queue(text);
	golden_in_namespace(load_in_kernel, text);
	free(text);
}

/* The twin */

static const struct {
	const char *key;
	const char *words[POOL];
} pools[] = {
	{ "port", { "80", "443", "1-442", "443-500" } },
	{ "protocol", { "tcp", "udp", "tls", "[tcp, quic]" } },
	{ "time", { "mon-fri", "sat-mon", "21:00-06:30", "11:00-13:00" } },
	{ "from",
	  { "tv", "[tv, kids]", "192.0.2.2", "192.0.2.0/30", "02:00:00:00:00:10", "port eth1",
	    "[port eth2, kids]", "\"2001:db8:1::/48\"" } },
	{ "address",
	  { "private", "198.51.100.0/25", "[198.51.100.1, \"2001:db8::/32\"]", "10.0.0.0/8",
	    "\"2001:db8::/32\"", "[private, 198.51.100.0/24]" } },
	{ "host", { "a.example", "none", ".b.example" } },
};

static const char *const verdicts[] = { "pass", "pass", "block", "{ block: drop }",
					"{ block: page }", "inspect" };

enum { KEYS = sizeof(pools) / sizeof(*pools), VERDICTS = sizeof(verdicts) / sizeof(*verdicts) };

static void write_when(struct text *text, unsigned depth)
{
	unsigned first = pick(KEYS), count = 1 + pick(3);
	const char *comma = "";

	text_add(text, "{");
	for (unsigned i = 0; i < count; i++) {
		/* Names are rarer than addresses, else little is left for the kernel. */
		unsigned key = (first + i) % KEYS;
		unsigned words = 0;

		if (key == KEYS - 1 && pick(3))
			continue;
		while (words < POOL && pools[key].words[words])
			words++;
		text_addf(text, "%s %s: %s", comma, pools[key].key, pools[key].words[pick(words)]);
		comma = ",";
	}
	if (depth < 2 && pick(3) == 0) {
		text_addf(text, "%s not: ", comma);
		write_when(text, depth + 1);
	}
	text_add(text, " }");
}

static void write_policy(struct text *text)
{
	text_add(text, "headgate: 1\nlan: [eth1, eth2]\n"
		       "devices:\n"
		       "  tv: { mac: 02:00:00:00:00:10 }\n"
		       "  kids: { address: [192.0.2.2/31, \"2001:db8:1:1::/64\"], mac: "
		       "02:00:00:00:00:11 }\n"
		       "rules:\n");
	for (unsigned i = 0, count = 1 + pick(5); i < count; i++) {
		text_add(text, "  - { when: ");
		write_when(text, 0);
		text_addf(text, ", do: %s%s }\n", verdicts[pick(VERDICTS)],
			  pick(8) ? "" : ", shadow: true");
	}
}

static void make_flow(struct facts *facts)
{
	static const char *const clients[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9",
					       "2001:db8:1::9", "2001:db8:1:1::9" };
	static const char *const destinations[] = { "198.51.100.1", "198.51.100.200", "10.1.2.3",
						    "203.0.113.1" };
	static const char *const destinations6[] = { "2001:db8::1", "2001:470::1", "fe80::1" };
	static const uint16_t ports[] = { 80, 443, 22, 8443 };
	static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 0x10 }, { 2, 0, 0, 0, 0, 0x11 } };

	*facts = (struct facts){ .learned = MOMENT_ADDRESSES, .time = monday_noon.now };
	address_parse(&facts->client, clients[pick(6)]);
	address_parse(&facts->destination, facts->client.family == AF_INET
						   ? destinations[pick(4)]
						   : destinations6[pick(3)]);
	facts->destination.port = ports[pick(4)];
	facts->mac = pick(3) ? macs[pick(2)] : NULL;
	facts->port_name = pick(2) ? "eth1" : "eth2";
	facts->transport = pick(5) ? TRANSPORT_TCP : TRANSPORT_UDP;
}

/* Everything that the flow may turn out to be. */
static void must_pass_whatever_comes(const struct policy *policy, struct facts facts,
				     const char *text)
{
	static const char *const hosts[] = { NULL, "a.example", "x.b.example", "c.example" };
	static const enum protocol protocols[] = { PROTOCOL_TLS, PROTOCOL_QUIC, PROTOCOL_SSH };

	facts.learned |= MOMENT_HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST | MOMENT_RESPONSE;
	for (size_t i = 0; i < 12; i++) {
		facts.host = hosts[i % 4];
		facts.protocol = protocols[i / 4];
		if (policy_decide(policy, &facts).rule->verdict != VERDICT_PASS)
			fail_msg("the kernel forwards what rule %u would not pass\n%s",
				 policy_decide(policy, &facts).rule->slot, text);
	}
}

/* At the packet door the judge must be able to decide by the hello, and be content with pass and block. */
static void must_be_easy(const struct policy *policy, struct facts facts, const char *text)
{
	static const char *const hosts[] = { NULL, "a.example", "x.b.example", "c.example" };

	facts.learned |= MOMENT_HELLO;
	facts.protocol = PROTOCOL_TLS;
	for (size_t i = 0; i < 4; i++) {
		struct decision decision;

		facts.host = hosts[i];
		decision = policy_decide(policy, &facts);
		if (decision.ask || (decision.rule->verdict != VERDICT_PASS &&
				     (decision.rule->verdict != VERDICT_BLOCK ||
				      decision.rule->block == BLOCK_PAGE)))
			fail_msg("the packet door cannot do what a rule says\n%s", text);
	}
}

/* True when the kernel decides. */
static bool compare(const struct policy *policy, const struct plan *plan, const struct facts *facts,
		    const char *text)
{
	const struct step *step = plan_find(plan, facts);
	struct decision decision = policy_decide(policy, facts);

	if (step->action == PLAN_PROXY)
		return false;
	if (step->action == PLAN_WATCH) {
		must_be_easy(policy, *facts, text);
		return true;
	}
	if (!decision.ask && decision.rule == step->rule)
		return true;
	if (step->action != PLAN_FORWARD)
		fail_msg("the kernel says %u, the judge %u (asks: %d)\n%s", step->rule->slot,
			 decision.ask ? 0 : decision.rule->slot, decision.ask, text);
	must_pass_whatever_comes(policy, *facts, text);
	return true;
}

/* What comes to the packet door must find it there. */
static bool comes_to_packet_door(const struct plan *plan, const struct facts *facts)
{
	const struct step *step = plan_find(plan, facts);

	return step->action == PLAN_WATCH ||
	       (plan->packet_door && step->action == PLAN_PROXY &&
		facts->transport == TRANSPORT_UDP && plan_captures(plan, facts));
}

static bool try_policy(const struct kernel_view *view, unsigned *kernel)
{
	char text[4096], messages[4096];
	struct text policy_text, output;
	struct policy *policy;
	struct plan *plan;

	text_begin(&policy_text, text, sizeof(text));
	text_begin(&output, messages, sizeof(messages));
	write_policy(&policy_text);
	policy = policy_try(text, &output);
	if (!policy)
		return false;
	plan = plan_new(policy, view);
	assert_non_null(plan);
	for (int i = 0; i < FLOWS; i++) {
		struct facts facts;

		make_flow(&facts);
		*kernel += compare(policy, plan, &facts, text);
		if (comes_to_packet_door(plan, &facts) && !plan_watches(plan))
			fail_msg("nobody is at the packet door\n%s", text);
	}
	plan_free(plan);
	policy_release(policy);
	return true;
}

static void kernel_says_what_the_judge_would(void **state)
{
	unsigned taken = 0, kernel = 0, watched = 0;

	(void)state;
	for (unsigned i = 0; i < POLICIES; i++) {
		dice_begin(i);
		taken += try_policy(&monday_noon, &kernel);
		dice_begin(i);
		try_policy(&watched_noon, &watched);
	}
	if (watched <= kernel + taken)
		fail_msg("the packet door is hardly used: %u flows", watched - kernel);
	/* Otherwise the generator has drifted, or the plan has given up, and the test proves little. */
	assert_true(taken > POLICIES / 2);
	if (kernel < taken * FLOWS / 3)
		fail_msg("only %u of %u flows are left to the kernel", kernel, taken * FLOWS);
}

static void private_is_what_the_judge_takes_for_it(void **state)
{
	struct policy *policy = policy_of_text(
		"headgate: 1\nlan: a\nrules: [{ when: { address: private }, do: block }]\n");
	struct plan *plan = plan_new(policy, &monday_noon);

	(void)state;
	assert_int_equal(plan->count, 2);
	dice_begin(1);
	for (unsigned i = 0; i < 200000; i++) {
		struct facts facts = { .learned = MOMENT_ADDRESSES };

		facts.destination.family = pick(2) ? AF_INET : AF_INET6;
		for (unsigned j = 0; j < 16; j++)
			facts.destination.bytes[j] = (uint8_t)(pick(4) ? pick(256) : 0xfe);
		/* Near the spaces' edges, where random addresses seldom are. */
		if (pick(2))
			facts.destination.bytes[0] = (uint8_t[]){ 10, 127, 100, 172, 169, 192, 0xfc,
								   0xfe, 0 }[pick(9)];
		assert_int_equal(plan_find(plan, &facts)->rule->slot == 1,
				 address_is_private(&facts.destination));
	}
	plan_free(plan);
	policy_release(policy);
}

static bool watches(const char *rules)
{
	char text[1024];
	struct policy *policy;
	struct plan *plan;
	bool result;

	snprintf(text, sizeof(text), "headgate: 1\nlan: a\n%s", rules);
	policy = policy_of_text(text);
	plan = plan_new(policy, &watched_noon);
	result = plan_watches(plan);
	plan_free(plan);
	policy_release(policy);
	return result;
}

static void the_packet_door_is_there_where_something_is_watched(void **state)
{
	(void)state;
	assert_false(watches("capture: { udp: [53, 443] }\nrules: []\n"));
	assert_false(watches("capture: { udp: [53, 443] }\nrules: [{ when: { port: 25 }, do: block }]\n"));
	assert_false(watches("capture: { proxy: always, udp: [53] }\nrules: []\n"));
	assert_true(watches("rules: [{ when: { host: a.example }, do: block }]\n"));
	assert_true(watches("capture: { udp: [53] }\nrules: [{ when: { host: a.example }, do: inspect }]\n"));
	assert_false(watches("rules: [{ when: { host: a.example }, do: inspect }]\n"));
}

int main(void)
{
	static struct CMUnitTest tests[2 * GOLDEN_MAX + 3] = {
		cmocka_unit_test(kernel_says_what_the_judge_would),
		cmocka_unit_test(private_is_what_the_judge_takes_for_it),
		cmocka_unit_test(the_packet_door_is_there_where_something_is_watched),
	};
	const CMUnitTestFunction for_each[] = { text_is_exact, kernel_takes_it };

	return golden_run("plan", tests, 3, "tests/rulesets/*.yaml", for_each);
}
