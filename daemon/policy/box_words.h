/* The words that the networks of `box` and its way to the internet are both written in. Each reports
 * what is wrong at the value and then answers false. */
#pragma once

#include "daemon/policy/box.h"
#include "daemon/policy/grammar.h"

/* True for a name that means nothing in any of the languages that the box's files are written in:
 * letters, digits, "-", "_" and ".". */
bool box_is_plain(const char *name);

/* The name of a port. */
bool box_read_port(struct reading *reading, const struct keyword *keyword, struct value value,
		   char port[static BOX_PORT_NAME]);

/* "192.0.2.1/24": an address of the box's own, of this family. */
bool box_read_own(struct reading *reading, const struct keyword *keyword, struct value value,
		  sa_family_t family, struct own_address *own);
