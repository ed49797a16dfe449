#include "daemon/lists/line_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 65536 };

static ssize_t read_at(int descriptor, void *bytes, size_t size, uint64_t offset)
{
	ssize_t length;

	do {
		length = pread(descriptor, bytes, size, (off_t)offset);
	} while (length < 0 && errno == EINTR);
	return length;
}

/* Where the line begins; -1 with errno. */
static int64_t find(int descriptor, unsigned line)
{
	char piece[PIECE];
	uint64_t offset = 0;

	while (line > 1) {
		ssize_t length = read_at(descriptor, piece, sizeof piece, offset);
		const char *next = piece, *end = piece + length;

		if (length <= 0) {
			errno = length ? errno : ENOENT;
			return -1;
		}
		while (line > 1 && (next = memchr(next, '\n', (size_t)(end - next)))) {
			next++;
			line--;
		}
		offset += line > 1 ? (uint64_t)length : (uint64_t)(next - piece);
	}
	return (int64_t)offset;
}

int line_text(int descriptor, unsigned line, char text[static LINE_TEXT_MAX + 1])
{
	int64_t offset = find(descriptor, line);
	ssize_t length;
	const char *end;

	if (offset < 0)
		return -1;
	length = read_at(descriptor, text, LINE_TEXT_MAX, (uint64_t)offset);
	if (length <= 0) {
		errno = length ? errno : ENOENT;
		return -1;
	}
	end = memchr(text, '\n', (size_t)length);
	length = end ? end - text : length;
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return 0;
}
