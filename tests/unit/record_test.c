// link: record -ljansson
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/journal/record.h"

/* Everything that could hurt a line of JSON: quotes, controls, a newline, broken UTF-8, and NUL's
 * neighbours. */
#define HOSTILE "a\"b\\c\n\r\t\x01\x7f\xff\xc0\xaf\xed\xa0\x80<\xe2\x82\xac>"

static char storage[RECORD_MAX];
static struct text text;
static struct endpoint client;
static struct endpoint server;
static struct certificate_list *chain;
static struct rule rule;
static struct rule shadow;
static struct upstream upstream;
static struct exchange exchange;
static struct connection_view view;

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x10 };
static const struct rule *const shadows[] = { &shadow, &rule };

static struct instant after(int64_t microseconds)
{
	return (struct instant){
		.wall = 1700000000123456 + microseconds,
		.steady = 5000000 + microseconds,
	};
}

static struct certificate_list *make_chain(size_t count, const char *string)
{
	struct certificate_list *list =
		calloc(1, sizeof *list + count * sizeof *list->certificates);

	list->holders = 1;
	list->count = count;
	for (size_t i = 0; i < count; i++)
		list->certificates[i] = (struct certificate){
			.subject = strdup(string),
			.issuer = strdup(string),
			.serial = strdup("01ff"),
			.names = strdup(string),
			.key_type = strdup("EC"),
			.key_bits = 256,
			.not_before = 1600000000,
			.not_after = 1800000000,
			.sha256 = { 0xab },
		};
	return list;
}

