#include "daemon/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/recognition.h"
#include "daemon/tls/ja4.h"

void client_begin(struct client *client, int fd, const struct address *peer,
		  const struct address *destination, struct allowance *allowance)
{
	memset(client, 0, sizeof(*client));
	side_begin(&client->side, allowance);
	side_open(&client->side, fd);
	client->side.endpoint.peer = *peer;
	client->side.endpoint.address = *peer;
	client->side.endpoint.local = *destination;
	client->side.endpoint.start = clock_now();
}

static int note_hello(struct client *client, const struct hello *hello)
{
	struct tls_facts *facts = endpoint_tls(&client->side.endpoint);

	if (!facts)
		return -1;
	client->side.endpoint.tls = true;
	client->tls_version = hello->version;
	client->post_quantum = hello_is_post_quantum(hello);
	strcpy(facts->sni, hello->name);
	ja4_print(hello, 't', facts->ja4);
	if (offers_keep(&facts->offers, hello) < 0)
		return -1;
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

static enum client_peek note_greeting(struct client *client, const struct greeting *greeting,
				      enum reason *reason)
{
	client_give_up_peeking(client);
	if (greeting->protocol == PROTOCOL_TLS && note_hello(client, &greeting->hello) < 0) {
		*reason = REASON_NO_MEMORY;
		return CLIENT_FAILED;
	}
	if (greeting->protocol == PROTOCOL_HTTP && greeting->http.host[0])
		client->host = strdup(greeting->http.host);
	if (greeting->protocol == PROTOCOL_DNS) {
		if (greeting->question.name[0])
			client->question = strdup(greeting->question.name);
	}
	return CLIENT_SPOKE;
}

static enum client_peek peek_bytes(struct client *client, struct peek_room *room, size_t length,
				   enum reason *reason)
{
	struct greeting greeting;

	if (client->side.tls) {
		client->inner = inner_protocol(room->stream, length);
		return CLIENT_SPOKE;
	}
	switch (greeting_read(room->stream, length, &room->greeting, &greeting)) {
	case GREETING_MORE:
		client->protocol = greeting.protocol;
		/* No more will come: half a hello is nothing, anything else is what it is. */
		if (client->side.wire.ending)
			return greeting.protocol == PROTOCOL_TLS ? CLIENT_LEFT : CLIENT_SPOKE;
		if (greeting.protocol == PROTOCOL_TLS)
			make_room(client, length);
		return CLIENT_MORE;
	case GREETING_READ:
		client->protocol = greeting.protocol;
		return note_greeting(client, &greeting, reason);
	case GREETING_TOO_LONG:
		*reason = REASON_HELLO_TOO_LONG;
		break;
	default:
		*reason = REASON_HELLO_BROKEN;
		break;
	}
	client->protocol = greeting.protocol;
	return CLIENT_FAILED;
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

unsigned client_candidates(struct client *client, struct peek_room *room)
{
	ssize_t got = side_peek(&client->side, room->stream, sizeof(room->stream));
	enum protocol protocol;

	if (got <= 0 || protocol_of_client(room->stream, (size_t)got, false, &protocol) ==
				RECOGNITION_DONE)
		return 0;
	return protocol_candidates(room->stream, (size_t)got);
}

bool client_speaks_http(const struct client *client)
{
	return client->protocol == PROTOCOL_HTTP || client->protocol == PROTOCOL_HTTP2;
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
	free(client->question);
	free(client->alpn);
	client->host = client->question = NULL;
	client->alpn = NULL;
}
