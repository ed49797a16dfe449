/* The roots that origins must chain to: one X509_STORE, loaded once, shared by all connections of a
 * worker. */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRUST_EXCLUDED_MAX = 4 };

struct trust;

/* Loads concatenated PEM: certificates, and revocation lists (X509 CRL) that their issuers have
 * signed. What is no certificate authority, or a notorious one, is left out with a warning.
 * NULL when there is not a single usable one (then nothing may be inspected: fail closed) or when
 * out of memory. One holder. */
struct trust *trust_new(const char *pem, size_t length);
struct trust *trust_hold(struct trust *trust);
void trust_release(struct trust *trust);

/* Bans the keys of the gateway's own authorities (PEM, TRUST_EXCLUDED_MAX of them): no origin may
 * prove itself with one, even where the owner has installed our certificate among the system's
 * roots. Call before the first connection. 0 or -1 when pem holds no certificate. */
int trust_exclude(struct trust *trust, const char *pem);

/* Why this certificate may not be in any chain whoever signed it (its key is the gateway's own, or
 * known to everybody), or NULL. Static storage. */
const char *trust_objection(const struct trust *trust, const X509 *certificate);

/* True when there is any revocation list. */
bool trust_revokes(const struct trust *trust);

/* Number of roots. */
size_t trust_count(const struct trust *trust);

/* The store; owned by trust. */
X509_STORE *trust_store(struct trust *trust);

/* SHA-256 over the PEM text and the banned key: equal digests mean equal trust. */
const uint8_t *trust_digest(const struct trust *trust);
