// link: tests/unit/specimen.c record -ljansson
/* Every member of a line says what is true of its connection. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/specimen.h"

static void a_connection_has_its_outcome(void **state)
{
	json_t *line = connection_line();

	(void)state;
	assert_word(line, "type", "connection");
	assert_word(line, "connection", "0000000000000001");
	assert_word(line, "reason", "finished");
	assert_word(line, "kind", "fine");
	assert_word(line, "sentence", "both ends finished");
	assert_word(line, "rule", "look");
	assert_word(line, "verdict", "inspect");
	assert_word(line, "protocol", "tls");
	assert_word(line, "host", "shop.example");
	assert_word(line, "port", "br-lan");
	assert_word(line, "shadows.0", "would block");
	assert_word(line, "shadows.1", "look");
	assert_number(line, "exchanges", 4);
	assert_number(line, "generation", 9);
	assert_null(json_object_get(line, "stage"));
	assert_null(json_object_get(line, "cut"));
	json_decref(line);
}

static void a_connection_has_bytes_and_durations(void **state)
{
	json_t *line = connection_line();

	(void)state;
	assert_number(line, "bytes.from_client", 10);
	assert_number(line, "bytes.to_client", 20);
	assert_number(line, "bytes.from_server", 30);
	assert_number(line, "bytes.to_server", 40);
	assert_number(line, "durations.connect", 20.234);
	assert_number(line, "durations.tls", 39.266);
	assert_number(line, "durations.tls_client", 30);
	assert_number(line, "durations.total", 1000);
	json_decref(line);
}

static void the_client_has_every_member(void **state)
{
	static const char *const members[] = {
		"id",
		"address",
		"peername",
		"sockname",
		"state",
		"transport_protocol",
		"error",
		"tls",
		"tls_established",
		"certificate_list",
		"sni",
		"alpn",
		"alpn_offers",
		"cipher",
		"cipher_list",
		"tls_version",
		"timestamp_start",
		"timestamp_tls_setup",
		"timestamp_end",
		"mitmcert",
		"mac",
		"device",
		"ja4",
	};
	json_t *line = connection_line();

	(void)state;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (!json_object_get(at(line, "client"), members[i]))
			fail_msg("client has no %s", members[i]);
	assert_word(line, "client.id", "ffffffffffffffff");
	assert_word(line, "client.peername.0", "192.0.2.10");
	assert_number(line, "client.peername.1", 50000);
	assert_word(line, "client.sockname.0", "2001:db8::1");
	assert_word(line, "client.state", "OPEN|CAN_READ");
	assert_word(line, "client.mac", "02:00:00:00:00:10");
	assert_word(line, "client.device", "tv");
	assert_word(line, "client.sni", "shop.example");
	assert_word(line, "client.alpn_offers.1", "http/1.1");
	assert_null_at(line, "client.alpn");
	assert_word(line, "client.mitmcert.subject", "CN=shown");
	assert_null_at(line, "client.error");
	assert_true(json_is_true(at(line, "client.tls_established")));
	assert_number(line, "client.timestamp_start", 1700000000.123456);
	json_decref(line);
}

static void the_server_has_every_member(void **state)
{
	static const char *const members[] = {
		"id",
		"address",
		"peername",
		"sockname",
		"state",
		"transport_protocol",
		"error",
		"tls",
		"sni",
		"alpn",
		"host",
		"via",
		"cipher",
		"timestamp_start",
		"timestamp_tcp_setup",
		"timestamp_tls_setup",
		"timestamp_end",
		"tls_version",
		"certificate_list",
		"cipher_list",
		"alpn_offers",
	};
	json_t *line = connection_line();

	(void)state;
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (!json_object_get(at(line, "server"), members[i]))
			fail_msg("server has no %s", members[i]);
	assert_word(line, "server.state", "ACTIVE");
	assert_word(line, "server.certificate_list.1.subject", "CN=origin");
	assert_number(line, "server.certificate_list.0.key_bits", 256);
	assert_number(line, "server.certificate_list.0.not_after", 1800000000);
	assert_null_at(line, "server.timestamp_end");
	assert_null_at(line, "server.via");
	assert_int_equal(strlen(json_string_value(at(line, "server.certificate_list.0.sha256"))),
			 64);
	json_decref(line);
}

static void a_routed_server_has_its_name_and_proxy(void **state)
{
	json_t *line;

	(void)state;
	upstream = (struct upstream){
		.name = "exit",
		.proxy = { .through = THROUGH_SOCKS5,
			   .station = { .host = "proxy.example", .port = 1080 },
			   .user = "me",
			   .password = "secret" },
	};
	server.via = &upstream.proxy;
	server.tried = strdup("[[\"a.example:443\",\"connect-refused\"]]");
	rule.verdict = VERDICT_ROUTE;
	rule.upstream = &upstream;
	server.host = "api.internal.example";
	line = connection_line();
	assert_word(line, "server.address.0", "api.internal.example");
	assert_number(line, "server.address.1", 443);
	assert_word(line, "server.via.0", "socks5");
	assert_word(line, "server.via.1.0", "proxy.example");
	assert_number(line, "server.via.1.1", 1080);
	assert_word(line, "server.tried.0.1", "connect-refused");
	assert_word(line, "upstream", "exit");
	assert_null(strstr(storage, "secret"));
	json_decref(line);
}

static void a_blocked_connection_has_no_server(void **state)
{
	json_t *line;

	(void)state;
	rule.verdict = VERDICT_BLOCK;
	rule.block = BLOCK_RESET;
	view.server = NULL;
	view.reason = REASON_BLOCKED;
	client.tls_setup = (struct instant){ 0 };
	line = connection_line();
	assert_null_at(line, "server");
	assert_word(line, "verdict", "block");
	assert_word(line, "block", "reset");
	assert_word(line, "kind", "policy");
	assert_null_at(line, "durations.connect");
	assert_null_at(line, "durations.tls_client");
	assert_number(line, "bytes.from_server", 0);
	json_decref(line);
}

static void an_error_has_word_sentence_and_detail(void **state)
{
	json_t *line;

	(void)state;
	endpoint_fail(&server, REASON_ORIGIN_EXPIRED, HOSTILE);
	line = connection_line();
	assert_word(line, "server.error.reason", "origin-expired");
	assert_word(line, "server.error.kind", "server");
	assert_word(line, "server.error.sentence", "the server's certificate has expired");
	assert_non_null(json_string_value(at(line, "server.error.detail")));
	json_decref(line);
}

static void odd_certificates_are_warned_of(void **state)
{
	struct certificate *leaf = &chain->certificates[0];
	json_t *line = connection_line();

	(void)state;
	assert_int_equal(json_array_size(at(line, "warnings")), 0);
	json_decref(line);
	leaf->not_after = 1699999999;
	leaf->not_before = 1700000001;
	leaf->self_signed = true;
	leaf->names[0] = '\0';
	text_begin(&text, storage, sizeof storage);
	line = connection_line();
	assert_int_equal(json_array_size(at(line, "warnings")), 4);
	assert_word(line, "warnings.0", "expired");
	assert_word(line, "warnings.1", "not-yet-valid");
	assert_word(line, "warnings.2", "self-signed");
	assert_word(line, "warnings.3", "no-san");
	json_decref(line);
}

static void a_live_connection_has_a_stage_and_no_reason(void **state)
{
	json_t *line;

	(void)state;
	view.stage = "securing server";
	client.end = (struct instant){ 0 };
	client.start = clock_now();
	line = connection_line();
	assert_word(line, "stage", "securing server");
	assert_null(json_object_get(line, "reason"));
	assert_true(json_number_value(at(line, "durations.total")) >= 0);
	json_decref(line);
}

static void an_exchange_has_its_message_and_durations(void **state)
{
	json_t *line = exchange_line(false);

	(void)state;
	assert_word(line, "type", "exchange");
	assert_word(line, "connection", "0000000000000001");
	assert_word(line, "exchange", "0000000000000003");
	assert_word(line, "method", "GET");
	assert_word(line, "path", "/api/x");
	assert_word(line, "query", "q=1");
	assert_word(line, "authority", "shop.example");
	assert_word(line, "version", "HTTP/1.1");
	assert_number(line, "status", 200);
	assert_number(line, "bytes.request_body", 7);
	assert_number(line, "durations.send", 0.25);
	assert_number(line, "durations.wait", 30);
	assert_number(line, "durations.receive", 0.75);
	assert_number(line, "durations.total", 31);
	assert_null_at(line, "durations.connect"); /* the server was there before */
	assert_null_at(line, "error");
	assert_null(json_object_get(line, "request_headers"));
	json_decref(line);
}

