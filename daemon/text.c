#include "daemon/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_begin(struct text *text, char *storage, size_t size)
{
	text->bytes = storage;
	text->size = size;
	text->length = 0;
	text->full = false;
	storage[0] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char character)
{
	text_add_bytes(text, &character, 1);
}

void text_add_bytes(struct text *text, const void *bytes, size_t length)
{
	size_t room = text->size - text->length - 1;

	if (text->full || !length)
		return;
	if (length > room) {
		text->full = true;
		length = room;
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_add_number(struct text *text, int64_t number)
{
	char digits[20];
	char *first = digits + sizeof digits;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do {
		*--first = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--first = '-';
	text_add_bytes(text, first, (size_t)(digits + sizeof digits - first));
}

void text_addf(struct text *text, const char *format, ...)
{
	size_t room = text->size - text->length;
	va_list arguments;
	int length;

	if (text->full)
		return;
	va_start(arguments, format);
	length = vsnprintf(text->bytes + text->length, room, format, arguments);
	va_end(arguments);
	if (length < 0) {
		text->bytes[text->length] = '\0';
		text->full = true;
	} else if ((size_t)length >= room) {
		text->length = text->size - 1;
		text->full = true;
	} else {
		text->length += (size_t)length;
	}
}

static size_t sequence_length(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/* Bounds of the second byte keep out overlong forms, surrogates and what lies above U+10FFFF
 * (RFC 3629 section 4). */
static bool second_fits(uint8_t first, uint8_t second)
{
	uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

/* The bytes of one valid UTF-8 sequence at the front, 0 for none. */
static size_t utf8_length(const uint8_t *bytes, size_t length)
{
	size_t wanted = sequence_length(bytes[0]);

	if (!wanted || wanted > length || !second_fits(bytes[0], bytes[1]))
		return 0;
	for (size_t i = 2; i < wanted; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return wanted;
}

static bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void add_escape(struct text *text, uint8_t byte)
{
	static const char short_form[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *pair = short_form;
	char escape[] = "\\u0000";

	while (*pair && (uint8_t)*pair != byte)
		pair += 2;
	if (*pair) {
		escape[1] = pair[1];
		text_add_bytes(text, escape, 2);
		return;
	}
	escape[4] = "0123456789abcdef"[byte >> 4];
	escape[5] = "0123456789abcdef"[byte & 15];
	text_add_bytes(text, escape, 6);
}

/* Adds one character that needs a look; returns how many bytes it took. */
static size_t add_special(struct text *text, const uint8_t *bytes, size_t length)
{
	size_t sequence;

	if (bytes[0] < 0x80) {
		add_escape(text, bytes[0]);
		return 1;
	}
	sequence = utf8_length(bytes, length);
	if (!sequence) {
		text_add(text, "\xef\xbf\xbd");
		return 1;
	}
	text_add_bytes(text, bytes, sequence);
	return sequence;
}

void text_add_json_bytes(struct text *text, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	size_t plain;

	text_add_char(text, '"');
	while (length && !text->full) {
		for (plain = 0; plain < length && is_plain(next[plain]); plain++)
			;
		if (plain)
			text_add_bytes(text, next, plain);
		else
			plain = add_special(text, next, length);
		next += plain;
		length -= plain;
	}
	text_add_char(text, '"');
}

void text_add_json(struct text *text, const char *string)
{
	if (string)
		text_add_json_bytes(text, string, strlen(string));
	else
		text_add(text, "null");
}

void text_add_base64(struct text *text, const void *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *next = bytes;

	for (size_t i = 0; i < length; i += 3) {
		uint32_t three = (uint32_t)next[i] << 16;

		three |= i + 1 < length ? (uint32_t)next[i + 1] << 8 : 0;
		three |= i + 2 < length ? next[i + 2] : 0;
		text_add_char(text, digits[three >> 18]);
		text_add_char(text, digits[three >> 12 & 63]);
		text_add_char(text, i + 1 < length ? digits[three >> 6 & 63] : '=');
		text_add_char(text, i + 2 < length ? digits[three & 63] : '=');
	}
}

void text_add_hex(struct text *text, const uint8_t *bytes, size_t length)
{
	char pair[2];

	for (size_t i = 0; i < length && !text->full; i++) {
		pair[0] = "0123456789abcdef"[bytes[i] >> 4];
		pair[1] = "0123456789abcdef"[bytes[i] & 15];
		text_add_bytes(text, pair, sizeof pair);
	}
}
