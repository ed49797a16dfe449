/* What `headgatectl check` says of a policy that is right: how much there is, what is captured, and
 * every rule that opens TLS and for which hosts. */
#pragma once

#include "daemon/policy/policy.h"

enum { CHECK_LINE = 1024 };

/* Receives one line of text without its newline. */
typedef void check_line(void *context, const char *line);

/* Tells it line by line. Pure. */
void check_policy(const struct policy *policy, check_line *line, void *context);
