// link: tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Protocols that a conversation changes to: bytes go both ways as they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/dialogue.h"

#define WEBSOCKET                                                                                  \
	"GET /chat HTTP/1.1\r\n" HOST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"  \
	"Sec-WebSocket-Key: x\r\n\r\n"
#define SWITCHING                                                                                  \
	"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: y\r\nUpgrade: websocket\r\n"    \
	"Connection: Upgrade\r\n\r\n"

static void a_websocket_is_handed_over_with_all_its_bytes(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET "early");
	server_hears(dialogue, 0,
		     "GET /chat HTTP/1.1\r\n" HOST
		     "Sec-WebSocket-Key: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	server_says(dialogue, 0, SWITCHING "frame");
	client_hears(dialogue, SWITCHING "frame");
	server_hears(dialogue, 0, "early");
	assert_string_equal(dialogue->notes,
			    "request-headers request response-headers response websocket-start ");
	assert_true(conversation_exchange(dialogue->conversation, NULL)->websocket);
	assert_int_equal(dialogue->finished, REASON_NONE);
}

static void a_tunnel_ends_in_each_direction(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET);
	server_says(dialogue, 0, SWITCHING);
	client_hears(dialogue, SWITCHING);
	client_says(dialogue, "ping");
	client_ends(dialogue);
	server_says(dialogue, 0, "pong");
	client_hears(dialogue, "pong");
	assert_int_equal(dialogue->finished, REASON_NONE);
	server_closes(dialogue, 0);
	assert_true(dialogue->heard_end);
	assert_int_equal(dialogue->finished, REASON_FINISHED);
	assert_string_equal(dialogue->notes, "request-headers request response-headers response "
					     "websocket-start websocket-end ");
}

static void a_tunnel_breaks_with_either_end(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET);
	server_says(dialogue, 0, SWITCHING);
	client_closes(dialogue);
	server_says(dialogue, 0, "anybody there?");
	assert_int_equal(dialogue->finished, REASON_CLIENT_RESET);
	assert_non_null(strstr(dialogue->notes, "websocket-end "));
}

static void a_refused_upgrade_goes_on_as_http(void **state)
{
	struct dialogue *dialogue = *state;

	client_says(dialogue, WEBSOCKET GET);
	server_hears(dialogue, 0,
		     "GET /chat HTTP/1.1\r\n" HOST
		     "Sec-WebSocket-Key: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	server_says(dialogue, 0,
		    "HTTP/1.1 426 No\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n");
	client_hears(dialogue, "HTTP/1.1 426 No\r\nUpgrade: websocket\r\nContent-Length: 0\r\n"
			       "Connection: Upgrade\r\n\r\n");
	server_hears(dialogue, 0, GET);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, dialogue_begin, dialogue_end)
	const struct CMUnitTest tests[] = {
		TEST(a_websocket_is_handed_over_with_all_its_bytes),
		TEST(a_tunnel_ends_in_each_direction),
		TEST(a_tunnel_breaks_with_either_end),
		TEST(a_refused_upgrade_goes_on_as_http),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
