// link: daemon/allowance.c daemon/spare.c daemon/http/page.c daemon/http/message.c daemon/http/h1_printer.c daemon/text.c daemon/reason.c -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "daemon/http/h1_printer.h"
#include "daemon/http/page.h"

enum { PRINTED_MAX = 2 * PAGE_MAX };

/* As HTTP/1 would send it. */
static void make(char printed[static PRINTED_MAX], unsigned status, enum reason reason)
{
	char storage[PAGE_MAX];
	struct text text, body;
	struct head head;

	head_begin(&head, NULL);
	text_begin(&body, storage, sizeof(storage));
	text_begin(&text, printed, PRINTED_MAX);
	assert_int_equal(page_make(&head, &body, status, reason), 0);
	h1_print_response(&text, &head);
	text_add_bytes(&text, body.bytes, body.length);
	assert_false(text.full);
	assert_false(body.full);
	head_end(&head);
}

static void every_page_is_a_whole_response(void **state)
{
	static const unsigned statuses[] = { 400, 403, 405, 408, 414, 421, 431, 502, 503, 504 };

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		for (unsigned reason = 0; reason < REASON_COUNT; reason++) {
			char page[PRINTED_MAX], line[32], length[48];
			const char *body;

			make(page, statuses[i], reason);
			snprintf(line, sizeof(line), "HTTP/1.1 %u ", statuses[i]);
			assert_memory_equal(page, line, strlen(line));
			body = strstr(page, "\r\n\r\n");
			assert_non_null(body);
			snprintf(length, sizeof(length), "\r\nContent-Length: %zu\r\n",
				 strlen(body + 4));
			assert_non_null(strstr(page, length));
			assert_non_null(strstr(page, "\r\nConnection: close\r\n"));
			assert_non_null(strstr(body, reason_word(reason)));
		}
}

static void the_policy_allows_its_own_style_alone(void **state)
{
	char page[PRINTED_MAX], hash[64] = "style-src 'sha256-";
	unsigned char digest[SHA256_DIGEST_LENGTH];
	const char *style, *end;

	(void)state;
	make(page, 403, REASON_BLOCKED);
	style = strstr(page, "<style>") + 7;
	end = strstr(style, "</style>");
	SHA256((const unsigned char *)style, (size_t)(end - style), digest);
	EVP_EncodeBlock((unsigned char *)hash + strlen(hash), digest, sizeof(digest));
	assert_non_null(strstr(page, hash));
	assert_non_null(strstr(page, "Content-Security-Policy: default-src 'none'; "));
	assert_null(strstr(page, "<script"));
	assert_null(strstr(page, "style=\""));
}

static void an_unknown_status_is_a_bad_gateway(void **state)
{
	char page[PRINTED_MAX];

	(void)state;
	make(page, 200, REASON_INTERNAL);
	assert_memory_equal(page, "HTTP/1.1 502 ", 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_is_a_whole_response),
		cmocka_unit_test(the_policy_allows_its_own_style_alone),
		cmocka_unit_test(an_unknown_status_is_a_bad_gateway),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
