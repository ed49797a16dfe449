// link: tests/unit/specimen.c record -ljansson
/* A line stays one line of JSON, whatever its strings hold and however long it would be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/specimen.h"

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
	server.tried = strdup("[\"h2\",\"ht");
	line = connection_line();
	assert_null_at(line, "server.tried");
	json_decref(line);
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
	json_decref(connection_line());
	text_begin(&text, storage, text.length);
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

int main(void)
{
#define WITH_SPECIMEN(test) cmocka_unit_test_setup_teardown(test, specimen_begin, specimen_end)
	const struct CMUnitTest tests[] = {
		WITH_SPECIMEN(hostile_bytes_stay_inside_their_strings),
		WITH_SPECIMEN(an_array_without_its_end_is_left_out),
		WITH_SPECIMEN(headers_go_first_when_a_line_is_too_long),
		WITH_SPECIMEN(then_cipher_lists),
		WITH_SPECIMEN(then_certificates),
		WITH_SPECIMEN(what_never_fits_becomes_a_stub),
		WITH_SPECIMEN(every_size_gives_valid_json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
