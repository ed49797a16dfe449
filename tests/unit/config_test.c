// link: policy lists tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2 -ljansson
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/policy_text.h"

static void defaults_are_the_documented_ones(void **state)
{
	struct policy *policy = policy_of_text("headgate: 1\n");

	(void)state;
	assert_int_equal(policy->capture.tcp_count, 2);
	assert_int_equal(policy->capture.tcp[0].first, 80);
	assert_int_equal(policy->capture.tcp[1].last, 443);
	assert_int_equal(policy->capture.udp_count, 0);
	assert_int_equal(policy->capture.mark, 0x07000000);
	assert_int_equal(policy->capture.mark_mask, 0x07000000);
	assert_int_equal(policy->capture.table, 7446);
	assert_int_equal(policy->source, SOURCE_KEEP);
	assert_int_equal(policy->when_down, WHEN_DOWN_OPEN);
	assert_int_equal(policy->journal.to, JOURNAL_TO_STDOUT);
	assert_int_equal(policy->rule_count, 0);
	assert_int_equal(policy->otherwise->verdict, VERDICT_PASS);
	assert_int_equal(policy->otherwise->slot, 0);
	assert_false(policy->opens_tls);
	assert_null(policy->trust_pem);
	policy_release(policy);
}

static void settings_arrive(void **state)
{
	struct policy *policy = policy_of_text(
		"headgate: 1\n"
		"lan: [br-lan, eth3.7]\n"
		"capture: { tcp: [8000-8999, 443, 444, 8500-9001], udp: 53, method: redirect,\n"
		"           mark: 0x100/0xf00, table: 99 }\n"
		"source: own\n"
		"when-down: closed\n"
		"journal: { file: /tmp/journal.ndjson, rotate: 16 MB, keep: 7 }\n"
		"authority: { directory: /tmp/ca, never: [.gov.example, \"*.mil.example\"] }\n");

	(void)state;
	assert_int_equal(policy->lan_count, 2);
	assert_string_equal(policy->lan[1], "eth3.7");
	assert_int_equal(policy->capture.tcp_count, 2);
	assert_int_equal(policy->capture.tcp[0].first, 443);
	assert_int_equal(policy->capture.tcp[0].last, 444);
	assert_int_equal(policy->capture.tcp[1].first, 8000);
	assert_int_equal(policy->capture.tcp[1].last, 9001);
	assert_int_equal(policy->capture.udp_count, 1);
	assert_int_equal(policy->capture.method, CAPTURE_REDIRECT);
	assert_int_equal(policy->capture.mark, 0x100);
	assert_int_equal(policy->capture.mark_mask, 0xf00);
	assert_int_equal(policy->capture.table, 99);
	assert_int_equal(policy->source, SOURCE_OWN);
	assert_int_equal(policy->when_down, WHEN_DOWN_CLOSED);
	assert_int_equal(policy->journal.to, JOURNAL_TO_FILE);
	assert_string_equal(policy->journal.file, "/tmp/journal.ndjson");
	assert_int_equal(policy->journal.rotate, 16000000);
	assert_int_equal(policy->journal.keep, 7);
	assert_string_equal(policy->authority.directory, "/tmp/ca");
	assert_int_equal(policy->authority.never_count, 2);
	assert_int_equal(policy->authority.never[0].kind, NAME_TREE);
	assert_string_equal(policy->authority.never[0].name, "gov.example");
	policy_release(policy);
}

static void the_console_is_where_the_owner_says(void **state)
{
	static const struct {
		const char *console, *message;
	} bad[] = {
		{ "{ listen: 0.0.0.0:8090 }", "test.yaml:2:20: error: 0.0.0.0:8090 means every address" },
		{ "{ listen: \"[::]:8090\" }", "means every address" },
		{ "{ listen: 192.0.2.1 }", "\"listen\" takes an address of the gateway with a port" },
		{ "{ listen: gateway.lan:80 }", "\"listen\" takes an address" },
		{ "{ listen: [127.0.0.1:1, 127.0.0.1:1] }", "names 127.0.0.1:1 twice" },
		{ "{ listen: 127.0.0.1:1, names: \"*.lan\" }", "\"names\" takes a name" },
		{ "{ names: gateway.lan }", "\"console\" has no \"listen\"" },
		{ "{ listne: 127.0.0.1:1 }", "did you mean \"listen\"?" },
		{ "true", "\"console\" takes a mapping with listen, port, tls, names" },
	};
	struct policy *policy = policy_of_text(
		"headgate: 1\nlan: br-lan\n"
		"console: { listen: [127.0.0.1:8090, \"[fd00::1]:80\"], port: mgmt0, names: Gateway.LAN }\n");

	(void)state;
	assert_int_equal(policy->console.listen_count, 2);
	assert_true(policy->console.listens[0].local);
	assert_false(policy->console.listens[1].local);
	assert_int_equal(policy->console.listens[1].address.port, 80);
	assert_string_equal(policy->console.ports[0], "mgmt0");
	assert_string_equal(policy->console.names[0], "gateway.lan");
	policy_release(policy);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char text[256], storage[1024];
		struct text output;

		snprintf(text, sizeof(text), "headgate: 1\nconsole: %s\nlan: br-lan\n", bad[i].console);
		text_begin(&output, storage, sizeof(storage));
		assert_null(policy_try(text, &output));
		if (!strstr(storage, bad[i].message))
			fail_msg("%s: %s", bad[i].console, storage);
	}
}

