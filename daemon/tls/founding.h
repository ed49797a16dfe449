/* The making of a new authority's key and certificate, in memory. */
#pragma once

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/tls/authority.h"

/* A new P-256 key; NULL on failure. The caller owns it. */
EVP_PKEY *founding_key(void);

/* A self-signed CA certificate for key as authority_create() describes it; now: seconds since 1970.
 * NULL on failure. The caller owns it. */
X509 *founding_certificate(EVP_PKEY *key, const struct authority_constraint *constraints,
			   size_t constraint_count, int64_t now);
