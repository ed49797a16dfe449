// link: collection tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2 -lseccomp
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/policy/check.h"
#include "daemon/policy/explain.h"
#include "daemon/supervisor/collection.h"
#include "tests/unit/policy_text.h"

/* One rule of every kind, as they are printed. */
static const char *const printed[] = {
	"{ name: \"all\", do: pass }",
	"{ name: \"a\", when: { port: 443 }, do: block }",
	"{ name: \"a: b\\\"c\", when: { port: [80, 8000-8999] }, do: { block: page } }",
	"{ name: \"a\", when: { protocol: [tcp, tls], time: \"mon-fri 08:00-17:30\" }, do: inspect "
	"}",
	"{ name: \"a\", when: { tls-version: [1.0, 1.1], status: [5xx, 404] }, do: block }",
	"{ name: \"a\", when: { from: [tv, 192.0.2.0/24, \"02:00:00:00:00:10\", port br-lan] }, "
	"do: "
	"block, cut: true }",
	"{ name: \"a\", when: { address: [private, \"2001:db8::/32\"] }, do: pass, log: none }",
	"{ name: \"a\", when: { method: [GET, \"regex:^P\"], alpn: h2 }, do: inspect, log: "
	"exchanges }",
	"{ name: \"a\", when: { host: [a.example, \"*.b.example\", .c.example, none, 192.0.2.1] }, "
	"do: "
	"pass }",
	"{ name: \"a\", when: { certificate: [expired, { issuer: \"*=x*\", san: [a, b] }] }, do: "
	"block, shadow: true }",
	"{ name: \"a\", when: { path: \"/api/*\", query: \"a=?\" }, do: { route: api } }",
	"{ name: \"a\", when: { header: { cookie: \"*x*\", \"x~y\": [a, b] } }, do: { block: drop "
	"} }",
	"{ name: \"a\", when: { host: a.example, not: { port: 443, not: { method: GET } } }, do: "
	"pass }",
	"{ name: \"a\", do: { route: { server: b.example:443, tls: true } } }",
	"{ name: \"a\", do: { route: { server: \"[2001:db8::1]:443\", tls: { verify: { name: "
	"b.example } } } } }",
	"{ name: \"a\", do: inspect, on-invalid: allow, request-headers: { set: { \"x\": \"1\" }, "
	"remove: [\"cookie\"] }, response-headers: { add: { \"y\": \"2\" }, } }",
};

static const char definitions[] = "headgate: 1\nlan: a\n"
				  "devices: { tv: { mac: 02:00:00:00:00:10 } }\n"
				  "upstreams: { api: { server: api.example } }\n";

static struct policy *policy_with(const char *rule)
{
	char text[2048];

	snprintf(text, sizeof(text), "%srules:\n  - %s\n", definitions, rule);
	return policy_of_text(text);
}

static void print(const struct policy *policy, char storage[static 1024])
{
	struct text text;

	text_begin(&text, storage, 1024);
	rule_print(&policy->rules[0], &text);
	assert_false(text.full);
}

static void printing_is_the_inverse_of_parsing(void **state)
{
	char once[1024];
	char twice[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(printed) / sizeof(*printed); i++) {
		struct policy *policy = policy_with(printed[i]);

		print(policy, once);
		policy_release(policy);
		policy = policy_with(once);
		print(policy, twice);
		policy_release(policy);
		assert_string_equal(once, twice);
		/* Spelling may differ in quotes and in the order of the keys, but nothing is lost.
		 */
		if (strlen(once) + 12 < strlen(printed[i]))
			fail_msg("%s\nbecame\n%s", printed[i], once);
	}
}

static void assert_opens(const char *rule, bool opens)
{
	struct policy *policy = policy_with(rule);

	if (rule_opens_tls(&policy->rules[0]) != opens)
		fail_msg("%s %s TLS", rule, opens ? "opens no" : "opens");
	assert_int_equal(policy->opens_tls, opens);
	policy_release(policy);
}