static void an_exchange_that_waited_for_its_server_says_how_long(void **state)
{
	json_t *line;

	(void)state;
	exchange.start = after(500);
	line = exchange_line(false);
	assert_number(line, "durations.connect", 20.234);
	assert_number(line, "durations.tls", 39.266);
	json_decref(line);
}

static void headers_are_written_on_demand(void **state)
{
	json_t *line = exchange_line(true);

	(void)state;
	assert_word(line, "request_headers.0.0", "host");
	assert_word(line, "request_headers.0.1", "shop.example");
	assert_word(line, "request_headers.1.0", "x-odd");
	assert_word(line, "response_headers.0.1", "x");
	json_decref(line);
}

static void a_failed_exchange_may_know_nothing(void **state)
{
	json_t *line;

	(void)state;
	end_head(&exchange.request);
	end_head(&exchange.response);
	memset(&exchange, 0, sizeof exchange);
	exchange.error = REASON_REQUEST_MALFORMED;
	exchange.start = after(0);
	line = exchange_line(true);
	assert_null_at(line, "method");
	assert_null_at(line, "status");
	assert_word(line, "error.reason", "request-malformed");
	json_decref(line);
}

static void every_event_carries_the_model(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < EVENT_COUNT; kind++) {
		bool of_exchange = kind >= EVENT_REQUESTHEADERS;
		json_t *line;

		text_begin(&text, storage, sizeof storage);
		line = event_line(kind, of_exchange ? &exchange : NULL);
		assert_word(line, "event", event_word(kind));
		assert_true(json_is_real(at(line, "time")));
		assert_word(line, "client.sni", "shop.example");
		assert_word(line, "server.tls_version", "TLSv1.3");
		if (of_exchange)
			assert_word(line, "exchange.request_headers.0.0", "host");
		json_decref(line);
	}
}

int main(void)
{
#define WITH_SPECIMEN(test) cmocka_unit_test_setup_teardown(test, specimen_begin, specimen_end)
	const struct CMUnitTest tests[] = {
		WITH_SPECIMEN(a_connection_has_its_outcome),
		WITH_SPECIMEN(a_connection_has_bytes_and_durations),
		WITH_SPECIMEN(the_client_has_every_member),
		WITH_SPECIMEN(the_server_has_every_member),
		WITH_SPECIMEN(a_routed_server_has_its_name_and_proxy),
		WITH_SPECIMEN(a_blocked_connection_has_no_server),
		WITH_SPECIMEN(an_error_has_word_sentence_and_detail),
		WITH_SPECIMEN(odd_certificates_are_warned_of),
		WITH_SPECIMEN(a_live_connection_has_a_stage_and_no_reason),
		WITH_SPECIMEN(an_exchange_has_its_message_and_durations),
		WITH_SPECIMEN(an_exchange_that_waited_for_its_server_says_how_long),
		WITH_SPECIMEN(headers_are_written_on_demand),
		WITH_SPECIMEN(a_failed_exchange_may_know_nothing),
		WITH_SPECIMEN(every_event_carries_the_model),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
