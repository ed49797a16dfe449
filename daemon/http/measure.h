/* Whether a head keeps to the owner's limits. The readers' own bounds (limits.h) hold whatever the owner says. Pure. */
#pragma once

#include "daemon/http/message.h"
#include "daemon/policy/limits.h"

/* The limit a head exceeds; LIMIT_COUNT: none. A response has no target. */
enum limit head_exceeds(const struct head *head, const struct limits *limits);

/* What exactly, for people; static storage. */
const char *excess_detail(enum limit limit);
