// link: policy lists tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/unit/policy_text.h"

enum {
	HELLO = MOMENT_ADDRESSES | MOMENT_HELLO,
	REQUEST = HELLO | MOMENT_CERTIFICATE | MOMENT_REQUEST
};

static struct facts new_connection(void)
{
	struct facts facts = { .learned = MOMENT_ADDRESSES, .transport = TRANSPORT_TCP };

	assert_int_equal(address_parse(&facts.client, "192.0.2.10"), 0);
	assert_int_equal(address_parse_with_port(&facts.destination, "198.51.100.1:443"), 0);
	return facts;
}

static struct facts with_tls(const char *host)
{
	struct facts facts = new_connection();

	facts.learned = HELLO;
	facts.protocol = PROTOCOL_TLS;
	facts.tls_version = 0x0304;
	facts.host = host;
	return facts;
}

static struct facts with_request(const char *host, const char *method, const char *path)
{
	struct facts facts = with_tls(host);

	facts.learned = REQUEST;
	facts.method = method;
	facts.path = path;
	return facts;
}

/* The conditions of a single rule that blocks. */
static struct policy *policy_when(const char *when)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "headgate: 1\nlan: a\ndevices: { tv: { mac: 02:00:00:00:00:10 } }\n"
		 "rules: [{ name: rule, when: %s, do: block }]\n",
		 when);
	return policy_of_text(text);
}

enum answer { NO, YES, ASKS_HELLO, ASKS_CERTIFICATE, ASKS_REQUEST, ASKS_RESPONSE };

static enum answer judge(const struct policy *policy, const struct facts *facts)
{
	struct decision decision = policy_decide(policy, facts);

	if (!decision.ask)
		return decision.rule->slot ? YES : NO;
	switch (decision.wanted) {
	case MOMENT_HELLO:
		return ASKS_HELLO;
	case MOMENT_CERTIFICATE:
		return ASKS_CERTIFICATE;
	case MOMENT_REQUEST:
		return ASKS_REQUEST;
	case MOMENT_RESPONSE:
		return ASKS_RESPONSE;
	default:
		fail_msg("it asks for the addresses");
		return NO;
	}
}

static void assert_answer(const char *when, const struct facts *facts, enum answer answer)
{
	static const char *const words[] = { "NO",	     "YES",
					     "asks hello",   "asks certificate",
					     "asks request", "asks response" };
	struct policy *policy = policy_when(when);
	enum answer given = judge(policy, facts);

	if (given != answer)
		fail_msg("%s: %s, not %s", when, words[given], words[answer]);
	policy_release(policy);
}

static void addresses_are_known_at_once(void **state)
{
	struct facts facts = new_connection();
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x10 };

	(void)state;
	facts.port_name = "br-guest";
	facts.time = (struct week_time){ 5, 30 };
	assert_answer("{ port: 443 }", &facts, YES);
	assert_answer("{ port: [80, 400-442] }", &facts, NO);
	assert_answer("{ from: 192.0.2.0/28 }", &facts, YES);
	assert_answer("{ from: [192.0.2.11, port br-lan] }", &facts, NO);
	assert_answer("{ from: port br-guest }", &facts, YES);
	assert_answer("{ from: tv }", &facts, NO);
	assert_answer("{ address: 198.51.100.0/24 }", &facts, YES);
	assert_answer("{ address: private }", &facts, NO);
	assert_answer("{ protocol: tcp }", &facts, YES);
	assert_answer("{ protocol: udp }", &facts, NO);
	assert_answer("{ time: \"fri 22:00-06:00\" }", &facts, YES);
	assert_answer("{ time: sun }", &facts, NO);
	facts.mac = mac;
	assert_answer("{ from: tv }", &facts, YES);
	assert_answer("{ from: 02-00-00-00-00-10 }", &facts, YES);
	assert_answer("{ not: { from: tv } }", &facts, NO);
}