static void make_client(void)
{
	struct tls_facts *facts = endpoint_tls(&client);

	client.id = UINT64_MAX;
	address_parse_with_port(&client.peer, "192.0.2.10:50000");
	client.address = client.peer;
	address_parse_with_port(&client.local, "[2001:db8::1]:443");
	client.state = ENDPOINT_OPEN | ENDPOINT_CAN_READ;
	client.tls = true;
	client.start = after(0);
	client.tls_setup = after(90500);
	client.end = after(1000000);
	client.received = 10;
	client.sent = 20;
	strcpy(facts->sni, "shop.example");
	strcpy(facts->ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	facts->alpn_offers = strdup("[\"h2\",\"http/1.1\"]");
	facts->cipher_list = strdup("[\"TLS_AES_128_GCM_SHA256\"]");
	facts->certificates = make_chain(1, "CN=shown");
}

static void make_server(void)
{
	struct tls_facts *facts = endpoint_tls(&server);

	server.id = 2;
	address_parse_with_port(&server.peer, "203.0.113.5:443");
	address_parse_with_port(&server.local, "192.0.2.10:50000");
	server.address = server.peer;
	server.state = ENDPOINT_ACTIVE;
	server.tls = true;
	server.start = after(1000);
	server.tcp_setup = after(21234);
	server.tls_setup = after(60500);
	server.received = 30;
	server.sent = 40;
	strcpy(facts->version, "TLSv1.3");
	strcpy(facts->cipher, "TLS_AES_128_GCM_SHA256");
	facts->certificates = chain = make_chain(2, "CN=origin");
}

static uint32_t put(struct head *head, const char *string)
{
	uint32_t offset = (uint32_t)head->text_length;

	head->text = realloc(head->text, head->text_length + strlen(string) + 1);
	strcpy(head->text + offset, string);
	head->text_length += strlen(string) + 1;
	return offset;
}

static void put_field(struct head *head, const char *name, const char *value)
{
	struct field field = {
		.name = put(head, name),
		.value = put(head, value),
		.name_length = (uint32_t)strlen(name),
		.value_length = (uint32_t)strlen(value),
	};

	head->fields = realloc(head->fields, (head->field_count + 1) * sizeof field);
	head->fields[head->field_count++] = field;
}

static void make_exchange(void)
{
	put(&exchange.request, "");
	exchange.id = 3;
	exchange.request.version = HTTP_1_1;
	exchange.request.method = put(&exchange.request, "GET");
	exchange.request.path = put(&exchange.request, "/api/x");
	exchange.request.query = put(&exchange.request, "q=1");
	strcpy(exchange.request.host, "shop.example");
	put_field(&exchange.request, "host", "shop.example");
	put_field(&exchange.request, "x-odd", HOSTILE);
	put_field(&exchange.response, "server", "x");
	exchange.rule = &rule;
	exchange.status = 200;
	exchange.start = after(100000);
	exchange.request_end = after(100250);
	exchange.response_start = after(130250);
	exchange.end = after(131000);
	exchange.request_body = 7;
	exchange.response_body = 8;
}

static void make_view(void)
{
	rule = (struct rule){ .name = "look", .verdict = VERDICT_INSPECT };
	shadow = (struct rule){ .name = "would block", .verdict = VERDICT_BLOCK };
	view = (struct connection_view){
		.id = 1,
		.client = &client,
		.server = &server,
		.protocol = PROTOCOL_TLS,
		.host = "shop.example",
		.port_name = "br-lan",
		.mac = mac,
		.device = "tv",
		.rule = &rule,
		.shadow_count = 2,
		.shadows = shadows,
		.reason = REASON_FINISHED,
		.exchanges = 4,
		.generation = 9,
	};
}

static int begin(void **state)
{
	(void)state;
	make_client();
	make_server();
	make_exchange();
	make_view();
	text_begin(&text, storage, sizeof storage);
	return 0;
}

static void end_head(struct head *head)
{
	free(head->text);
	free(head->fields);
}

static int end(void **state)
{
	(void)state;
	endpoint_end(&client);
	endpoint_end(&server);
	end_head(&exchange.request);
	end_head(&exchange.response);
	memset(&exchange, 0, sizeof exchange);
	memset(&upstream, 0, sizeof upstream);
	return 0;
}

/* What was printed, as JSON; it must be exactly one line. */
static json_t *parsed(void)
{
	json_error_t error;
	json_t *line = json_loadb(text.bytes, text.length, JSON_REJECT_DUPLICATES, &error);

	if (!line)
		fail_msg("%s at %d of: %s", error.text, error.position, text.bytes);
	assert_null(memchr(text.bytes, '\n', text.length));
	assert_true(json_is_object(line));
	return line;
}

static json_t *connection_line(void)
{
	record_print_connection(&text, &view);
	return parsed();
}

static json_t *event_line(enum event_kind kind, const struct exchange *of)
{
	record_print_event(&text, kind, &view, of);
	return parsed();
}

static json_t *exchange_line(bool with_headers)
{
	record_print_exchange(&text, &view, &exchange, with_headers);
	return parsed();
}

/* Follows "server.certificate_list.0.subject". */
static json_t *at(json_t *line, const char *path)
{
	char word[64];

	while (line && *path) {
		size_t length = strcspn(path, ".");

		snprintf(word, sizeof word, "%.*s", (int)length, path);
		line = json_is_array(line) ? json_array_get(line, (size_t)atoi(word))
					   : json_object_get(line, word);
		path += length + (path[length] == '.');
	}
	return line;
}

static void assert_word(json_t *line, const char *path, const char *word)
{
	const char *found = json_string_value(at(line, path));

	if (!found)
		fail_msg("no string at %s", path);
	assert_string_equal(found, word);
}

static void assert_number(json_t *line, const char *path, double number)
{
	if (!json_is_number(at(line, path)))
		fail_msg("no number at %s", path);
	if (json_number_value(at(line, path)) != number)
		fail_msg("%s is %f, not %f", path, json_number_value(at(line, path)), number);
}

static void assert_null_at(json_t *line, const char *path)
{
	if (!json_is_null(at(line, path)))
		fail_msg("%s is not null", path);
}

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

static void hostile_bytes_stay_inside_their_strings(void **state)
{
	struct tls_facts *facts = client.tls_facts;
	json_t *line;

	(void)state;
	rule.name = HOSTILE;
	shadow.name = HOSTILE;
	view.host = view.device = view.port_name = view.stage = HOSTILE;
	strcpy(facts->sni, HOSTILE);
	strcpy(facts->alpn, HOSTILE);
	strcpy(facts->ja4, HOSTILE);
	strcpy(facts->cipher, HOSTILE);
	strcpy(exchange.request.host, HOSTILE);
	exchange.request.path = put(&exchange.request, HOSTILE);
	server.host = HOSTILE;
	certificate_list_release(chain);
	server.tls_facts->certificates = make_chain(2, HOSTILE);
	endpoint_fail(&client, REASON_HELLO_BROKEN, HOSTILE);
	json_decref(connection_line());
	text_begin(&text, storage, sizeof storage);
	json_decref(event_line(EVENT_RESPONSE, &exchange));
	text_begin(&text, storage, sizeof storage);
	line = exchange_line(true);
	assert_string_equal(json_string_value(at(line, "path")),
			    "a\"b\\c\n\r\t\x01\x7f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd<\xe2\x82\xac>");
	json_decref(line);
}

static void an_array_without_its_end_is_left_out(void **state)
{
	json_t *line;

	(void)state;
	strcpy(client.tls_facts->alpn_offers, "[\"h2\",\"ht");
	line = connection_line();
	assert_null_at(line, "client.alpn_offers");
	json_decref(line);
}

/* Puts length bytes of padding into a JSON array text. */
static char *long_array(size_t length)
{
	char *array = malloc(length + 1);

	memset(array, 'x', length);
	memcpy(array, "[\"", 2);
	strcpy(array + length - 2, "\"]");
	return array;
}

static char *long_string(size_t length)
{
	char *string = malloc(length + 1);

	memset(string, 'y', length);
	string[length] = '\0';
	return string;
}

static void headers_go_first_when_a_line_is_too_long(void **state)
{
	char *value = long_string(RECORD_MAX);
	json_t *line;

	(void)state;
	put_field(&exchange.request, "x-long", value);
	free(value);
	line = event_line(EVENT_RESPONSE, &exchange);
	assert_true(json_is_true(at(line, "cut")));
	assert_null(at(line, "exchange.request_headers"));
	assert_word(line, "exchange.path", "/api/x");
	assert_non_null(at(line, "client.cipher_list"));
	assert_word(line, "server.certificate_list.0.subject", "CN=origin");
	json_decref(line);
}

static void then_cipher_lists(void **state)
{
	json_t *line;

	(void)state;
	free(client.tls_facts->cipher_list);
	client.tls_facts->cipher_list = long_array(RECORD_MAX);
	line = connection_line();
	assert_true(json_is_true(at(line, "cut")));
	assert_null(at(line, "client.cipher_list"));
	assert_word(line, "server.certificate_list.0.subject", "CN=origin");
	json_decref(line);
}

static void then_certificates(void **state)
{
	json_t *line;

	(void)state;
	free(chain->certificates[1].names);
	chain->certificates[1].names = long_string(RECORD_MAX);
	line = connection_line();
	assert_true(json_is_true(at(line, "cut")));
	assert_null(at(line, "server.certificate_list"));
	assert_null(at(line, "client.mitmcert"));
	assert_word(line, "server.cipher", "TLS_AES_128_GCM_SHA256");
	json_decref(line);
}

static void what_never_fits_becomes_a_stub(void **state)
{
	json_t *line;

	(void)state;
	rule.name = long_string(RECORD_MAX);
	line = connection_line();
	assert_word(line, "type", "cut");
	assert_word(line, "connection", "0000000000000001");
	free(rule.name);
	json_decref(line);
}

/* Whatever room there is, what comes out is one whole object. */
static void every_size_gives_valid_json(void **state)
{
	(void)state;
	for (size_t size = 64; size < 8192; size += 37) {
		text_begin(&text, storage, size);
		json_decref(event_line(EVENT_RESPONSE, &exchange));
	}
}

static char *manual(void)
{
	FILE *file = fopen("docs/journal.md", "r");
	char *content = calloc(1, 1 << 18);

	if (!file)
		fail_msg("docs/journal.md cannot be read: run tests from the root of the tree");
	assert_true(fread(content, 1, (1 << 18) - 1, file) > 0);
	fclose(file);
	return content;
}

static void must_say(const char *content, const char *words)
{
	if (!strstr(content, words))
		fail_msg("docs/journal.md lacks: %s", words);
}

static void must_describe(const char *content, json_t *value)
{
	char quoted[64];
	const char *name;
	json_t *member;
	size_t index;

	json_array_foreach(value, index, member)
	{
		must_describe(content, member);
	}
	json_object_foreach(value, name, member)
	{
		snprintf(quoted, sizeof quoted, "`%s`", name);
		must_say(content, quoted);
		must_describe(content, member);
	}
}

static void the_manual_describes_every_member(void **state)
{
	char *content = manual();
	json_t *line;

	(void)state;
	upstream = (struct upstream){ .name = "exit", .proxy.through = THROUGH_HTTP };
	rule = (struct rule){ .name = "r", .verdict = VERDICT_BLOCK, .upstream = &upstream };
	endpoint_fail(&server, REASON_ORIGIN_EXPIRED, "detail");
	line = event_line(EVENT_RESPONSE, &exchange);
	must_describe(content, line);
	json_decref(line);
	text_begin(&text, storage, sizeof storage);
	line = connection_line();
	must_describe(content, line);
	json_decref(line);
	text_begin(&text, storage, sizeof storage);
	line = exchange_line(true);
	must_describe(content, line);
	json_decref(line);
	free(content);
}

static void the_manual_has_every_event_and_reason(void **state)
{
	char *content = manual();
	char row[256];

	(void)state;
	for (unsigned kind = 0; kind < EVENT_COUNT; kind++) {
		snprintf(row, sizeof row, "`%s`", event_word(kind));
		must_say(content, row);
	}
	for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
		snprintf(row, sizeof row, "\n| `%s` | %s | %s |\n", reason_word(reason),
			 reason_kind(reason), reason_sentence(reason));
		must_say(content, row);
	}
	free(content);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MODEL(a_connection_has_its_outcome),
		WITH_MODEL(a_connection_has_bytes_and_durations),
		WITH_MODEL(the_client_has_every_member),
		WITH_MODEL(the_server_has_every_member),
		WITH_MODEL(a_routed_server_has_its_name_and_proxy),
		WITH_MODEL(a_blocked_connection_has_no_server),
		WITH_MODEL(an_error_has_word_sentence_and_detail),
		WITH_MODEL(odd_certificates_are_warned_of),
		WITH_MODEL(a_live_connection_has_a_stage_and_no_reason),
		WITH_MODEL(an_exchange_has_its_message_and_durations),
		WITH_MODEL(an_exchange_that_waited_for_its_server_says_how_long),
		WITH_MODEL(headers_are_written_on_demand),
		WITH_MODEL(a_failed_exchange_may_know_nothing),
		WITH_MODEL(every_event_carries_the_model),
		WITH_MODEL(hostile_bytes_stay_inside_their_strings),
		WITH_MODEL(an_array_without_its_end_is_left_out),
		WITH_MODEL(headers_go_first_when_a_line_is_too_long),
		WITH_MODEL(then_cipher_lists),
		WITH_MODEL(then_certificates),
		WITH_MODEL(what_never_fits_becomes_a_stub),
		WITH_MODEL(every_size_gives_valid_json),
		WITH_MODEL(the_manual_describes_every_member),
		WITH_MODEL(the_manual_has_every_event_and_reason),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
