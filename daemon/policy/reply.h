/* What a rule has the gateway answer itself, in the server's place: `redirect` and `respond`. Constant after
 * config.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text;

enum { REPLY_BODY_MAX = 16384 }; /* bytes of a body: one chunk, so that nothing has to be streamed */

enum location_kind {
	LOCATION_SCHEME, /* "https": what was asked for, under this scheme */
	LOCATION_SITE,	 /* "https://new.example": the same path and query there */
	LOCATION_EXACT,	 /* "https://new.example/page", "/page" */
};

struct reply {
	unsigned status;
	char *location; /* of a redirect, as written; NULL: a response */
	enum location_kind location_kind;
	char *file;	  /* of a response: as the owner wrote it; NULL: no body */
	const char *body; /* its content; owned by the policy's sources */
	size_t length;
	char *type; /* of the body */
};

/* True for a redirect that has nothing to say to who speaks TLS already. */
bool reply_upgrades(const struct reply *reply);

/* Adds it in the policy's language: "{ redirect: { to: https, status: 308 } }". */
void reply_print(const struct reply *reply, struct text *text);

/* Frees what it holds. */
void reply_end(struct reply *reply);
