#include "daemon/tls/hello.h"

#include <string.h>
#include <sys/param.h>

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_MAX = 16384, /* RFC 8446 section 5.1 */
	MESSAGE_CLIENT_HELLO = 1,
	SESSION_ID_MAX = 32,
};

enum extension {
	EXTENSION_SERVER_NAME = 0,
	EXTENSION_SUPPORTED_GROUPS = 10,
	EXTENSION_SIGNATURE_ALGORITHMS = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_EARLY_DATA = 42,
	EXTENSION_SUPPORTED_VERSIONS = 43,
	EXTENSION_ENCRYPTED_CLIENT_HELLO = 0xfe0d,
};

/* The handshake message as it grows out of the records. */
struct collector {
	uint8_t *message;
	size_t size;
	size_t wanted;
	size_t length;
	uint8_t header[4];
	size_t header_length;
};

static enum hello_answer read_header(struct collector *collector)
{
	const uint8_t *header = collector->header;

	if (collector->header_length && header[0] != MESSAGE_CLIENT_HELLO)
		return HELLO_INVALID;
	if (collector->header_length < sizeof collector->header)
		return HELLO_MORE;
	collector->wanted = (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
	return collector->wanted > collector->size ? HELLO_OVERSIZE : HELLO_COMPLETE;
}

/* Bytes behind the message in the same record are refused: no client may send anything before it
 * has read the answer, and OpenSSL refuses them too. */
static enum hello_answer collect(struct collector *collector, struct span fragment, bool whole)
{
	size_t part = MIN(fragment.length, sizeof collector->header - collector->header_length);
	enum hello_answer answer;

	memcpy(collector->header + collector->header_length, fragment.bytes, part);
	collector->header_length += part;
	answer = read_header(collector);
	if (answer != HELLO_COMPLETE)
		return answer;
	fragment.bytes += part;
	fragment.length -= part;
	part = MIN(fragment.length, collector->wanted - collector->length);
	memcpy(collector->message + collector->length, fragment.bytes, part);
	collector->length += part;
	if (fragment.length > part)
		return HELLO_INVALID;
	return whole && collector->length == collector->wanted ? HELLO_COMPLETE : HELLO_MORE;
}

enum hello_answer hello_unwrap(const uint8_t *stream, size_t length, uint8_t *message, size_t size,
			       size_t *message_length)
{
	struct collector collector = { .message = message, .size = size };
	enum hello_answer answer = HELLO_MORE;
	struct reader reader;

	*message_length = 0;
	reader_begin(&reader, stream, length);
	for (bool first = true; answer == HELLO_MORE && reader_left(&reader); first = false) {
		enum hello_answer foreign = first ? HELLO_NOT_TLS : HELLO_INVALID;
		struct span fragment;
		size_t wanted;

		if (reader_u8(&reader) != RECORD_HANDSHAKE)
			return foreign;
		if (reader_left(&reader) && reader_u8(&reader) != 3)
			return foreign;
		reader_u8(&reader);
		wanted = reader_u16(&reader);
		if (reader.failed)
			return HELLO_MORE;
		if (!wanted || wanted > RECORD_MAX)
			return HELLO_INVALID;
		fragment = reader_take(&reader, MIN(wanted, reader_left(&reader)));
		if (fragment.length)
			answer = collect(&collector, fragment, fragment.length == wanted);
	}
	if (answer == HELLO_COMPLETE)
		*message_length = collector.length;
	return answer;
}

bool hello_is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static struct span rest(struct reader *reader)
{
	return reader_take(reader, reader_left(reader));
}

/* A vector of 16-bit values that is the whole of an extension. */
static struct span take_pairs(struct reader *extension, struct reader vector)
{
	struct span pairs = rest(&vector);

