// link: tests/unit/scarcity.c tests/fuzz/h2_stage.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Every n-th allocation fails in turn, nghttp2's too: an exchange or its connection may fail, nothing else may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/h2_stage.h"
#include "tests/unit/scarcity.h"

#ifdef SANITIZED
int main(void)
{
	print_message("1..0 # SKIP a sanitizer has its own allocator\n");
	return 0;
}
#else

/* POST https://a/ and GET https://a/ */
#define POST "\x83\x87\x84\x41\x01" "a"
#define GET "\x82\x87\x84\x41\x01" "a"
#define ASK "\0\0\x06\x01\x05\0\0\0\x01" GET
#define UPLOAD "\0\0\x06\x01\x04\0\0\0\x03" POST "\0\0\x04\0\x01\0\0\0\x03" "body"
#define TRAILED "\0\0\x06\x01\x04\0\0\0\x05" POST "\0\0\x01\0\0\0\0\0\x05" "x" \
	"\0\0\x05\x01\x05\0\0\0\x05" "\0\x01" "a\x01" "b"
#define SPAN(text) { (const uint8_t *)text, sizeof(text) - 1 }

static const struct {
	struct span client;
	struct span server;
	bool h2;
} scenarios[] = {
	{ SPAN(ASK UPLOAD), SPAN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), false },
	{ SPAN(TRAILED), SPAN("HTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n"
			      "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nC: d\r\n\r\n"), false },
	{ SPAN(ASK), SPAN("\0\0\0\x04\0\0\0\0\0" "\0\0\x01\x01\x04\0\0\0\x01\x88"
			  "\0\0\x02\0\x01\0\0\0\x01" "hi"), true },
	{ SPAN(TRAILED), SPAN("\0\0\0\x04\0\0\0\0\0" "\0\0\x01\x01\x04\0\0\0\x01\x88"
			      "\0\0\x02\0\0\0\0\0\x01" "hi" "\0\0\x05\x01\x05\0\0\0\x01" "\0\x01" "a\x01" "b"), true },
};

static bool fails_at(size_t scenario, unsigned long allocation)
{
	scarcity_begin(allocation);
	h2_play(scenarios[scenario].client, scenarios[scenario].server, scenarios[scenario].h2);
	return scarcity_end() > 0;
}

static void a_failed_allocation_ends_one_conversation_at_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		unsigned long allocation = 1;
		long before;

		/* What the process keeps for good, pages included, is there now. */
		for (unsigned long n = 0; n < 100; n++)
			fails_at(i, n);
		before = scarcity_alive();
		assert_true(h2_play(scenarios[i].client, scenarios[i].server, scenarios[i].h2));
		while (fails_at(i, allocation))
			allocation++;
		assert_int_equal(scarcity_alive(), before);
		assert_in_range(allocation, 20, 2000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_allocation_ends_one_conversation_at_most),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
