#include "daemon/console/securing.h"

#include <errno.h>
#include <string.h>

#include "daemon/console/visitor.h"
#include "daemon/tls/digest.h"
#include "daemon/tls/hello.h"
#include "daemon/tls/terminator.h"

enum { TLS_HANDSHAKE_RECORD = 0x16 };

/* Storage of one turn. */
static uint8_t stream[CHUNK_SIZE];
static uint8_t message[CHUNK_SIZE];

static bool is_ours(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* Whoever calls it by another name is shown who it is. */
static const char *choose_name(const struct visitor *visitor, const struct hello *hello,
			       char literal[static ADDRESS_TEXT])
{
	struct sockaddr_storage socket_name;
	socklen_t length = sizeof(socket_name);
	struct address local = { .family = AF_UNSPEC };

	if (hello->name_kind == HELLO_NAME_GIVEN && is_ours(visitor->hospitality->names, hello->name))
		return hello->name;
	if (getsockname(visitor->side.fd, (struct sockaddr *)&socket_name, &length) == 0)
		address_from_socket(&local, (struct sockaddr *)&socket_name);
	return address_print(&local, literal);
}

static void leaf_ready(struct leaf_wait *wait, struct leaf *leaf, enum reason reason)
{
	struct visitor *visitor = wait->context;

	(void)reason;
	visitor->leaf = leaf;
	visitor->leaf_wanted = false;
	visitor->broken |= !leaf;
	visitor_turn(visitor);
}

/* There is no origin: the leaf's dates are bound by the authority's and its own longest life alone. */
static enum securing order(struct visitor *visitor, const struct hello *hello)
{
	static const uint8_t no_origin[DIGEST_SIZE];
	char literal[ADDRESS_TEXT];
	const struct leaf_order wanted = {
		.name = choose_name(visitor, hello, literal),
		.origin_digest = no_origin,
		.not_before = 0,
		.not_after = INT64_MAX,
	};
	enum reason reason = REASON_NONE;

	visitor->leaf_wait.ready = leaf_ready;
	visitor->leaf_wait.context = visitor;
	visitor->leaf = issuer_order(visitor->hospitality->issuer, &wanted, &visitor->leaf_wait,
				     &reason);
	visitor->leaf_wanted = !visitor->leaf && reason == REASON_NONE;
	return visitor->leaf ? SECURING_DONE : visitor->leaf_wanted ? SECURING_WAIT : SECURING_FAILED;
}

static enum securing read_hello(struct visitor *visitor, size_t length)
{
	struct hello hello;
	size_t message_length = 0;

	switch (hello_unwrap(stream, length, message, sizeof(message), &message_length)) {
	case HELLO_COMPLETE:
		break;
	case HELLO_MORE:
		return length < sizeof(stream) ? SECURING_WAIT : SECURING_FAILED;
	default:
		return SECURING_FAILED;
	}
	if (hello_parse(message, message_length, &hello) != HELLO_COMPLETE)
		return SECURING_FAILED;
	return order(visitor, &hello);
}

/* DONE: the leaf is there, or none is wanted. */
static enum securing peek(struct visitor *visitor)
{
	ssize_t got = side_peek(&visitor->side, stream, sizeof(stream));

	if (got < 0 && errno == EAGAIN)
		return SECURING_WAIT;
	if (got <= 0)
		return SECURING_FAILED;
	return stream[0] == TLS_HANDSHAKE_RECORD ? read_hello(visitor, (size_t)got) : SECURING_DONE;
}

static int begin(struct visitor *visitor)
{
	const struct terminator terminator = { .leaf = visitor->leaf, .name = "", .alpn = "http/1.1" };

	return side_secure(&visitor->side,
			   terminator_open(visitor->hospitality->tls, &terminator));
}

enum securing securing_turn(struct visitor *visitor)
{
	enum securing first;

	if (!visitor->side.tls) {
		if (visitor->leaf_wanted)
			return SECURING_WAIT;
		first = visitor->leaf ? SECURING_DONE : peek(visitor);
		if (first != SECURING_DONE || !visitor->leaf)
			return first;
		if (begin(visitor) < 0)
			return SECURING_FAILED;
	}
	switch (side_handshake(&visitor->side)) {
	case SIDE_WAIT:
		return SECURING_WAIT;
	case SIDE_FAILED:
		/* OpenSSL has sent the alert. */
		return SECURING_FAILED;
	default:
		securing_forget(visitor);
		return SECURING_DONE;
	}
}

void securing_forget(struct visitor *visitor)
{
	if (visitor->leaf_wanted)
		issuer_cancel(&visitor->leaf_wait);
	visitor->leaf_wanted = false;
	leaf_release(visitor->leaf);
	visitor->leaf = NULL;
}