static void upstreams_are_told_apart(void **state)
{
	struct policy *policy = policy_of_text(
		"headgate: 1\n"
		"upstreams:\n"
		"  api: { server: API.example.:8443, tls: true }\n"
		"  plain: { server: \"[2001:db8::1]:80\", tls: false }\n"
		"  keep: { address: 192.0.2.7, tls: { verify: { name: lab.example } } }\n"
		"rules:\n"
		"  - { when: { port: 1 }, do: { route: api } }\n"
		"  - { when: { port: 2 }, do: { route: { server: b.example } } }\n");
	struct upstream **upstreams = policy->upstreams;

	(void)state;
	assert_int_equal(policy->upstream_count, 4);
	assert_string_equal(upstreams[0]->servers[0].host, "api.example");
	assert_int_equal(upstreams[0]->servers[0].port, 8443);
	assert_int_equal(upstreams[0]->tls, UPSTREAM_TLS_ON);
	assert_null(upstreams[1]->servers[0].host);
	assert_int_equal(upstreams[1]->servers[0].address.family, AF_INET6);
	assert_int_equal(upstreams[1]->servers[0].address.port, 80);
	assert_int_equal(upstreams[1]->tls, UPSTREAM_TLS_OFF);
	assert_int_equal(upstreams[2]->servers[0].address.port, 0);
	assert_int_equal(upstreams[2]->tls, UPSTREAM_TLS_ON);
	assert_string_equal(upstreams[2]->verify_name, "lab.example");
	assert_ptr_equal(policy->rules[0].upstream, upstreams[0]);
	assert_int_equal(policy->rules[1].upstream->tls, UPSTREAM_TLS_AS_CLIENT);
	assert_string_equal(policy->rules[1].upstream->name, "{ server: b.example }");
	policy_release(policy);
}

static void rules_keep_order_slots_and_places(void **state)
{
	struct policy *policy = policy_of_text("headgate: 1\nlan: a\nrules:\n"
					       "  - name: first\n"
					       "    when: { port: 1 }\n"
					       "    do: { block: page }\n"
					       "    log: none\n"
					       "    cut: true\n"
					       "  - when: { port: 2 }\n"
					       "    do: pass\n"
					       "    shadow: true\n");
	const struct rule *rules = policy->rules;

	(void)state;
	assert_int_equal(policy->rule_count, 2);
	assert_string_equal(rules[0].name, "first");
	assert_int_equal(rules[0].place.line, 4);
	assert_int_equal(rules[0].place.column, 5);
	assert_int_equal(rules[0].slot, 1);
	assert_int_equal(rules[0].verdict, VERDICT_BLOCK);
	assert_int_equal(rules[0].block, BLOCK_PAGE);
	assert_int_equal(rules[0].log, JOURNAL_NONE);
	assert_true(rules[0].cut);
	assert_string_equal(rules[1].name, "rule 2");
	assert_int_equal(rules[1].slot, 2);
	assert_int_equal(rules[1].log, JOURNAL_CONNECTIONS);
	assert_true(rules[1].shadow);
	policy_release(policy);
}

static void add_source(struct sources *sources, const char *name, const char *text)
{
	assert_int_equal(sources_add(sources, SOURCE_POLICY, name, text, strlen(text)), 0);
}

static void silent(void *context, enum severity severity, const struct place *place,
		   const char *message)
{
	(void)context;
	if (severity == SEVERITY_ERROR)
		fail_msg("%s:%u:%u: %s", place->file, place->line, place->column, message);
}

static void included_rules_stand_where_the_include_does(void **state)
{
	static const char top[] = "headgate: 1\ninclude: d/*.yaml\n"
				  "rules: [{ name: main, when: { from: tv }, do: pass }]\n";
	struct sources *sources = sources_of_text("x/top.yaml", top, strlen(top));
	struct policy *policy;

	(void)state;
	add_source(sources, "x/d/1.yaml", "rules: [{ name: one, when: { port: 1 }, do: pass }]\n");
	add_source(sources, "x/d/2.yaml",
		   "devices: { tv: { mac: 02:00:00:00:00:10 } }\n"
		   "rules: [{ name: two, when: { port: 2 }, do: pass }]\n");
	policy = config_parse(sources, silent, NULL);
	assert_non_null(policy);
	assert_int_equal(policy->rule_count, 3);
	assert_string_equal(policy->rules[0].name, "one");
	assert_string_equal(policy->rules[1].name, "two");
	assert_string_equal(policy->rules[1].place.file, "x/d/2.yaml");
	assert_string_equal(policy->rules[2].name, "main");
	policy_release(policy);
}

