/* One HTTP head as parsed fields, whatever version it came in by, and how its body is framed. A
 * head owns one bounded block of text; everything points into it. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/allowance.h"
#include "daemon/limits.h"

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2 };

enum body {
	BODY_NONE,   /* there is none */
	BODY_LENGTH, /* exactly content_length bytes */
	BODY_STREAM, /* until its end is told (chunked in HTTP/1.1, frames in HTTP/2); trailers may
			follow */
	BODY_UNTIL_CLOSE, /* a response that ends with the connection */
};

/* Offsets into text; NUL-terminated there. */
struct field {
	uint32_t name;
	uint32_t value;
	uint32_t name_length;
	uint32_t value_length;
};

struct head {
	struct allowance *allowance; /* pays for the storage; NULL: nobody counts */
	char *text; /* owned; grows up to HEAD_MAX */
	size_t text_length;
	size_t text_size;
	struct field *fields; /* owned; grows up to FIELDS_MAX */
	size_t field_count;
	size_t field_size;
	enum http_version version;
	enum body body;
	uint64_t content_length;
	bool keep_alive; /* the sender is willing to go on */
	bool upgrade;	 /* request: asks for it (Upgrade + Connection: upgrade); response: 101 */
	bool expect_continue;
	bool ended;	  /* HTTP/2: nothing comes behind it */
	bool length_said; /* the sender named content_length */

	/* of a request; offsets into text, 0: none */
	uint32_t method;
	uint32_t path;	    /* the whole target as received; without query once guarded */
	uint32_t query;	    /* without '?' */
	uint32_t authority; /* as sent: Host, :authority, or the absolute form's */
	uint32_t protocol;  /* of an extended CONNECT (RFC 8441) */
	char host[256];	    /* canonical name or IP literal of authority */
	uint16_t port;	    /* of authority; 0: none */

	/* of a response */
	unsigned status;
	uint32_t phrase;
};

/* Makes an empty one whose storage is paid for by the allowance; NULL: nobody counts. */
void head_begin(struct head *head, struct allowance *allowance);

/* Makes it empty again, keeping its storage. */
void head_clear(struct head *head);

/* Frees its storage; it is empty then. */
void head_end(struct head *head);

/* Text at an offset; "" for 0. */
const char *head_text(const struct head *head, uint32_t offset);

/* Adds text and returns its offset; 0 with errno EMSGSIZE when it does not fit HEAD_MAX, ENOMEM
 * when memory is out. bytes may lie in the head's own text. */
uint32_t head_add_text(struct head *head, const char *bytes, size_t length);

/* Lengthens the text that was added last; 0, or -1 with errno as above. bytes may lie in the head's
 * own text. */
int head_extend_text(struct head *head, const char *bytes, size_t length);

/* Makes two texts that the head already holds a field; 0, or -1 with errno EMSGSIZE when there are
 * FIELDS_MAX, ENOMEM when memory is out. */
int head_link_field(struct head *head, struct field field);

/* Adds a field; 0, or -1 with errno as above. */
int head_add_field(struct head *head, const char *name, size_t name_length, const char *value,
		   size_t value_length);

/* Finds the n-th field of that name (from 0, compared without case); NULL. */
const char *head_find(const struct head *head, const char *name, size_t n);

/* Joins the Cookie fields that HTTP/2 may split (RFC 9113 section 8.2.3) into one; 0, or -1 with errno
 * as above. */
int head_join_cookies(struct head *head);

/* Removes every field of that name; returns how many. */
size_t head_remove(struct head *head, const char *name);

/* True when a comma-separated list field contains the token (without case). */
bool head_has_token(const struct head *head, const char *name, const char *token);

/* True when the two field names are the same (without case). */
bool field_name_is(const char *name, const char *other);

/* Takes the next member of a comma-separated list: its bytes without white space, not
 * NUL-terminated. Moves *list on; false at the end. Empty members are skipped (RFC 9110
 * section 5.6.1). */
bool list_next(const char **list, const char **member, size_t *length);
