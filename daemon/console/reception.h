/* Whether a request to the console is served, before anything is done about it. Pure. */
#pragma once

#include "daemon/console/resource.h"
#include "daemon/http/message.h"

struct reception {
	const struct resource *resource; /* NULL: it is refused */
	unsigned status;		 /* then: the answer's, and a sentence for people */
	const char *sentence;
	bool known;			 /* the token was shown */
	bool wrong;			 /* one was shown, and it was not the token */
};

/* Judges a guarded request head. It must be addressed to an IP address, "localhost" or one of names (a page that
 * came under another name, whose owner then points the name here, is not asked for: DNS rebinding); where it says
 * which page it comes from, to a page of the console's own; and, for all that is private, show the token whose SHA-256
 * is digest (hexadecimal; RFC 6750 section 2.1). */
struct reception reception_judge(const struct head *request, const char *digest,
				 const char *const *names);

/* The same for who can be read along with, where there is TLS: nothing private is served, so that nobody shows the
 * token. */
struct reception reception_judge_exposed(const struct head *request, const char *const *names);
