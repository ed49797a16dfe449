/* A server that is spoken to in HTTP/2: exchanges of one client side by side. */
#pragma once

#include "daemon/http/leg.h"

/* A leg over the connected side; NULL when out of memory. */
struct leg *h2_back_new(struct conversation *conversation, struct side *server);
