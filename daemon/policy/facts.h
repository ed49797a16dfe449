/* What the judge may know about one connection or one request, and up to which moment it is known.
 * A fact that is not set is unknown while its moment has not been reached, and absent afterwards.
 */
#pragma once

#include "daemon/address.h"
#include "daemon/certificate.h"
#include "daemon/endpoint.h"
#include "daemon/policy/week_time.h"
#include "daemon/protocol.h"
#include "daemon/reader.h"
#include "daemon/reason.h"

/* When facts become known; bits, in the order of a connection's life. */
enum moment {
	MOMENT_ADDRESSES = 1,	/* always reached when the judge is asked */
	MOMENT_HELLO = 2,	/* protocol, TLS name, ALPN, version */
	MOMENT_CERTIFICATE = 4, /* the origin's; reached at once where there is no TLS */
	MOMENT_REQUEST = 8,	/* reached at once where no HTTP can be read */
	MOMENT_RESPONSE = 16,
};

/* Looks up header fields of the current request: calls each() for every field of this name
 * (compared without case) until it returns true; returns whether it did. */
struct header_lookup {
	bool (*find)(const void *message, const char *name,
		     bool (*each)(const char *value, const void *context), const void *context);
	const void *message;
};

struct facts {
	unsigned learned; /* MOMENT_… bits that have been reached */

	/* MOMENT_ADDRESSES */
	struct address client;
	const uint8_t *mac;    /* 6 bytes, or NULL when the neighbour table has none */
	const char *port_name; /* the gateway's port it came in by ("br-lan"), or NULL */
	struct address destination;
	enum transport transport;
	struct week_time time;

	/* MOMENT_HELLO */
	enum protocol protocol; /* valid once MOMENT_HELLO is learned */
	const char *host;	/* canonical name or IP literal text; of HTTP it comes with
				   MOMENT_REQUEST, of everything else with MOMENT_HELLO; NULL or "":
				   none */
	const char *tls_name;	/* in the hello of TLS, whatever its requests are for; NULL or "" */
	struct span alpn;	/* as in struct hello */
	uint16_t tls_version;	/* highest offered; 0: no TLS */

	/* MOMENT_CERTIFICATE */
	const struct certificate_list *certificates; /* NULL: none */
	enum reason certificate_verdict; /* REASON_NONE: verified; REASON_ORIGIN_…: why not */
	int64_t wall_seconds;		 /* for validity dates */

	/* MOMENT_REQUEST */
	const char *method; /* NULL: no request */
	const char *path;   /* without query, starting with '/' (or "*") */
	const char *query;  /* without '?', NULL: none */
	struct header_lookup headers;

	/* MOMENT_RESPONSE */
	unsigned status; /* 0: none */
};
