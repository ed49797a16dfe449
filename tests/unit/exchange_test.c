// link: daemon/http/exchange.c daemon/http/message.c daemon/allowance.c daemon/spare.c daemon/clock.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "daemon/http/exchange.h"

static void add(struct head *head, const char *name, const char *value)
{
	assert_int_equal(head_add_field(head, name, strlen(name), value, strlen(value)), 0);
}

static bool binds(const char *request, const char *response)
{
	struct exchange exchange;
	bool bound;

	exchange_begin(&exchange, NULL, 1, NULL);
	add(&exchange.request, "Authorization", "Basic bWU6c2VjcmV0");
	if (request)
		add(&exchange.request, "authorization", request);
	add(&exchange.response, "WWW-Authenticate", "Basic realm=\"NTLM\"");
	if (response)
		add(&exchange.response, "www-authenticate", response);
	bound = exchange_binds_connection(&exchange);
	exchange_end(&exchange);
	return bound;
}

static void schemes_that_name_the_connections_owner_bind_it(void **state)
{
	(void)state;
	assert_false(binds(NULL, NULL));
	assert_false(binds("Bearer abc", "Digest realm=\"x\""));
	assert_true(binds("NTLM TlRMTVNTUAAB", NULL));
	assert_true(binds("negotiate YII", NULL));
	assert_true(binds("Whatever-Comes-Next x", NULL));
	assert_true(binds("Basically x", NULL));
	assert_true(binds(NULL, "Negotiate"));
	assert_true(binds(NULL, "ntlm"));
	assert_false(binds(NULL, "NTLMish x"));
}

static bool repeatable(const char *method, enum body body, uint64_t length)
{
	struct exchange exchange;
	bool may;

	exchange_begin(&exchange, NULL, 1, NULL);
	exchange.request.method = head_add_text(&exchange.request, method, strlen(method));
	exchange.request.body = body;
	exchange.request.content_length = length;
	may = exchange_is_repeatable(&exchange);
	exchange_end(&exchange);
	return may;
}

static void what_changes_nothing_twice_may_be_repeated(void **state)
{
	(void)state;
	assert_true(repeatable("GET", BODY_NONE, 0));
	assert_true(repeatable("DELETE", BODY_LENGTH, 0));
	assert_false(repeatable("PUT", BODY_LENGTH, 1));
	assert_false(repeatable("PUT", BODY_STREAM, 0));
	assert_false(repeatable("POST", BODY_NONE, 0));
	assert_false(repeatable("get", BODY_NONE, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes_that_name_the_connections_owner_bind_it),
		cmocka_unit_test(what_changes_nothing_twice_may_be_repeated),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
