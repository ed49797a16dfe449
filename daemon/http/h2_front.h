/* A client that speaks HTTP/2: each of its streams is an exchange of its own. */
#pragma once

#include "daemon/http/leg.h"

/* The client's leg; NULL when out of memory. */
struct leg *h2_front_new(struct conversation *conversation);
