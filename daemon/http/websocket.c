#include "daemon/http/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/param.h>
#include <sys/random.h>

#include "daemon/text.h"

enum { FIN = 0x80, OPCODE = 0x0f, CONTROL = 0x08, MASKED = 0x80, LENGTH = 0x7f };
enum { LENGTH_16 = 126, LENGTH_64 = 127, OPCODE_MAX_DATA = 2 };

static unsigned header_size(const struct websocket_counter *counter)
{
	unsigned size = 2, length;

	if (counter->have < 2)
		return size;
	length = counter->header[1] & LENGTH;
	if (length == LENGTH_16)
		size += 2;
	else if (length == LENGTH_64)
		size += 8;
	return counter->header[1] & MASKED ? size + 4 : size;
}

static uint64_t payload_length(const struct websocket_counter *counter)
{
	unsigned length = counter->header[1] & LENGTH;
	unsigned digits = length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
	uint64_t value = 0;

	if (!digits)
		return length;
	for (unsigned i = 0; i < digits; i++)
		value = value << 8 | counter->header[2 + i];
	return value;
}

static void take_header(struct websocket_counter *counter)
{
	unsigned opcode = counter->header[0] & OPCODE;

	counter->left = payload_length(counter);
	counter->have = 0;
	/* RFC 6455 section 5.2: opcodes that nobody has defined, lengths beyond 2^63. */
	if (counter->left > INT64_MAX ||
	    (opcode > OPCODE_MAX_DATA && (opcode < CONTROL || opcode > CONTROL + 2)))
		counter->lost = true;
	else if (opcode <= OPCODE_MAX_DATA && counter->header[0] & FIN)
		counter->messages++;
}

void websocket_count(struct websocket_counter *counter, struct span bytes)
{
	while (bytes.length && !counter->lost) {
		uint64_t step = MIN(counter->left, bytes.length);

		if (step) {
			counter->left -= step;
			bytes.bytes += step;
			bytes.length -= step;
			continue;
		}
		counter->header[counter->have++] = *bytes.bytes++;
		bytes.length--;
		if (counter->have >= 2 && counter->have == header_size(counter))
			take_header(counter);
	}
}

bool websocket_key(char key[static WEBSOCKET_KEY_SIZE])
{
	uint8_t random[16];

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return false;
	EVP_EncodeBlock((unsigned char *)key, random, sizeof(random));
	return true;
}

void websocket_accept(const char *key, char accept[static WEBSOCKET_ACCEPT_SIZE])
{
	char storage[128];
	uint8_t digest[SHA_DIGEST_LENGTH];
	struct text text;

	text_begin(&text, storage, sizeof(storage));
	text_add(&text, key);
	text_add(&text, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	SHA1((const unsigned char *)text.bytes, text.length, digest);
	EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
}
