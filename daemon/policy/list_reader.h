/* Lists as their readers add them to the policy. Private to these. */
#pragma once

#include "daemon/policy/reading.h"

/* A new list at the end of the policy's, which owns it; NULL after reporting at the value. */
struct list *list_add(struct reading *reading, struct value value);

/* NULL when there is none. */
const struct list *list_of_name(const struct policy *policy, const char *name);
