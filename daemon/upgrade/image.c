#include "daemon/upgrade/image.h"

#include <ctype.h>
#include <string.h>

/* A cursor over the lines. */
struct lines {
	const char *next;
	const char *end;
	bool failed;
};

size_t image_head_length(const char *bytes, size_t length)
{
	const char *end = memmem(bytes, length, "\n\n", 2);

	return end ? (size_t)(end - bytes) + 2 : 0;
}

/* Passes over exactly this text. */
static void expect(struct lines *lines, const char *text)
{
	size_t length = strlen(text);

	if (lines->failed || (size_t)(lines->end - lines->next) < length ||
	    memcmp(lines->next, text, length) != 0)
		lines->failed = true;
	else
		lines->next += length;
}

/* Printable characters up to this one, which is passed over; "" after a failure. */
static void take_word(struct lines *lines, char stop, char word[static IMAGE_WORD])
{
	size_t length = 0;

	word[0] = 0;
	while (!lines->failed && lines->next + length < lines->end && lines->next[length] != stop)
		lines->failed =
			!isgraph((unsigned char)lines->next[length]) || ++length == IMAGE_WORD;
	if (lines->failed || length == 0 || lines->next + length == lines->end) {
		lines->failed = true;
		return;
	}
	memcpy(word, lines->next, length);
	word[length] = 0;
	lines->next += length + 1;
}

static uint64_t take_size(struct lines *lines)
{
	char word[IMAGE_WORD];
	uint64_t size = 0;

	take_word(lines, ' ', word);
	for (const char *digit = word; *digit; digit++) {
		if (!isdigit((unsigned char)*digit) || size > UINT32_MAX)
			lines->failed = true;
		size = 10 * size + (uint64_t)(*digit - '0');
	}
	if (size == 0 || size > UINT32_MAX)
		lines->failed = true;
	return size;
}

static unsigned nibble(struct lines *lines)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = NULL;

	if (!lines->failed && lines->next < lines->end)
		found = memchr(digits, *lines->next++, 16);
	lines->failed |= !found;
	return found ? (unsigned)(found - digits) : 0;
}

static void take_hex(struct lines *lines, uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned high = nibble(lines);

		bytes[i] = (uint8_t)(high << 4 | nibble(lines));
	}
	expect(lines, "\n");
}

bool image_parse(struct image *image, const char *bytes, size_t length)
{
	static const char *const parts[] = { "linux ", "stage1 ", "root " };
	struct lines lines = { bytes, bytes + length, false };

	memset(image, 0, sizeof(*image));
	expect(&lines, "headgate-image 1\ntarget ");
	take_word(&lines, '\n', image->target);
	expect(&lines, "version ");
	take_word(&lines, '\n', image->version);
	expect(&lines, "kernel ");
	take_word(&lines, '\n', image->kernel);
	for (size_t i = 0; i < IMAGE_PARTS; i++) {
		expect(&lines, parts[i]);
		image->size[i] = take_size(&lines);
		take_hex(&lines, image->digest[i], IMAGE_DIGEST);
	}
	image->signed_length = (size_t)(lines.next - bytes);
	expect(&lines, "signature ");
	take_hex(&lines, image->signature, IMAGE_SIGNATURE);
	expect(&lines, "\n");
	return !lines.failed && lines.next == lines.end;
}
