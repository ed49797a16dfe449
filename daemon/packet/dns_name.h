/* A name inside a DNS message: labels and compression pointers (RFC 1035 section 4.1.4). Pure. */
#pragma once

#include "daemon/name.h"
#include "daemon/reader.h"

/* Reads the name at the cursor and moves behind it; whole is the message that pointers point into.
 * name receives the canonical form, or "" for one that is no host name (also the root). The cursor
 * fails on a name that is malformed: a pointer that does not point backwards or that points into
 * the header, or more than 255 bytes. */
void dns_name_read(struct reader *reader, struct span whole, char name[static NAME_SIZE]);
