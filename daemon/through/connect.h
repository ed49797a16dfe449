/* HTTP CONNECT as its client (RFC 9110 section 9.3.6): the request, and what the proxy's answer means. */
#pragma once

#include "daemon/address.h"
#include "daemon/through/answer.h"

struct text;

enum {
	CONNECT_REQUEST_MAX = 2048,
	CONNECT_ANSWER_MAX = 8192, /* bytes of the answer's head; a longer one is broken */
};

/* Asks for a tunnel to a name, or to an address (name NULL). user NULL: without credentials, else with
 * Basic ones (RFC 7617). */
void connect_add_request(struct text *text, const char *name, const struct address *address,
			 const char *user, const char *password);

/* The answer's head, as far as it has come. A body that comes with a no is left unread. */
struct proxy_answer connect_read_answer(const void *bytes, size_t length);