static void what_is_not_known_is_asked_for(void **state)
{
	struct facts facts = new_connection();

	(void)state;
	assert_answer("{ host: a.example }", &facts, ASKS_HELLO);
	assert_answer("{ host: none }", &facts, ASKS_HELLO);
	assert_answer("{ protocol: ssh }", &facts, ASKS_HELLO);
	assert_answer("{ protocol: [ssh, tcp] }", &facts, YES);
	assert_answer("{ path: /x }", &facts, ASKS_HELLO);
	assert_answer("{ status: 404 }", &facts, ASKS_HELLO);
	assert_answer("{ not: { host: a.example } }", &facts, ASKS_HELLO);
	facts = with_tls("a.example");
	assert_answer("{ path: /x }", &facts, ASKS_REQUEST);
	assert_answer("{ certificate: expired }", &facts, ASKS_CERTIFICATE);
	assert_answer("{ certificate: expired, path: /x }", &facts, ASKS_CERTIFICATE);
	assert_answer("{ status: 404 }", &facts, ASKS_REQUEST);
	facts = with_request("a.example", "GET", "/");
	assert_answer("{ status: 404 }", &facts, ASKS_RESPONSE);
}

static void a_condition_that_fails_ends_all_asking(void **state)
{
	struct facts facts = new_connection();

	(void)state;
	assert_answer("{ port: 80, host: a.example, path: /x }", &facts, NO);
	facts = with_tls("a.example");
	assert_answer("{ host: b.example, path: /x, certificate: expired }", &facts, NO);
	assert_answer("{ not: { host: a.example }, path: /x }", &facts, NO);
	assert_answer("{ not: { host: b.example, path: /x }, port: 443 }", &facts, YES);
}

static void hosts_are_matched_by_pattern(void **state)
{
	struct facts facts = with_tls("www.shop.example");

	(void)state;
	assert_answer("{ host: shop.example }", &facts, NO);
	assert_answer("{ host: \"*.shop.example\" }", &facts, YES);
	assert_answer("{ host: .shop.example }", &facts, YES);
	assert_answer("{ host: WWW.Shop.Example. }", &facts, YES);
	assert_answer("{ host: [none, hop.example, .op.example] }", &facts, NO);
	facts.host = "shop.example";
	assert_answer("{ host: \"*.shop.example\" }", &facts, NO);
	assert_answer("{ host: .shop.example }", &facts, YES);
	facts.host = "192.0.2.1";
	assert_answer("{ host: 192.0.2.1 }", &facts, YES);
	assert_answer("{ host: [192.0.2.0/30, none] }", &facts, YES);
	assert_answer("{ host: 192.0.2.2 }", &facts, NO);
	facts.host = "2001:db8::1";
	assert_answer("{ host: \"2001:db8:0::1\" }", &facts, YES);
}

static void no_name_is_a_name_of_its_own(void **state)
{
	struct facts facts = with_tls(NULL);

	(void)state;
	assert_answer("{ host: none }", &facts, YES);
	assert_answer("{ host: .example }", &facts, NO);
	assert_answer("{ not: { host: .example } }", &facts, YES);
	facts.host = "";
	assert_answer("{ host: none }", &facts, YES);
}

static void the_host_of_plain_http_comes_with_its_request(void **state)
{
	struct facts facts = new_connection();

	(void)state;
	facts.learned = HELLO | MOMENT_CERTIFICATE;
	facts.protocol = PROTOCOL_HTTP;
	assert_answer("{ host: a.example }", &facts, ASKS_REQUEST);
	assert_answer("{ host: none }", &facts, ASKS_REQUEST);
	facts.learned |= MOMENT_REQUEST;
	facts.method = "GET";
	facts.path = "/";
	assert_answer("{ host: none }", &facts, YES);
	facts.host = "a.example";
	assert_answer("{ host: a.example }", &facts, YES);
}

static void protocols_are_what_is_visible(void **state)
{
	struct facts tls = with_tls("a.example");
	struct facts inspected = with_request("a.example", "GET", "/");
	struct facts quic = with_tls("a.example");
	struct facts ssh = new_connection();

	(void)state;
	assert_answer("{ protocol: tls }", &tls, YES);
	assert_answer("{ protocol: http }", &tls, NO);
	assert_answer("{ protocol: http, path: /x }", &tls, NO);
	assert_answer("{ protocol: websocket }", &tls, NO);
	assert_answer("{ protocol: http }", &inspected, YES);
	assert_answer("{ protocol: tls }", &inspected, YES);
	quic.protocol = PROTOCOL_QUIC;
	quic.transport = TRANSPORT_UDP;
	assert_answer("{ protocol: tls }", &quic, NO);
	assert_answer("{ protocol: [quic] }", &quic, YES);
	ssh.learned = REQUEST;
	ssh.protocol = PROTOCOL_SSH;
	assert_answer("{ protocol: ssh }", &ssh, YES);
	assert_answer("{ path: \"*\" }", &ssh, NO);
	assert_answer("{ status: 1xx }", &ssh, NO);
	assert_answer("{ certificate: invalid }", &ssh, NO);
	assert_answer("{ tls-version: 1.3 }", &ssh, NO);
	assert_answer("{ not: { path: /x } }", &ssh, YES);
}

