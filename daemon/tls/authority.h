/* The gateway's own certificate authority. Only the signer process ever holds one with its key; the
 * certificate alone is public.
 *
 * authority.key holds the key and the certificate: it appears by one rename, so that a power cut
 * leaves a whole authority or none. authority.pem is the public copy of the certificate, made again
 * from it where it is missing. */
#pragma once

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AUTHORITY_CONSTRAINTS_MAX = 1024, /* the certificate travels in every handshake */
	AUTHORITY_FILE_MAX = 256 * 1024,
	AUTHORITY_SIGNATURE_MAX = 72, /* ECDSA over P-256, DER */
};

struct authority;

struct authority_constraint {
	const char *name; /* canonical; the CA may not sign this name nor anything below it */
};

/* Makes directory (0700) with a new P-256 key (authority.key, 0400) and CA certificate
 * (authority.pem, 0444; pathlen 0, keyUsage keyCertSign+cRLSign, EKU serverAuth, 5 years, name
 * constraints excluding the given names, a common name that differs between gateways), each written
 * tmp + fsync + rename. The files belong to whoever calls. 0; -1 with errno and a logged cause:
 * EEXIST when there is one already, EAGAIN while the clock is plainly wrong. */
int authority_create(const char *directory, const struct authority_constraint *constraints,
		     size_t constraint_count);

/* True when the directory holds a certificate or a key (even a broken one: a broken authority is
 * never silently replaced). */
bool authority_exists(const char *directory);

/* Loads key and certificate; refuses a key that others may read, that does not match, or a
 * certificate that is no CA. NULL with a logged cause. */
struct authority *authority_open(const char *directory);
void authority_close(struct authority *authority);

/* The CA certificate; owned by authority. */
X509 *authority_certificate(const struct authority *authority);

/* The end of the certificate, seconds since 1970. */
int64_t authority_not_after(const struct authority *authority);

/* Parts of every leaf, owned by authority: its subject as a DER Name, its subject key identifier.
 */
const uint8_t *authority_subject(const struct authority *authority, size_t *length);
const uint8_t *authority_identifier(const struct authority *authority, size_t *length);

/* True when the certificate's name constraints exclude the canonical name (RFC 5280 section
 * 4.2.1.10). */
bool authority_excludes(const struct authority *authority, const char *name);

/* Signs bytes with ECDSA and SHA-256. Returns the signature's length, 0 on failure. */
size_t authority_sign(const struct authority *authority, const uint8_t *bytes, size_t length,
		      uint8_t signature[static AUTHORITY_SIGNATURE_MAX]);

/* Reads directory/authority.pem as text (for export and for the leaf chain): malloc'd,
 * NUL-terminated; NULL with errno. */
char *authority_read_pem(const char *directory);
