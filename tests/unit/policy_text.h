/* Policies for tests, from text. */
#pragma once

#include "daemon/policy/config.h"

/* Parses text as "test.yaml", with a stand-in for the system's roots. Fails the test, with the
 * messages, unless it is taken. */
struct policy *policy_of_text(const char *text);

/* The messages of a policy, a line each, into output; NULL unless it is taken. */
struct policy *policy_try(const char *text, struct text *output);
