/* What goes to one leg within a turn is collected here, so that it leaves in one write and one TLS
 * record. There is one for the process: whoever writes for another leg sends what it holds. */
#pragma once

#include "daemon/http/leg.h"
#include "daemon/text.h"

/* The leg's text, to be added to: room for a head of HEAD_MAX. */
struct text *parcel_open(struct leg *leg);

/* Adds bytes as they are, or as part of one chunk of HTTP/1.1 that ends when anything else comes.
 */
void parcel_add(struct leg *leg, struct span bytes);
void parcel_add_chunk(struct leg *leg, struct span bytes);

/* Sends what is there. A leg whose side does not take it is broken. */
void parcel_send(void);

/* Forgets what has not been sent to this leg. True when there was something. */
bool parcel_drop(struct leg *leg);
