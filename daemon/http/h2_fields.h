/* Takes the fields of one HTTP/2 header block, one by one, into a head. Stricter than the library:
 * names in lower case, pseudo fields once, known and first, nothing that concerns one hop alone
 * (RFC 9113 sections 8.2 and 8.3). What a head then means is the guard's to say. Pure. */
#pragma once

#include "daemon/http/message.h"
#include "daemon/reader.h"

enum h2_section { H2_REQUEST, H2_RESPONSE, H2_TRAILERS };

enum h2_fault {
	H2_FINE,
	H2_MALFORMED,
	H2_TOO_LARGE, /* HEAD_MAX or FIELDS_MAX; what comes behind is not kept */
	H2_NO_MEMORY,
};

struct h2_fields {
	struct head *head; /* the caller's, empty */
	enum h2_section section;
	enum h2_fault fault; /* the first */
	const char *detail;  /* of a malformed one; static text */
	unsigned seen;	     /* pseudo fields */
	bool regular;	     /* one that is none has come */
	size_t size;	     /* of all, as they came */
};

void h2_fields_begin(struct h2_fields *fields, struct head *head, enum h2_section section);

/* Takes one field. After a fault it only counts. */
void h2_fields_take(struct h2_fields *fields, struct span name, struct span value);

/* The block is complete: pseudo fields that must be there are. ended: so is the message. Returns
 * the fault. */
enum h2_fault h2_fields_end(struct h2_fields *fields, bool ended);