static void it_is_known_which_rules_open_tls(void **state)
{
	(void)state;
	assert_opens("{ do: inspect }", true);
	assert_opens("{ do: inspect, shadow: true }", false);
	assert_opens("{ when: { protocol: http }, do: inspect }", false);
	assert_opens("{ when: { not: { protocol: tls } }, do: inspect }", false);
	assert_opens("{ when: { host: a.example }, do: block }", false);
	assert_opens("{ when: { path: /x }, do: block }", true);
	assert_opens("{ when: { protocol: [tcp], path: /x }, do: block }", true);
	assert_opens("{ when: { protocol: [http, websocket], path: /x }, do: block }", false);
	assert_opens("{ when: { protocol: websocket }, do: block }", false);
	assert_opens("{ when: { not: { method: GET } }, do: block }", true);
	assert_opens("{ when: { certificate: expired }, do: block }", true);
	assert_opens("{ when: { host: a.example }, do: { route: api } }", false);
	assert_opens(
		"{ when: { protocol: http }, do: { route: { server: a.example, tls: true } } }",
		true);
	assert_opens("{ do: { route: { server: a.example, tls: false } } }", true);
}

static void assert_moment(const char *conditions, enum moment moment)
{
	char rule[256];
	struct policy *policy;

	snprintf(rule, sizeof(rule), "{ when: %s, do: block }", conditions);
	policy = policy_with(rule);
	assert_int_equal(rule_moment(&policy->rules[0]), moment);
	policy_release(policy);
}

static void the_latest_moment_is_told(void **state)
{
	(void)state;
	assert_moment("{}", MOMENT_ADDRESSES);
	assert_moment("{ protocol: tcp, from: tv, time: mon }", MOMENT_ADDRESSES);
	assert_moment("{ protocol: ssh }", MOMENT_HELLO);
	assert_moment("{ host: a.example, port: 1 }", MOMENT_HELLO);
	assert_moment("{ certificate: expired, host: a.example }", MOMENT_CERTIFICATE);
	assert_moment("{ not: { path: /x } }", MOMENT_REQUEST);
	assert_moment("{ status: 404, path: /x }", MOMENT_RESPONSE);
}

static void add_line(void *context, const char *line)
{
	text_addf(context, "%s\n", line);
}

static struct facts facts_of(const char *destination, const char *host)
{
	struct facts facts = { .learned = MOMENT_ADDRESSES, .transport = TRANSPORT_TCP };

	assert_int_equal(address_parse(&facts.client, "192.0.2.10"), 0);
	assert_int_equal(address_parse_with_port(&facts.destination, destination), 0);
	facts.time = (struct week_time){ 4, 22 * 60 };
	if (host) {
		facts.learned |= MOMENT_HELLO;
		facts.protocol = PROTOCOL_TLS;
		facts.tls_version = 0x0304;
		facts.host = host;
	}
	return facts;
}

