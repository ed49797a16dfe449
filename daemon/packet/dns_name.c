#include "daemon/packet/dns_name.h"

#include <string.h>

enum {
	LABEL_POINTER = 0xc0,
	LABELS_MAX = 128,
	WIRE_MAX = 255, /* RFC 1035 section 2.3.4 */
	MESSAGE_HEADER = 12,
};

/* A label that holds a dot of its own would look like two: such a name is none of ours. */
static bool add_label(char *text, size_t *length, struct span label)
{
	if (*length + label.length + 1 > WIRE_MAX || !label.length)
		return false;
	memcpy(text + *length, label.bytes, label.length);
	*length += label.length;
	text[(*length)++] = '.';
	return !memchr(label.bytes, '.', label.length);
}

/* Every pointer must point before the part that it ends: so it comes to an end. No name stands in
 * the header. */
static bool follow(struct reader *at, struct span whole, const uint8_t **floor, uint8_t high)
{
	size_t offset = (size_t)(high & 0x3f) << 8 | reader_u8(at);

	if (at->failed || offset < MESSAGE_HEADER || offset >= (size_t)(*floor - whole.bytes))
		return false;
	reader_begin(at, whole.bytes + offset, whole.length - offset);
	*floor = at->next;
	return true;
}

void dns_name_read(struct reader *reader, struct span whole, char name[static NAME_SIZE])
{
	struct reader at = *reader;
	const uint8_t *floor = reader->next;
	const uint8_t *behind = NULL;
	char text[WIRE_MAX + 1];
	size_t length = 0;
	bool plain = true;

	name[0] = '\0';
	for (unsigned i = 0; i < LABELS_MAX; i++) {
		uint8_t head = reader_u8(&at);

		if (at.failed || (head > 63 && head < LABEL_POINTER))
			break;
		if (head >= LABEL_POINTER) {
			behind = behind ? behind : at.next + 1;
			if (!follow(&at, whole, &floor, head))
				break;
			continue;
		}
		if (!head) {
			reader->next = behind ? behind : at.next;
			if (plain && length)
				name_canonical(text, length, name);
			return;
		}
		if (length + head + 1 > WIRE_MAX)
			break;
		plain = add_label(text, &length, reader_take(&at, head)) && plain;
	}
	reader->failed = true;
}
