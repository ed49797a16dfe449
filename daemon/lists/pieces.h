/* Cuts a stream into lines, or at further characters of the format's choice, in constant memory. */
#pragma once

#include "daemon/lists/format.h"

enum piece_fault {
	PIECE_SOUND,
	PIECE_TOO_LONG, /* what is beyond FORMAT_LINE_MAX is left out */
	PIECE_WITH_NUL,
};

/* One piece, without the character that ended it. */
struct piece {
	char *text; /* NUL-terminated, may be written to, lives during the call */
	size_t length;
	char end;      /* what ended it; a newline at the end of the list */
	unsigned line; /* in which it begins, from 1 */
	enum piece_fault fault;
};

/* Takes a piece; false when no more are wanted. */
typedef bool piece_sink(void *context, const struct piece *piece);

struct pieces {
	const char *ends;
	unsigned line;
	bool quoted; /* inside "…", where only a newline ends a piece */
	struct piece piece;
	char bytes[FORMAT_LINE_MAX + 1];
};

/* Starts at line 1. ends are the characters that end a piece, "\n" among them, static. With more
 * than that one, they are plain characters between double quotes. */
void pieces_begin(struct pieces *pieces, const char *ends);

/* Gives every piece that ends in these bytes to the sink; false as soon as that says so. */
bool pieces_feed(struct pieces *pieces, const char *bytes, size_t length, piece_sink *sink,
		 void *context);

/* Gives the last piece if nothing ended it. */
bool pieces_finish(struct pieces *pieces, piece_sink *sink, void *context);
