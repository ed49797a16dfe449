// link: daemon/tls/ja4.c daemon/tls/hello.c daemon/reader.c daemon/name.c daemon/address.c -lcrypto
#include <stdlib.h>
#include <string.h>

#include "daemon/limits.h"
#include "daemon/tls/ja4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t message[HELLO_MAX];
static uint8_t again[HELLO_MAX];
static uint8_t stream[6 * HELLO_MAX];

static void require(int condition)
{
	if (!condition)
		abort();
}

static void require_inside(struct span span, const uint8_t *bytes, size_t length)
{
	if (span.length)
		require(span.bytes >= bytes && span.length <= length &&
			span.bytes + span.length <= bytes + length);
}

static void walk_alpn(const struct hello *hello)
{
	size_t position = 0;
	size_t walked = 0;
	struct span name;

	while ((name = hello_alpn_next(hello, &position)).length) {
		require_inside(name, hello->alpn.bytes, hello->alpn.length);
		walked += 1 + name.length;
	}
	require(walked == hello->alpn.length);
}

static void check_message(const uint8_t *bytes, size_t length)
{
	char name[NAME_SIZE];
	char ja4[JA4_SIZE];
	struct hello hello;
	enum hello_answer answer = hello_parse(bytes, length, &hello);

	require(answer == HELLO_COMPLETE || answer == HELLO_INVALID);
	require((hello.name_kind == HELLO_NAME_GIVEN) == (hello.name[0] != '\0'));
	if (hello.name[0])
		require(name_canonical(hello.name, strlen(hello.name), name) &&
			!strcmp(name, hello.name));
	if (answer != HELLO_COMPLETE)
		return;
	require_inside(hello.ciphers, bytes, length);
	require_inside(hello.extensions, bytes, length);
	require_inside(hello.groups, bytes, length);
	require_inside(hello.versions, bytes, length);
	require_inside(hello.signatures, bytes, length);
	require_inside(hello.alpn, bytes, length);
	walk_alpn(&hello);
	hello_has_group(&hello, 0x11ec);
	hello_offers(&hello, "h2");
	require(strlen(ja4_print(&hello, 't', ja4)) == JA4_SIZE - 1);
}

/* The same message, its header included, in records of one byte. */
static void check_split(size_t length)
{
	const uint8_t header[4] = { 1, (uint8_t)(length >> 16), (uint8_t)(length >> 8),
				    (uint8_t)length };
	const uint8_t record[5] = { 22, 3, 1, 0, 1 };
	size_t again_length;
	size_t end = 0;

	for (size_t i = 0; i < length + 4; i++) {
		memcpy(stream + end, record, sizeof record);
		stream[end + 5] = i < 4 ? header[i] : message[i - 4];
		end += 6;
	}
	require(hello_unwrap(stream, end, again, sizeof again, &again_length) == HELLO_COMPLETE);
	require(again_length == length && !memcmp(again, message, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum hello_answer answer;
	size_t length;

	answer = hello_unwrap(data, size, message, sizeof message, &length);
	require(length <= sizeof message && (answer == HELLO_COMPLETE || !length));
	if (answer == HELLO_COMPLETE) {
		check_message(message, length);
		if (length + 4 <= HELLO_MAX)
			check_split(length);
	}
	check_message(data, size);
	return 0;
}