	if (!pairs.length || pairs.length % 2 || reader_left(extension))
		extension->failed = true;
	return pairs;
}

static uint16_t pair(struct span pairs, size_t index)
{
	return (uint16_t)(pairs.bytes[2 * index] << 8 | pairs.bytes[2 * index + 1]);
}

/* RFC 6066 section 3. One entry of type host_name is what every client sends; anything else that is
 * well-formed leaves the hello without a usable name. */
static void read_server_name(struct hello *hello, struct reader *extension)
{
	struct reader list = reader_vector16(extension);
	size_t entries = 0;
	bool usable = true;

	if (!reader_left(&list) || reader_left(extension)) {
		extension->failed = true;
		return;
	}
	for (; reader_left(&list); entries++) {
		uint8_t type = reader_u8(&list);
		struct reader entry = reader_vector16(&list);
		struct span name = rest(&entry);

		usable = usable && !entries && type == 0 && name.length &&
			 name_canonical(name.bytes, name.length, hello->name);
	}
	hello->name_kind = usable ? HELLO_NAME_GIVEN : HELLO_NAME_UNUSABLE;
	if (!usable)
		hello->name[0] = '\0';
	extension->failed |= list.failed;
}

static void read_alpn(struct hello *hello, struct reader *extension)
{
	struct reader list = reader_vector16(extension);
	struct reader names = list;

	hello->alpn = rest(&list);
	if (!hello->alpn.length || reader_left(extension))
		extension->failed = true;
	while (reader_left(&names)) {
		struct reader name = reader_vector8(&names);

		if (!reader_left(&name))
			extension->failed = true;
	}
}

static void read_versions(struct hello *hello, struct reader *extension)
{
	hello->versions = take_pairs(extension, reader_vector8(extension));
	hello->version = 0;
	for (size_t i = 0; i < hello->versions.length / 2; i++) {
		uint16_t version = pair(hello->versions, i);

		if (version >> 8 == 3 && version > hello->version)
			hello->version = version;
	}
}

/* False when it is malformed. */
static bool read_extension(struct hello *hello, uint16_t type, struct reader extension)
{
	switch (type) {
	case EXTENSION_SERVER_NAME:
		read_server_name(hello, &extension);
		break;
	case EXTENSION_SUPPORTED_GROUPS:
		hello->groups = take_pairs(&extension, reader_vector16(&extension));
		break;
	case EXTENSION_SIGNATURE_ALGORITHMS:
		hello->signatures = take_pairs(&extension, reader_vector16(&extension));
		break;
	case EXTENSION_ALPN:
		read_alpn(hello, &extension);
		break;
	case EXTENSION_SUPPORTED_VERSIONS:
		read_versions(hello, &extension);
		break;
	case EXTENSION_EARLY_DATA:
		hello->early_data = true;
		break;
	case EXTENSION_ENCRYPTED_CLIENT_HELLO:
		hello->ech = true;
		break;
	default:
		break;
	}
	return !extension.failed;
}

/* No extension may come twice (RFC 8446 section 4.2): two readers could then see two different
 * hellos. A bit for each type keeps this linear. */
static enum hello_answer read_extensions(struct hello *hello, struct reader reader)
{
	uint8_t seen[8192] = { 0 };

	while (reader_left(&reader)) {
		uint16_t type = reader_u16(&reader);
		struct reader extension = reader_vector16(&reader);
		uint8_t bit = (uint8_t)(1U << type % 8);

		if (reader.failed || seen[type / 8] & bit)
			return HELLO_INVALID;
		seen[type / 8] |= bit;
		if (!read_extension(hello, type, extension))
			return HELLO_INVALID;
	}
	return HELLO_COMPLETE;
}

static enum hello_answer read_message(const uint8_t *message, size_t length, struct hello *hello)
{
	struct reader reader;
	struct reader vector;
	struct span compression;

	reader_begin(&reader, message, length);
	hello->legacy_version = reader_u16(&reader);
	hello->version = hello->legacy_version;
	reader_take(&reader, 32);
	vector = reader_vector8(&reader);
	if (reader_left(&vector) > SESSION_ID_MAX)
		return HELLO_INVALID;
	vector = reader_vector16(&reader);
	hello->ciphers = rest(&vector);
	vector = reader_vector8(&reader);
	compression = rest(&vector);
	if (reader.failed || hello->legacy_version >> 8 != 3 || !hello->ciphers.length ||
	    hello->ciphers.length % 2 || !compression.length ||
	    !memchr(compression.bytes, 0, compression.length))
		return HELLO_INVALID;
	if (!reader_left(&reader))
		return HELLO_COMPLETE;
	vector = reader_vector16(&reader);
	if (reader.failed || reader_left(&reader))
		return HELLO_INVALID;
	hello->extensions = (struct span){ vector.next, reader_left(&vector) };
	return read_extensions(hello, vector);
}

enum hello_answer hello_parse(const uint8_t *message, size_t length, struct hello *hello)
{
	enum hello_answer answer;

	memset(hello, 0, sizeof *hello);
	answer = read_message(message, length, hello);
	if (answer != HELLO_COMPLETE)
		memset(hello, 0, sizeof *hello);
	return answer;
}

struct span hello_alpn_next(const struct hello *hello, size_t *position)
{
	struct span name = { 0 };
	struct reader reader;
	struct reader vector;

	if (*position >= hello->alpn.length)
		return name;
	reader_begin(&reader, hello->alpn.bytes + *position, hello->alpn.length - *position);
	vector = reader_vector8(&reader);
	name = rest(&vector);
	*position += name.length + 1;
	return name;
}

bool hello_offers(const struct hello *hello, const char *alpn)
{
	size_t length = strlen(alpn);
	size_t position = 0;
	struct span name;

	for (;;) {
		name = hello_alpn_next(hello, &position);
		if (!name.length)
			return false;
		if (name.length == length && !memcmp(name.bytes, alpn, length))
			return true;
	}
}

bool hello_has_group(const struct hello *hello, uint16_t group)
{
	for (size_t i = 0; i < hello->groups.length / 2; i++)
		if (pair(hello->groups, i) == group)
			return true;
	return false;
}

bool hello_is_post_quantum(const struct hello *hello)
{
	/* SecP256r1MLKEM768, X25519MLKEM768, SecP384r1MLKEM1024; MLKEM512, 768 and 1024 alone */
	static const uint16_t groups[] = { 0x11eb, 0x11ec, 0x11ed, 0x0200, 0x0201, 0x0202 };

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (hello_has_group(hello, groups[i]))
			return true;
	return false;
}