static void the_hello_offers(void **state)
{
	struct facts facts = with_tls("a.example");
	static const uint8_t alpn[] = "\x02h2\x08http/1.1";

	(void)state;
	facts.alpn = (struct span){ alpn, sizeof(alpn) - 1 };
	assert_answer("{ alpn: http/1.1 }", &facts, YES);
	assert_answer("{ alpn: [h3, http/1.0] }", &facts, NO);
	assert_answer("{ tls-version: 1.3 }", &facts, YES);
	assert_answer("{ tls-version: [1.0, 1.1, 1.2] }", &facts, NO);
	facts.alpn.length = 0;
	assert_answer("{ alpn: h2 }", &facts, NO);
}

static bool find_header(const void *message, const char *name,
			bool (*each)(const char *value, const void *context), const void *context)
{
	const char *const *fields = message;

	for (; *fields; fields += 2) {
		if (strcasecmp(fields[0], name) == 0 && each(fields[1], context))
			return true;
	}
	return false;
}

static void requests_are_read(void **state)
{
	static const char *const fields[] = { "Cookie",	 "a=1",	      "cookie", "b=2",
					      "Upgrade", "WebSocket", NULL };
	struct facts facts = with_request("a.example", "POST", "/api/v1/users");

	(void)state;
	facts.query = "q=1&secret=2";
	facts.headers = (struct header_lookup){ find_header, fields };
	assert_answer("{ method: [GET, POST] }", &facts, YES);
	assert_answer("{ method: GET }", &facts, NO);
	assert_answer("{ path: /api/* }", &facts, YES);
	assert_answer("{ path: [/api/, /api/v?] }", &facts, NO);
	assert_answer("{ path: \"regex:^/api/v[0-9]+/\" }", &facts, YES);
	assert_answer("{ query: \"*secret=*\" }", &facts, YES);
	assert_answer("{ header: { COOKIE: \"b=*\" } }", &facts, YES);
	assert_answer("{ header: { cookie: [x, y] } }", &facts, NO);
	assert_answer("{ header: { cookie: a=1, accept: \"*\" } }", &facts, NO);
	assert_answer("{ protocol: websocket }", &facts, YES);
	facts.query = NULL;
	assert_answer("{ query: \"*\" }", &facts, NO);
	facts.learned |= MOMENT_RESPONSE;
	facts.status = 503;
	assert_answer("{ status: [404, 5xx] }", &facts, YES);
	assert_answer("{ status: 400-499 }", &facts, NO);
}

static void certificates_are_looked_at(void **state)
{
	static char subject[] = "CN=www.shop.example", issuer[] = "CN=R3,O=Example Trust";
	static char names[] = "www.shop.example, shop.example, 192.0.2.1";
	struct certificate_list *list = calloc(1, sizeof(*list) + sizeof(struct certificate));
	struct facts facts = with_tls("shop.example");

	(void)state;
	list->count = 1;
	list->certificates[0] = (struct certificate){ .subject = subject,
						      .issuer = issuer,
						      .names = names,
						      .not_before = 1000,
						      .not_after = 2000 };
	facts.learned |= MOMENT_CERTIFICATE;
	facts.certificates = list;
	facts.wall_seconds = 1500;
	assert_answer("{ certificate: [invalid, expired, not-yet-valid] }", &facts, NO);
	assert_answer("{ certificate: { issuer: \"*O=Example*\" } }", &facts, YES);
	assert_answer("{ certificate: { issuer: \"*O=Example*\", san: x.example } }", &facts, NO);
	assert_answer("{ certificate: { san: [x.example, shop.example] } }", &facts, YES);
	facts.wall_seconds = 2500;
	facts.certificate_verdict = REASON_ORIGIN_WRONG_HOST;
	assert_answer("{ certificate: expired }", &facts, YES);
	assert_answer("{ certificate: wrong-host }", &facts, YES);
	assert_answer("{ certificate: invalid }", &facts, YES);
	assert_answer("{ certificate: [untrusted, self-signed] }", &facts, NO);
	facts.certificate_verdict = REASON_ORIGIN_SELF_SIGNED;
	assert_answer("{ certificate: untrusted }", &facts, YES);
	free(list);
}

