/* One file fetched by HTTP or HTTPS. The only file that knows libcurl. */
#pragma once

#include <stddef.h>

#include "daemon/fetch/errand.h"

enum { TRANSFER_REDIRECTS_MAX = 5 };

/* Makes everything ready that needs files or libraries; once. 0 or -1. */
int transfer_begin(void);

/* Fetches into the output from its beginning, as far as it may be; roots is PEM text. Redirects are
 * followed, but never from https to http. Waits for names, connections and bytes. */
void transfer_run(const struct errand_order *order, int output, const char *roots, size_t length,
		  struct errand_report *report);
