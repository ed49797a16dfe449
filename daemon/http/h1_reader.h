/* Reads one HTTP/1 message: bytes in, head, parts of the body, trailers and an end out. A scanner
 * of our own looks at the raw bytes of head and trailers before llhttp does (bare CR or LF,
 * folding, NUL, more than one space: what a parsed head no longer shows), and the two must agree on
 * where they end. Body bytes are pointed at, never copied. Pure. */
#pragma once

#include <llhttp.h>

#include "daemon/http/message.h"
#include "daemon/reader.h"

enum h1_event {
	H1_MORE,   /* all input is used up and more is needed */
	H1_HEAD,   /* the head is complete; it must pass the guard before reading goes on */
	H1_BODY,   /* *body is the next part of the body */
	H1_END,	   /* the message is complete; what is left of the input belongs to the next */
	H1_FAILED, /* reader->failure tells */
};

enum h1_failure {
	H1_FINE,
	H1_MALFORMED,
	H1_TARGET_TOO_LONG, /* 414 */
	H1_HEAD_TOO_LARGE,  /* 431: HEAD_MAX or FIELDS_MAX */
	H1_CUT_SHORT,	    /* the stream ended inside the message */
	H1_NO_MEMORY,
};

enum h1_part { H1_IN_HEAD, H1_IN_BODY, H1_IN_TRAILERS, H1_COMPLETE };

/* Where the scanner stands in the raw bytes of a head or trailer section. */
struct h1_scan {
	uint32_t bytes; /* of this section */
	uint32_t line;
	uint32_t column;
	uint32_t spaces;  /* in the first line */
	uint32_t version; /* bytes behind a request line's second space */
	char previous;
};

struct h1_reader {
	llhttp_t parser;
	struct h1_scan scan;
	struct head *head;     /* the caller's */
	struct head *trailers; /* owned; NULL: none came */
	struct span body;      /* found by the parser and not yet handed out */
	struct field field;    /* being read */
	uint32_t framing;      /* bytes of chunk framing since the last body byte */
	enum h1_part part;
	enum h1_failure failure;
	bool headers_done;
	bool message_done;
	bool bodyless; /* a response to HEAD */
};

/* Starts a message whose head goes into an empty head. */
void h1_reader_begin_request(struct h1_reader *reader, struct head *head);
void h1_reader_begin_response(struct h1_reader *reader, struct head *head, const char *method);

/* Frees the trailers. The reader may begin again. */
void h1_reader_end(struct h1_reader *reader);

/* Reads on and moves input past what was used; call it until it answers MORE, END or FAILED, also
 * with empty input after HEAD and BODY. After HEAD, head->body must be what the guard found: a
 * parser that would frame the body in another way fails the message. */
enum h1_event h1_read(struct h1_reader *reader, struct span *input, struct span *body);

/* The stream has ended: H1_END when that is how this message ends, else H1_FAILED. */
enum h1_event h1_read_eof(struct h1_reader *reader);

/* True while nothing of the message has come but empty lines. */
bool h1_reader_untouched(const struct h1_reader *reader);