static void the_first_rule_that_holds_decides(void **state)
{
	struct policy *policy = policy_of_text(
		"headgate: 1\nlan: a\nrules:\n"
		"  - { name: path, when: { host: .shop.example, path: /x }, do: pass }\n"
		"  - { name: port, when: { port: 443 }, do: inspect }\n"
		"  - { name: other, when: { host: .example }, do: block }\n");
	struct facts facts = new_connection();

	(void)state;
	assert_true(policy_decide(policy, &facts).ask);
	facts = with_tls("www.example");
	assert_string_equal(policy_decide(policy, &facts).rule->name, "port");
	facts = with_tls("shop.example");
	assert_int_equal(policy_decide(policy, &facts).wanted, MOMENT_REQUEST);
	facts = with_request("shop.example", "GET", "/x");
	assert_string_equal(policy_decide(policy, &facts).rule->name, "path");
	facts.destination.port = 80;
	facts.path = "/y";
	assert_string_equal(policy_decide(policy, &facts).rule->name, "other");
	facts.host = "a.test";
	assert_ptr_equal(policy_decide(policy, &facts).rule, policy->otherwise);
	policy_release(policy);
}

static void shadows_neither_decide_nor_ask(void **state)
{
	struct policy *policy = policy_of_text(
		"headgate: 1\nlan: a\nrules:\n"
		"  - { name: asking, when: { path: /x }, do: block, shadow: true }\n"
		"  - { name: every, do: block, shadow: true }\n"
		"  - { name: not this, when: { port: 1 }, do: block, shadow: true }\n"
		"  - { name: real, when: { port: 443 }, do: inspect }\n");
	struct facts facts = new_connection();
	struct decision decision = policy_decide(policy, &facts);

	(void)state;
	assert_false(decision.ask);
	assert_string_equal(decision.rule->name, "real");
	assert_int_equal(decision.shadow_count, 1);
	assert_string_equal(decision.shadows[0]->name, "every");
	facts = with_request("a.example", "GET", "/x");
	decision = policy_decide(policy, &facts);
	assert_int_equal(decision.shadow_count, 2);
	assert_string_equal(decision.shadows[0]->name, "asking");
	policy_release(policy);
}

static void devices_are_found_for_clients(void **state)
{
	struct policy *policy = policy_of_text("headgate: 1\nlan: a\n"
					       "devices: { tv: { mac: 02:00:00:00:00:10 },\n"
					       "           kids: { address: 192.0.2.0/24 } }\n");
	uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x10 };
	struct facts facts = new_connection();

	(void)state;
	assert_string_equal(policy_device(policy, &facts.client, NULL)->name, "kids");
	assert_string_equal(policy_device(policy, &facts.client, mac)->name, "tv");
	assert_null(policy_device(policy, &facts.destination, NULL));
	policy_release(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_known_at_once),
		cmocka_unit_test(what_is_not_known_is_asked_for),
		cmocka_unit_test(a_condition_that_fails_ends_all_asking),
		cmocka_unit_test(hosts_are_matched_by_pattern),
		cmocka_unit_test(no_name_is_a_name_of_its_own),
		cmocka_unit_test(the_host_of_plain_http_comes_with_its_request),
		cmocka_unit_test(protocols_are_what_is_visible),
		cmocka_unit_test(the_hello_offers),
		cmocka_unit_test(requests_are_read),
		cmocka_unit_test(certificates_are_looked_at),
		cmocka_unit_test(the_first_rule_that_holds_decides),
		cmocka_unit_test(shadows_neither_decide_nor_ask),
		cmocka_unit_test(devices_are_found_for_clients),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
