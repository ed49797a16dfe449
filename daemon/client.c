#include "daemon/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/text.h"

enum { LISTS_TEXT = 4096 };

void client_begin(struct client *client, int fd, const struct address *peer,
		  const struct address *destination)
{
	memset(client, 0, sizeof(*client));
	side_begin(&client->side);
	side_open(&client->side, fd);
	client->side.endpoint.peer = *peer;
	client->side.endpoint.address = *peer;
	client->side.endpoint.local = *destination;
	client->side.endpoint.start = clock_now();
}

static char *print_ciphers(const struct hello *hello)
{
	char storage[LISTS_TEXT];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_add_char(&text, '[');
	for (size_t i = 0; i + 1 < hello->ciphers.length; i += 2) {
		const uint8_t *bytes = hello->ciphers.bytes + i;
		uint16_t value = (uint16_t)(bytes[0] << 8 | bytes[1]);

		if (hello_is_grease(value) || text.length + 16 > sizeof(storage))
			continue;
		text_addf(&text, "%s\"0x%04x\"", text.length > 1 ? "," : "", value);
	}
	text_add_char(&text, ']');
	return text.full ? NULL : strdup(storage);
}

static char *print_alpn(const struct hello *hello)
{
	char storage[LISTS_TEXT];
	struct text text;
	struct span name;
	size_t position = 0;

	if (!hello->alpn.length)
		return NULL;
	text_begin(&text, storage, sizeof(storage));
	text_add_char(&text, '[');
	while ((name = hello_alpn_next(hello, &position)).length) {
		if (text.length + 6 * name.length + 8 > sizeof(storage))
			break;
		if (text.length > 1)
			text_add_char(&text, ',');
		text_add_json_bytes(&text, name.bytes, name.length);
	}
	text_add_char(&text, ']');
	return text.full ? NULL : strdup(storage);
}

static int note_hello(struct client *client, const struct hello *hello)
{
	struct tls_facts *facts = endpoint_tls(&client->side.endpoint);

	if (!facts)
		return -1;
	client->side.endpoint.tls = true;
	client->tls_version = hello->version;
	strcpy(facts->sni, hello->name);
	hello_ja4(hello, 't', facts->ja4);
	facts->cipher_list = print_ciphers(hello);
	facts->alpn_offers = print_alpn(hello);
	if (hello->name[0] && !(client->host = strdup(hello->name)))
		return -1;
	if (!hello->alpn.length)
		return 0;
	client->alpn = malloc(hello->alpn.length);
	if (!client->alpn)
		return -1;
	memcpy(client->alpn, hello->alpn.bytes, hello->alpn.length);
	client->alpn_length = hello->alpn.length;
	return 0;
}

/* A hello near the limit does not fit the receive buffer that the kernel starts with; a raised low-water
 * mark makes it grow (tcp_set_rcvlowat(), Linux 4.17). */
static void make_room(struct client *client, size_t length)
{
	int wanted = (int)length + 1;

	if (length <= HELLO_MAX / 4)
		return;
	setsockopt(client->side.fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
	client->roomy = true;
}

void client_give_up_peeking(struct client *client)
{
	int usual = 1;

	if (client->roomy)
		setsockopt(client->side.fd, SOL_SOCKET, SO_RCVLOWAT, &usual, sizeof(usual));
	client->roomy = false;
}

static enum client_peek peek_tls(struct client *client, struct peek_room *room, size_t length,
				 enum reason *reason)
{
	struct hello hello;
	size_t message_length;

	switch (hello_unwrap(room->stream, length, room->message, sizeof(room->message),
			     &message_length)) {
	case HELLO_COMPLETE:
		break;
	case HELLO_MORE:
		if (length < HELLO_MAX) {
			make_room(client, length);
			return CLIENT_MORE;
		}
		/* fall through */
	case HELLO_OVERSIZE:
		*reason = REASON_HELLO_TOO_LONG;
		return CLIENT_FAILED;
	default:
		*reason = REASON_HELLO_BROKEN;
		return CLIENT_FAILED;
	}
	client_give_up_peeking(client);
	if (hello_parse(room->message, message_length, &hello) != HELLO_COMPLETE) {
		*reason = REASON_HELLO_BROKEN;
		return CLIENT_FAILED;
	}
	if (note_hello(client, &hello) < 0) {
		*reason = REASON_NO_MEMORY;
		return CLIENT_FAILED;
	}
	return CLIENT_SPOKE;
}

static enum client_peek peek_http(struct client *client, const uint8_t *bytes, size_t length)
{
	struct http_peek peek;

	if (protocol_peek_http(bytes, length, &peek) == RECOGNITION_MORE && length < HELLO_MAX)
		return CLIENT_MORE;
	if (peek.host[0])
		client->host = strdup(peek.host);
	return CLIENT_SPOKE;
}

/* Only one TLS record can be looked at, and it may hold a single byte. What could be the start of a method is
 * taken for HTTP: the codec's guard refuses it if it is not, so no request slips past the rules. */
static enum protocol inner_protocol(const uint8_t *bytes, size_t length)
{
	enum protocol protocol;

	if (protocol_of_client(bytes, length, false, &protocol) == RECOGNITION_DONE)
		return protocol;
	if (bytes[0] >= 'A' && bytes[0] <= 'Z')
		return PROTOCOL_HTTP;
	protocol_of_client(bytes, length, true, &protocol);
	return protocol;
}

static enum client_peek peek_bytes(struct client *client, struct peek_room *room, size_t length,
				   enum reason *reason)
{
	bool inside = client->side.tls != NULL;
	enum protocol protocol;

	if (inside) {
		client->inner = inner_protocol(room->stream, length);
		return CLIENT_SPOKE;
	}
	if (protocol_of_client(room->stream, length, length == HELLO_MAX, &protocol) ==
	    RECOGNITION_MORE)
		return CLIENT_MORE;
	client->protocol = protocol;
	if (protocol == PROTOCOL_TLS)
		return peek_tls(client, room, length, reason);
	if (protocol == PROTOCOL_HTTP)
		return peek_http(client, room->stream, length);
	return CLIENT_SPOKE;
}

enum client_peek client_peek(struct client *client, struct peek_room *room, enum reason *reason)
{
	ssize_t got = side_peek(&client->side, room->stream, sizeof(room->stream));

	if (got < 0 && errno == EAGAIN)
		return CLIENT_SILENT;
	if (got < 0) {
		*reason = REASON_CLIENT_RESET;
		return CLIENT_FAILED;
	}
	if (got == 0)
		return CLIENT_LEFT;
	return peek_bytes(client, room, (size_t)got, reason);
}

void client_alert(struct client *client, uint8_t description)
{
	const uint8_t record[] = { 21, 3, 3, 0, 2, 2, description };

	if (side_send(&client->side, record, sizeof(record)) == 0)
		side_shutdown(&client->side);
}

void client_end(struct client *client)
{
	side_end(&client->side);
	free(client->host);
	free(client->alpn);
	client->host = NULL;
	client->alpn = NULL;
}
