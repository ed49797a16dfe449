/* What a server staples to its handshake about its own certificate (RFC 6960, RFC 6066 section 8).
 * Nothing is fetched: a gateway that asks foreign responders would tell them who visits what. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

enum revocation { REVOCATION_UNKNOWN, REVOCATION_GOOD, REVOCATION_REVOKED };

/* What the staple of this handshake says: UNKNOWN when there is none, when it is out of date, about
 * another certificate, or not signed by the issuer or whom it appointed. Store: the trusted roots. */
enum revocation revocation_staple(SSL *ssl, X509_STORE *store);

/* True when the certificate demands a staple (RFC 7633). */
bool revocation_must_staple(const X509 *certificate);
