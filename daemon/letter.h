/* One message of DNS on its way through a stream: a length of two bytes, then as many (RFC 1035 section 4.2.2). It
 * is read into memory as a whole before it goes on; the socket keeps what comes behind it. */
#pragma once

#include "daemon/reader.h"
#include "daemon/side.h"

struct letter {
	uint8_t head[2];
	size_t have;    /* bytes, those of the head included */
	uint8_t *bytes; /* head and message; owned; NULL before the length is known */
};

enum letter_answer {
	LETTER_WHOLE,
	LETTER_WAIT,   /* nothing more now */
	LETTER_ENDED,  /* end of stream; what had come of one is of no use */
	LETTER_FAILED, /* errno: as side_read(), ENOMEM */
};

/* Reads on until it is whole, and never behind it. Its memory is paid for by the allowance. */
enum letter_answer letter_read(struct letter *letter, struct side *from,
			       struct allowance *allowance);

/* The message of a whole one, which may be changed in place. */
uint8_t *letter_message(const struct letter *letter, size_t *length);

/* Sends a whole one as it is now. As side_send(). */
int letter_send(const struct letter *letter, struct side *to);

/* Makes room for the next. */
void letter_end(struct letter *letter, struct allowance *allowance);
