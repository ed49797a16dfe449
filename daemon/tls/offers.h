/* What a client's hello offers, for the journal: kept as it came, at most so much of it, and printed only when
 * somebody wants to read it. */
#pragma once

#include "daemon/text.h"
#include "daemon/tls/hello.h"

enum {
	OFFERS_CIPHERS_MAX = 900,   /* bytes kept of the cipher suites: 450 of them */
	OFFERS_PROTOCOLS_MAX = 640, /* of the ALPN names */
};

struct offers {
	uint8_t *bytes; /* owned: the cipher suites, then the ALPN names; NULL: no hello was seen */
	size_t ciphers, protocols; /* bytes of each */
};

/* Keeps what a parsed hello offers. 0, or -1 when out of memory. */
int offers_keep(struct offers *offers, const struct hello *hello);
void offers_free(struct offers *offers);

/* Print an array of JSON: "0x1301" for each cipher suite but GREASE (RFC 8701), the names of the protocols. null where
 * there is nothing. */
void offers_print_ciphers(const struct offers *offers, struct text *text);
void offers_print_protocols(const struct offers *offers, struct text *text);
