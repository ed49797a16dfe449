/* The LAN leg: we terminate the client's TLS with a leaf of our authority. */
#pragma once

#include "daemon/endpoint.h"
#include "daemon/tls/context.h"

struct leaf; /* issuer.h */

struct terminator {
	struct leaf *leaf;
	const char *name;    /* the client's SNI, "" for none: resumption is bound to it */
	unsigned generation; /* of the policy: a ticket of an older one means a full handshake */
	const char *
		alpn; /* the one protocol the origin chose; "" for none: then no ALPN is answered */
};

/* A server SSL, ready for side_secure() and side_handshake(); reads the ClientHello that is still in
 * the socket. The caller owns it. NULL when out of memory. The struct is not kept; the leaf is held by
 * the SSL as long as it needs it. */
SSL *terminator_open(struct tls_context *context, const struct terminator *terminator);

/* After side_handshake() failed: REASON_LEAF_REFUSED when the client's alert says that it does not
 * accept our certificate (bad_certificate, unknown_ca, certificate_unknown …, RFC 8446
 * section 6.2), else REASON_TLS_CLIENT_FAILED; *detail receives static text. */
enum reason terminator_failure(const SSL *ssl, const char **detail);

/* True when the client went away without a word after it had seen our certificate: some programs that
 * know their server's by heart do. */
bool terminator_was_left(const SSL *ssl);

/* Fills version, cipher, alpn, resumed of a finished handshake, and certificates with the leaf
 * shown (mitmcert in the model). 0 or -1 when out of memory. */
int terminator_facts(SSL *ssl, struct tls_facts *facts);
