/* The algorithms of the origin leg: OpenSSL's default provider with a list of what may be used of it.
 * OpenSSL 3.0 and 3.1 look through everything they have, with locks, for the key of every certificate
 * that they read; that was a sixth of an inspected handshake. */
#pragma once

#include <openssl/types.h>

/* The library context with these algorithms alone, made at the first call and kept for the life of
 * the process; NULL, which is OpenSSL's own context, where it could not be made (it only costs more
 * then) and from OpenSSL 3.2 on, which remembers what it has found. */
OSSL_LIB_CTX *algorithms(void);
