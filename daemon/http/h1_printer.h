/* Prints HTTP/1 messages from parsed heads: the framing, Connection and Host are made here from
 * what the head means, never copied from what somebody sent. The caller looks at text->full once at
 * the end. */
#pragma once

#include "daemon/http/message.h"
#include "daemon/text.h"

/* Prints a request head in origin form with head->authority as Host (none when it has none). head
 * has neither Host nor hop-by-hop fields but Upgrade and TE, which Connection then names. */
void h1_print_request(struct text *text, const struct head *head);

/* Prints a response head. head->version is what the peer understands: 1.0 gets no chunks and is
 * told when the connection stays. */
void h1_print_response(struct text *text, const struct head *head);

/* Prints one chunk around whatever is added between the two calls (at most 65535 bytes); nothing
 * when that is empty. begin returns the mark that end wants. */
size_t h1_chunk_begin(struct text *text);
void h1_chunk_end(struct text *text, size_t mark);

/* Prints the last chunk and the trailer section; trailers may be NULL. */
void h1_print_last_chunk(struct text *text, const struct head *trailers);