static void ignore(void *context, enum severity severity, const struct place *place,
		   const char *message)
{
	(void)context;
	if (severity == SEVERITY_ERROR)
		fail_msg("%s:%u: %s", place->file, place->line, message);
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Lists are looked for beside the policy, which is where the test stands. */
static int enter_folder(void **state)
{
	static char folder[] = "/tmp/headgate-rule-XXXXXX";

	*state = mkdtemp(folder);
	return *state ? chdir(*state) : -1;
}

static int remove_folder(void **state)
{
	unlink("drop.txt");
	unlink("ads.txt");
	return rmdir(*state);
}

static struct policy *policy_with_lists(void)
{
	static const char top[] =
		"headgate: 1\n"
		"lan: br-lan\n"
		"lists: { drop: { addresses: drop.txt }, ads: { names: ads.txt } }\n"
		"rules:\n"
		"  - { name: drop, when: { address: list drop }, do: block }\n"
		"  - { name: bedtime, when: { time: \"sat 21:00-23:00\" }, do: block }\n"
		"  - { name: try, when: { port: 443 }, do: block, shadow: true }\n"
		"  - { name: ads, when: { host: list ads }, do: { block: page } }\n"
		"  - { name: shop, when: { host: .shop.example, path: /api/* }, do: block }\n"
		"  - { name: lab, when: { port: 8443 }, do: inspect }\n";
	static const char pem[] = "-----BEGIN CERTIFICATE-----";
	const struct collection_settings lists = { .report = ignore };
	struct sources *sources = sources_of_text("t.yaml", top, strlen(top));
	struct policy *policy;

	sources_add(sources, SOURCE_ROOTS, "system", pem, strlen(pem));
	policy = config_parse(sources, ignore, NULL);
	put("drop.txt", "# drop\n203.0.113.0/24 ; SBL7\n");
	put("ads.txt", "\n.ads.example\nnot a name\nb.example\n");
	assert_int_equal(collection_load(policy, &lists), 0);
	return policy;
}

static void assert_explained(const struct facts *facts, const char *expected)
{
	struct policy *policy = policy_with_lists();
	char storage[4096];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	explain_policy(policy, facts, add_line, &text);
	assert_string_equal(storage, expected);
	policy_release(policy);
}

static void explain_names_the_list_entry(void **state)
{
	struct facts facts = facts_of("203.0.113.9:80", NULL);

	(void)state;
	assert_explained(&facts, "t.yaml:5: \"drop\" decides: block (reset) (list drop: "
				 "drop.txt:2: 203.0.113.0/24 ; SBL7)\n"
				 "verdict: block (reset), by \"drop\"\n");
}

static void explain_says_why_rules_were_passed_over(void **state)
{
	struct facts facts = facts_of("198.51.100.1:443", "x.ads.example");

	(void)state;
	assert_explained(
		&facts,
		"t.yaml:5: \"drop\" is passed over: address: list drop, but the "
		"destination is 198.51.100.1\n"
		"t.yaml:6: \"bedtime\" is passed over: time: \"sat 21:00-23:00\", but it is "
		"Friday 22:00\n"
		"t.yaml:7: \"try\", a shadow, would decide: block (reset)\n"
		"t.yaml:8: \"ads\" decides: block (page) (list ads: ads.txt:2: "
		".ads.example)\n"
		"verdict: block (page), by \"ads\"\n");
}

static void explain_says_what_is_waited_for(void **state)
{
	struct facts facts = facts_of("198.51.100.1:8443", "shop.example");

	(void)state;
	assert_explained(
		&facts,
		"t.yaml:5: \"drop\" is passed over: address: list drop, but the "
		"destination is 198.51.100.1\n"
		"t.yaml:6: \"bedtime\" is passed over: time: \"sat 21:00-23:00\", but it is "
		"Friday 22:00\n"
		"t.yaml:7: \"try\" is passed over: port: 443, but the port is 8443\n"
		"t.yaml:8: \"ads\" is passed over: host: list ads, but the host is "
		"shop.example\n"
		"t.yaml:9: \"shop\" asks: path: /api/* waits for the request; if it holds: "
		"block (reset)\n"
		"t.yaml:10: \"lab\" decides: inspect\n"
		"verdict: not yet, it waits for the request\n");
}

static void check_tells_what_opens_tls(void **state)
{
	struct policy *policy = policy_with_lists();
	char storage[4096];
	struct text text;

	(void)state;
	text_begin(&text, storage, sizeof(storage));
	check_policy(policy, add_line, &text);
	assert_string_equal(
		storage,
		"6 rules, 2 lists, 0 devices, 0 upstreams\n"
		"captured: TCP ports 80, 443 of devices on br-lan\n"
		"list drop: 1 range of addresses, 0 names\n"
		"list ads: 0 ranges of addresses, 2 names, 1 line left out\n"
		"opens TLS: t.yaml:9: \"shop\" for host: .shop.example, because it asks for what "
		"stands inside TLS\n"
		"opens TLS: t.yaml:10: \"lab\" for every host, because it inspects\n");
	policy_release(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printing_is_the_inverse_of_parsing),
		cmocka_unit_test(it_is_known_which_rules_open_tls),
		cmocka_unit_test(the_latest_moment_is_told),
		cmocka_unit_test(explain_names_the_list_entry),
		cmocka_unit_test(explain_says_why_rules_were_passed_over),
		cmocka_unit_test(explain_says_what_is_waited_for),
		cmocka_unit_test(check_tells_what_opens_tls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enter_folder, remove_folder);
}
