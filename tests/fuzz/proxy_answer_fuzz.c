// link: daemon/through/socks5.c daemon/through/connect.c daemon/reader.c daemon/address.c daemon/text.c
/* What a proxy answers: the first byte says which answer is meant. An answer is read the same however much
 * of it has come: it is more, more, more, and then one thing. */
#include <stdlib.h>
#include <string.h>

#include "daemon/text.h"
#include "daemon/through/connect.h"
#include "daemon/through/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static struct proxy_answer read_answer(unsigned kind, const void *bytes, size_t length)
{
	enum socks5_method method = SOCKS5_FREE;
	struct proxy_answer answer;
	struct address bound;

	switch (kind % 5) {
	case 0:
		answer = socks5_read_method(bytes, length, false, &method);
		require(method == SOCKS5_FREE);
		return answer;
	case 1:
		answer = socks5_read_method(bytes, length, true, &method);
		require(method == SOCKS5_FREE || method == SOCKS5_PASSWORD);
		return answer;
	case 2:
		return socks5_read_credentials(bytes, length);
	case 3:
		return socks5_read_reply(bytes, length, &bound);
	default:
		return connect_read_answer(bytes, length);
	}
}

/* What is read of a datagram is what would be written. */
static void read_datagram(const uint8_t *data, size_t size)
{
	char storage[SOCKS5_HEAD_MAX + 1];
	struct span payload;
	struct address from;
	struct text text;

	if (!socks5_read_datagram((struct span){ data, size }, &from, &payload))
		return;
	require(payload.bytes + payload.length == data + size);
	if (from.family == AF_UNSPEC)
		return;
	text_begin(&text, storage, sizeof(storage));
	socks5_add_datagram_head(&text, NULL, &from, from.port);
	require(text.length == size - payload.length && !memcmp(text.bytes + 3, data + 3, text.length - 3));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_answer whole, part;
	size_t length = 0;

	if (!size || size > 2 * CONNECT_ANSWER_MAX)
		return 0;
	read_datagram(data, size);
	whole = read_answer(*data, data + 1, size - 1);
	require(whole.length <= size - 1);
	require((whole.said == PROXY_NO) == (whole.reason != REASON_NONE));
	require((whole.said == PROXY_YES || whole.said == PROXY_MORE) == (whole.detail == NULL));
	do {
		part = read_answer(*data, data + 1, length);
	} while (part.said == PROXY_MORE && ++length < size);
	if (size - 1 < CONNECT_ANSWER_MAX) {
		require(part.said == whole.said && part.length == whole.length);
		require(part.reason == whole.reason);
		require(part.said != PROXY_YES || part.length == length);
	}
	return 0;
}
