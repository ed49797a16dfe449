// link: tests/unit/scarcity.c tests/unit/dialogue.c http llhttp -lnghttp2 -levent_core -lssl -lcrypto
/* Every n-th allocation fails in turn: the exchange may fail, nothing else may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dialogue.h"
#include "tests/unit/scarcity.h"

#ifdef SANITIZED
int main(void)
{
	print_message("1..0 # SKIP a sanitizer has its own allocator\n");
	return 0;
}
#else


static const struct {
	const char *request;
	const char *response;
} scenarios[] = {
	{ GET, OK_HI },
	{ GET GET, OK_HI },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nC: d\r\n\r\n" },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: x\r\n\r\nahead",
	  "HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nahead" },
	{ "GET http://a.example HTTP/1.0\r\n\r\n", "HTTP/1.1 103 E\r\nA: b\r\n\r\n" OK_HI },
};

/* One exchange first, so that the dialogue has all the storage it needs itself. */
static bool fails_at(size_t scenario, unsigned long allocation)
{
	struct dialogue *dialogue = dialogue_new();
	bool failed;

	client_says(dialogue, GET);
	server_says(dialogue, 0, OK_HI);
	client_hears(dialogue, OK_HI);
	scarcity_begin(allocation);
	client_says(dialogue, scenarios[scenario].request);
	if (dialogue->servers[0].busy)
		server_says(dialogue, 0, scenarios[scenario].response);
	failed = scarcity_end() > 0;
	if (!failed)
		assert_int_equal(dialogue->error, REASON_NONE);
	else if (dialogue->finished == REASON_NONE)
		client_ends(dialogue);
	dialogue_free(dialogue);
	return failed;
}

static void a_failed_allocation_ends_one_conversation_at_most(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(*scenarios); i++) {
		unsigned long allocation = 1;
		long before;

		/* What the process keeps for good, pages included, is there now. */
		fails_at(i, 0);
		fails_at(i, 1);
		before = scarcity_alive();
		while (fails_at(i, allocation))
			allocation++;
		assert_int_equal(scarcity_alive(), before);
		assert_in_range(allocation, 4, 1000);
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
