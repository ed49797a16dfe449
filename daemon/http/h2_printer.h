/* A head as the fields of an HTTP/2 header block: pseudo fields first, names in lower case, nothing
 * that concerns one hop. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "daemon/http/message.h"

enum { H2_PRINTED_MAX = FIELDS_MAX + 8, H2_NUMBER_SIZE = 24 };

struct h2_printed {
	nghttp2_nv fields[H2_PRINTED_MAX]; /* point into the head and into what follows */
	size_t count;
	char target[TARGET_MAX + 2];
	char number[H2_NUMBER_SIZE];
	char status[H2_NUMBER_SIZE];
};

/* The names of the head's fields are put into lower case in place. */
void h2_print_request(struct h2_printed *printed, struct head *head, bool secure);
void h2_print_response(struct h2_printed *printed, struct head *head);
void h2_print_trailers(struct h2_printed *printed, struct head *trailers);
