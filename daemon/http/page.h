/* The gateway's own answers: a block page and short error pages. Nothing that the client sent is
 * reflected; a strict Content-Security-Policy. */
#pragma once

#include "daemon/reason.h"
#include "daemon/text.h"

enum { PAGE_MAX = 2048 }; /* the longest fits */

/* Prints a whole HTTP/1.1 response with Connection: close into text. head_only: for HEAD. status:
 * 400, 403, 405, 408, 414, 421, 431, 502, 503, 504 (anything else: 502); the sentence for people
 * comes from reason. */
void page_print(struct text *text, unsigned status, enum reason reason, bool head_only);
