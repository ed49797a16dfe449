/* What a connection that asks DNS has in hand. The stage itself is in stage.h. */
#pragma once

#include "daemon/connection.h"

/* Frees it; NULL is fine. */
void inquiry_free(struct connection *connection);
