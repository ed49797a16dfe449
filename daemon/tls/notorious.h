/* Authorities whose private key is in everybody's hands, or that were made to listen in on others: a
 * root like these stays in a store by accident or by somebody's doing, never for a reason. Known by
 * the SHA-256 of their SubjectPublicKeyInfo, as browsers block them. */
#pragma once

#include <stdint.h>

#include "daemon/tls/digest.h"

/* What it is known for ("Superfish: …"), or NULL. Static storage. */
const char *notorious_find(const uint8_t key[static DIGEST_SIZE]);
