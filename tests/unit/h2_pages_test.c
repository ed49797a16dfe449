// link: daemon/http/h2_pages.c daemon/allowance.c daemon/spare.c -lnghttp2
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/http/h2_pages.h"

enum { VALUE = 24000 }; /* a field that needs more than one frame */

struct end {
	nghttp2_session *session;
	struct allowance allowance;
	struct h2_pages pages;
	size_t got; /* bytes of the last field's value */
};

static int count_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		       size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
		       void *context)
{
	struct end *end = context;

	(void)session, (void)frame, (void)name, (void)name_length, (void)value, (void)flags;
	end->got = value_length;
	return 0;
}

static void begin(struct end *end, bool server)
{
	nghttp2_session_callbacks *callbacks;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, count_field);
	end->allowance = (struct allowance){ .most = 1 << 20 };
	h2_pages_begin(&end->pages, &end->allowance);
	assert_int_equal((server ? nghttp2_session_server_new3 : nghttp2_session_client_new3)(
				 &end->session, callbacks, end, NULL, &end->pages.memory),
			 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(end->session, NGHTTP2_FLAG_NONE, NULL, 0);
}

static void carry(struct end *from, struct end *to)
{
	const uint8_t *bytes;
	ssize_t length;

	while ((length = nghttp2_session_mem_send(from->session, &bytes)) > 0)
		assert_int_equal(nghttp2_session_mem_recv(to->session, bytes, (size_t)length),
				 length);
	assert_int_equal(length, 0);
}

static void ask(struct end *client, char *value, size_t length)
{
	nghttp2_nv fields[] = {
		{ (uint8_t *)":method", (uint8_t *)"GET", 7, 3, 0 },
		{ (uint8_t *)":scheme", (uint8_t *)"https", 7, 5, 0 },
		{ (uint8_t *)":authority", (uint8_t *)"a.example", 10, 9, 0 },
		{ (uint8_t *)":path", (uint8_t *)"/", 5, 1, 0 },
		{ (uint8_t *)"x-value", (uint8_t *)value, 7, length, 0 },
	};

	assert_true(nghttp2_submit_request(client->session, NULL, fields, 5, NULL, NULL) > 0);
}

static size_t resident(const struct h2_pages *pages)
{
	unsigned char in[64] = { 0 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;

	assert_true(pages->frames_size / page <= sizeof(in));
	assert_int_equal(mincore(pages->frames, pages->frames_size, in), 0);
	for (size_t i = 0; i < pages->frames_size / page; i++)
		count += in[i] & 1;
	return count * page;
}

static void a_session_that_rests_takes_no_memory_for_frames_and_goes_on(void **state)
{
	static char value[VALUE];
	struct end client = { .got = 0 }, server = { .got = 0 };

	(void)state;
	memset(value, 'x', sizeof(value));
	begin(&client, false);
	begin(&server, true);
	assert_non_null(client.pages.frames);
	assert_non_null(server.pages.frames);
	for (size_t length = 1; length <= VALUE; length = length * 2 + 1) {
		ask(&client, value, length);
		carry(&client, &server);
		carry(&server, &client);
		assert_int_equal(server.got, length);
		assert_true(resident(&client.pages) > 0);
		h2_pages_rest(&client.pages);
		h2_pages_rest(&server.pages);
		assert_int_equal(resident(&client.pages), 0);
		assert_int_equal(resident(&server.pages), 0);
	}
	assert_true(client.allowance.used > 16384);
	nghttp2_session_del(client.session);
	nghttp2_session_del(server.session);
	assert_int_equal(client.allowance.used, 0);
	assert_int_equal(server.allowance.used, 0);
	assert_null(client.pages.frames);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_rests_takes_no_memory_for_frames_and_goes_on),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
