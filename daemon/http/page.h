/* The gateway's own answers: a block page and short error pages. Nothing that the client sent is
 * reflected; a strict Content-Security-Policy. */
#pragma once

#include "daemon/reason.h"
#include "daemon/text.h"

#include "daemon/http/message.h"

enum { PAGE_MAX = 2048 }; /* the longest body fits */

/* Fills head (empty) and body with a page. status: 400, 403, 405, 408, 414, 421, 431, 502, 503, 504
 * (anything else: 502); the sentence for people comes from reason. 0; -1 when out of memory. */
int page_make(struct head *head, struct text *body, unsigned status, enum reason reason);
