/* A client that speaks HTTP/1: its requests one after the other, its keep-alive, its end. */
#pragma once

#include "daemon/http/leg.h"

/* The client's leg; NULL when out of memory. */
struct leg *h1_front_new(struct conversation *conversation);
