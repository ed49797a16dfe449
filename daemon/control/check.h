/* `headgatectl check` and `schema`: what can be said about a policy file without a running daemon.
 */
#pragma once

#include "daemon/control/tool.h"

struct policy;

/* Reads the policy file named by the first word, without its lists' entries, and prints each finding with its
 * place. NULL after an error; else the caller releases it. */
struct policy *check_read(const struct tool *tool);

/* Checks the file named by the first word as the daemon would: reads it and everything it names,
 * parses, and prints each finding with its place; of a policy that is right then what
 * check_policy() says, or with
 * --plan the nft table that would be loaded. STATUS_DONE when there is no error. */
int check_file(const struct tool *tool);

/* Prints the JSON Schema of the policy file. */
int check_schema(const struct tool *tool);
