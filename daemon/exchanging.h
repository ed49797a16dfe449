/* What a connection is to the conversation on it: judge, dialler and scribe. The stage itself is in
 * stage.h. */
#pragma once

#include "daemon/connection.h"

/* Frees the conversation; a running exchange is written down as cut. */
void exchanging_end(struct connection *connection);
