#include "daemon/greeting.h"

#include "daemon/recognition.h"

static enum greeting_answer read_hello(const uint8_t *stream, size_t length,
				       struct greeting_room *room, struct hello *hello)
{
	size_t message_length;

	switch (hello_unwrap(stream, length, room->message, sizeof(room->message),
			     &message_length)) {
	case HELLO_COMPLETE:
		break;
	case HELLO_MORE:
		return length < HELLO_MAX ? GREETING_MORE : GREETING_TOO_LONG;
	case HELLO_OVERSIZE:
		return GREETING_TOO_LONG;
	default:
		return GREETING_BROKEN;
	}
	return hello_parse(room->message, message_length, hello) == HELLO_COMPLETE
		       ? GREETING_READ
		       : GREETING_BROKEN;
}

/* DNS over TCP (RFC 7766): a length, then the message. */
static enum greeting_answer read_question(const uint8_t *stream, size_t length,
					  struct dns_message *question)
{
	size_t whole = length < 2 ? 0 : (size_t)(stream[0] << 8 | stream[1]);

	if (length < 2 || length - 2 < whole)
		return length < HELLO_MAX ? GREETING_MORE : GREETING_BROKEN;
	if (!dns_parse(stream + 2, whole, question))
		*question = (struct dns_message){ .name = "" };
	return GREETING_READ;
}

enum greeting_answer greeting_read(const uint8_t *stream, size_t length, struct greeting_room *room,
				   struct greeting *greeting)
{
	greeting->protocol = PROTOCOL_UNKNOWN;
	if (protocol_of_client(stream, length, length >= HELLO_MAX, &greeting->protocol) ==
	    RECOGNITION_MORE)
		return GREETING_MORE;
	if (greeting->protocol == PROTOCOL_TLS)
		return read_hello(stream, length, room, &greeting->hello);
	if (greeting->protocol == PROTOCOL_DNS)
		return read_question(stream, length, &greeting->question);
	if (greeting->protocol == PROTOCOL_HTTP &&
	    !http_peek(stream, length, &greeting->http) && length < HELLO_MAX)
		return GREETING_MORE;
	return GREETING_READ;
}

const char *greeting_host(const struct greeting *greeting)
{
	const char *host = greeting->protocol == PROTOCOL_TLS	 ? greeting->hello.name
			   : greeting->protocol == PROTOCOL_HTTP ? greeting->http.host
			   : greeting->protocol == PROTOCOL_DNS	 ? greeting->question.name
								 : "";

	return host[0] ? host : NULL;
}
