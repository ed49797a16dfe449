#include "daemon/lists/pieces.h"

#include <string.h>

static void start_piece(struct pieces *pieces)
{
	pieces->piece = (struct piece){ .text = pieces->bytes, .line = pieces->line };
}

void pieces_begin(struct pieces *pieces, const char *ends)
{
	pieces->ends = ends;
	pieces->line = 1;
	pieces->quoted = false;
	start_piece(pieces);
}

static void add(struct pieces *pieces, const char *bytes, size_t length)
{
	struct piece *piece = &pieces->piece;
	size_t room = FORMAT_LINE_MAX - piece->length;

	if (length > room) {
		piece->fault = PIECE_TOO_LONG;
		length = room;
	}
	if (piece->fault == PIECE_SOUND && memchr(bytes, '\0', length))
		piece->fault = PIECE_WITH_NUL;
	memcpy(pieces->bytes + piece->length, bytes, length);
	piece->length += length;
}

static bool end_piece(struct pieces *pieces, char end, piece_sink *sink, void *context)
{
	bool wanted;

	pieces->bytes[pieces->piece.length] = '\0';
	pieces->piece.end = end;
	wanted = sink(context, &pieces->piece);
	if (end == '\n') {
		pieces->line++;
		pieces->quoted = false;
	}
	start_piece(pieces);
	return wanted;
}

/* Bytes before the next one that ends the piece; length when none of them does. */
static size_t run_length(struct pieces *pieces, const char *bytes, size_t length)
{
	const char *newline;

	if (!pieces->ends[1]) {
		newline = memchr(bytes, '\n', length);
		return newline ? (size_t)(newline - bytes) : length;
	}
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n' ||
		    (!pieces->quoted && bytes[i] && strchr(pieces->ends, bytes[i])))
			return i;
		if (bytes[i] == '"')
			pieces->quoted = !pieces->quoted;
	}
	return length;
}

bool pieces_feed(struct pieces *pieces, const char *bytes, size_t length, piece_sink *sink,
		 void *context)
{
	const char *end = bytes + length;

	while (bytes < end) {
		size_t run = run_length(pieces, bytes, (size_t)(end - bytes));

		add(pieces, bytes, run);
		bytes += run;
		if (bytes == end)
			break;
		if (!end_piece(pieces, *bytes++, sink, context))
			return false;
	}
	return true;
}

bool pieces_finish(struct pieces *pieces, piece_sink *sink, void *context)
{
	return !pieces->piece.length || end_piece(pieces, '\n', sink, context);
}
