/* Exchanges as entries of an HTTP Archive (HAR 1.2), one line of JSON each; bodies are counted, not kept. Reads the
 * public model, owns nothing, allocates nothing. */
#pragma once

#include "daemon/journal/record.h"

/* The entry of an exchange that has ended. What does not fit the text is left out: first the headers, then the entry,
 * and then the text is empty. */
void har_print_entry(struct text *text, const struct connection_view *view,
		     const struct exchange *exchange);
