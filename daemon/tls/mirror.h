/* The certificate for a client whose rule says `on-invalid: mirror`: it fails in the client's eyes the
 * way the origin's failed in ours, so that the browser shows its own warning and its user decides.
 * It is signed by a key that is thrown away with the worker and that nobody ever trusts; the
 * gateway's authority has no part in it. */
#pragma once

#include <openssl/ssl.h>

struct leaf;
struct mirror;

/* NULL when out of memory. */
struct mirror *mirror_new(void);
void mirror_free(struct mirror *mirror);

/* A leaf with the names and dates of the certificate that the origin showed; signed by itself where
 * that one was, else by the mirror. The caller holds it; it must not outlive the mirror. NULL when
 * the origin showed none or OpenSSL fails. */
struct leaf *mirror_leaf(struct mirror *mirror, const SSL *origin);
