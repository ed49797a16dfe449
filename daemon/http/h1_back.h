/* A server that is spoken to in HTTP/1: one exchange at a time. */
#pragma once

#include "daemon/http/leg.h"

/* A leg over the connected side; NULL when out of memory. */
struct leg *h1_back_new(struct conversation *conversation, struct side *server);