static void roots_are_joined_when_a_rule_opens_tls(void **state)
{
	static const char opening[] =
		"headgate: 1\ntrust: [a.pem, b.pem]\nrules: [{ do: inspect }]\n";
	static const char passing[] = "headgate: 1\ntrust: [a.pem, b.pem]\nrules: [{ do: pass }]\n";
	static const char pem[] = "-----BEGIN CERTIFICATE-----";

	(void)state;
	for (int opens = 0; opens < 2; opens++) {
		const char *text = opens ? opening : passing;
		struct sources *sources = sources_of_text("t.yaml", text, strlen(text));
		struct policy *policy;

		assert_int_equal(sources_add(sources, SOURCE_ROOTS, "a.pem", pem, strlen(pem)), 0);
		assert_int_equal(sources_add(sources, SOURCE_ROOTS, "b.pem", pem, strlen(pem)), 0);
		policy = config_parse(sources, silent, NULL);
		assert_non_null(policy);
		assert_int_equal(policy->opens_tls, opens);
		if (opens)
			assert_string_equal(policy->trust_pem, "-----BEGIN CERTIFICATE-----\n"
							       "-----BEGIN CERTIFICATE-----");
		else
			assert_null(policy->trust_pem);
		policy_release(policy);
	}
}

static char *many_rules(size_t count)
{
	char *text = malloc(count * 64 + 64);
	size_t length = (size_t)sprintf(text, "headgate: 1\nrules:\n");

	for (size_t i = 0; i < count; i++)
		length += (size_t)sprintf(text + length, "  - { when: { port: %zu }, do: pass }\n",
					  i + 1);
	return text;
}

static void more_rules_than_counters_are_refused(void **state)
{
	char *fitting = many_rules(RULES_MAX - 1);
	char *excessive = many_rules(RULES_MAX + 5);
	char storage[1024];
	struct text output;

	(void)state;
	policy_release(policy_of_text(fitting));
	text_begin(&output, storage, sizeof(storage));
	assert_null(policy_try(excessive, &output));
	assert_string_equal(storage, "test.yaml:1026:5: error: there are more than 1023 rules\n");
	free(fitting);
	free(excessive);
}

static void aliases_are_followed_but_bounded(void **state)
{
	struct policy *policy = policy_of_text(
		"headgate: 1\nlan: a\nrules:\n"
		"  - { when: { host: &names [a.example, b.example], port: 1 }, do: block }\n"
		"  - { when: { host: *names, port: 2 }, do: pass }\n");
	char *bomb = malloc(1 << 20);
	size_t length =
		(size_t)sprintf(bomb, "headgate: 1\nlan: a\nrules:\n  - { when: { host: &a [");
	char storage[1024];
	struct text output;

	(void)state;
	assert_int_equal(policy->rule_count, 2);
	policy_release(policy);
	for (int i = 0; i < 5000; i++)
		length += (size_t)sprintf(bomb + length, "a%d.example, ", i);
	length += (size_t)sprintf(bomb + length, "], port: 1 }, do: pass }\n");
	for (int i = 2; i < 1000; i++)
		length += (size_t)sprintf(bomb + length,
					  "  - { when: { host: *a, port: %d }, do: pass }\n", i);
	text_begin(&output, storage, sizeof(storage));
	assert_null(policy_try(bomb, &output));
	assert_non_null(strstr(storage, "aliases that repeat themselves"));
	free(bomb);
}

static void collect(void *context, const char *bytes, size_t length)
{
	text_add_bytes(context, bytes, length);
}

static void the_schema_is_json_with_every_key(void **state)
{
	static char storage[1 << 16];
	json_error_t error;
	json_t *schema, *definitions, *keys;
	struct text text;

	(void)state;
	text_begin(&text, storage, sizeof(storage));
	config_schema(collect, &text);
	assert_false(text.full);
	schema = json_loads(storage, 0, &error);
	if (!schema)
		fail_msg("line %d: %s", error.line, error.text);
	definitions = json_object_get(schema, "$defs");
	keys = json_object_get(json_object_get(definitions, "policy"), "properties");
	assert_non_null(json_object_get(keys, "limits"));
	keys = json_object_get(json_object_get(definitions, "when"), "properties");
	assert_int_equal(json_object_size(keys), 16);
	assert_non_null(json_object_get(keys, "tls-version"));
	json_decref(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(settings_arrive),
		cmocka_unit_test(the_console_is_where_the_owner_says),
		cmocka_unit_test(upstreams_are_told_apart),
		cmocka_unit_test(rules_keep_order_slots_and_places),
		cmocka_unit_test(included_rules_stand_where_the_include_does),
		cmocka_unit_test(roots_are_joined_when_a_rule_opens_tls),
		cmocka_unit_test(more_rules_than_counters_are_refused),
		cmocka_unit_test(aliases_are_followed_but_bounded),
		cmocka_unit_test(the_schema_is_json_with_every_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
