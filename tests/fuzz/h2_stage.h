/* A client of HTTP/2 and its servers, of either version, over real sockets: what a fuzz target and a test say through the
 * legs between them. */
#pragma once

#include <stdbool.h>

#include "daemon/reader.h"

/* Says the client's frames (the preface and its settings are said before), and to every exchange that reaches a server the
 * same answer; then both end. Aborts unless every exchange ended exactly once and
 * the connection holds nothing any more. True when there was one. */
bool h2_play(struct span client, struct span server, bool h2);
