/* `headgatectl lists test` and `lists compile`: what can be said about list files without a running
 * daemon, by the same compiler process. */
#pragma once

#include "daemon/control/tool.h"

/* Says what would be read of the file named by the second word: format, entries, bad lines. */
int lists_test(const struct tool *tool);

/* Compiles the files behind the second word into the file named by it; each becomes a list of the
 * name of its file. */
int lists_compile(const struct tool *tool);
