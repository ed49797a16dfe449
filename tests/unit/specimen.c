#include "tests/unit/specimen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char storage[RECORD_MAX];
struct text text;
struct endpoint client;
struct endpoint server;
struct certificate_list *chain;
struct rule rule;
struct rule shadow;
struct upstream upstream;
struct exchange exchange;
struct connection_view view;
static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x10 };
static const struct rule *const shadows[] = { &shadow, &rule };

struct instant after(int64_t microseconds)
{
	return (struct instant){
		.wall = 1700000000123456 + microseconds,
		.steady = 5000000 + microseconds,
	};
}

struct certificate_list *make_chain(size_t count, const char *string)
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

void keep_offers(struct offers *offers, const char *ciphers, const char *protocols)
{
	const struct hello hello = {
		.ciphers = { (const uint8_t *)ciphers, strlen(ciphers) },
		.alpn = { (const uint8_t *)protocols, strlen(protocols) },
	};

	assert_int_equal(offers_keep(offers, &hello), 0);
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
	keep_offers(&facts->offers, "\x13\x01\xc0\x2b", "\2h2\x08http/1.1");
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

uint32_t put(struct head *head, const char *string)
{
	uint32_t offset = (uint32_t)head->text_length;

	head->text = realloc(head->text, head->text_length + strlen(string) + 1);
	strcpy(head->text + offset, string);
	head->text_length += strlen(string) + 1;
	return offset;
}

void put_field(struct head *head, const char *name, const char *value)
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

int specimen_begin(void **state)
{
	(void)state;
	make_client();
	make_server();
	make_exchange();
	make_view();
	text_begin(&text, storage, sizeof storage);
	return 0;
}

void end_head(struct head *head)
{
	free(head->text);
	free(head->fields);
}

int specimen_end(void **state)
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

json_t *connection_line(void)
{
	record_print_connection(&text, &view);
	return parsed();
}

json_t *event_line(enum event_kind kind, const struct exchange *of)
{
	record_print_event(&text, kind, &view, of);
	return parsed();
}

json_t *exchange_line(bool with_headers)
{
	record_print_exchange(&text, &view, &exchange, with_headers);
	return parsed();
}

json_t *at(json_t *line, const char *path)
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

void assert_word(json_t *line, const char *path, const char *word)
{
	const char *found = json_string_value(at(line, path));

	if (!found)
		fail_msg("no string at %s", path);
	assert_string_equal(found, word);
}

void assert_number(json_t *line, const char *path, double number)
{
	if (!json_is_number(at(line, path)))
		fail_msg("no number at %s", path);
	if (json_number_value(at(line, path)) != number)
		fail_msg("%s is %f, not %f", path, json_number_value(at(line, path)), number);
}

void assert_null_at(json_t *line, const char *path)
{
	if (!json_is_null(at(line, path)))
		fail_msg("%s is not null", path);
}
