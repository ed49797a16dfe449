/* What we hold against certificates that OpenSSL finds good. Each check stands here because OpenSSL
 * 3.0 was seen to let it through (docs/tls.md); all are cheap and asked anew in every handshake. */
#pragma once

#include <openssl/x509.h>
#include <stdbool.h>

/* Why this certificate may not be a server's, or NULL. Static storage. */
const char *objection_leaf(X509 *leaf);

/* Why it may not stand anywhere in a chain below the root, or NULL. Static storage. */
const char *objection_any(const X509 *certificate);

/* True when the leaf proves the canonical name, but by a wildcard over a public suffix alone. */
bool objection_wildcard(X509 *leaf, const char *name);

/* True for an error of OpenSSL's strict mode that honest private authorities make and that no
 * attack needs: identifiers left out, constraints of a trusted root that are not critical. root:
 * the certificate is the trusted root itself. */
bool objection_is_petty(int error, bool root);
