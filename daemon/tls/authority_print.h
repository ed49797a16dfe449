/* An authority's certificate in the forms that devices take. All public; the key is never here. */
#pragma once

#include <openssl/types.h>
#include <openssl/x509.h>
#include <stdio.h>

/* The certificates of a PEM text, in its order; the caller frees them. Empty or NULL when there are none. */
STACK_OF(X509) * authority_certificates(const char *pem);
void authority_certificates_free(STACK_OF(X509) * certificates);

/* DER, as Android and Windows take it: of the first alone. 0, or -1 when there is none or it cannot be written. */
int authority_print_der(const char *pem, FILE *output);

/* PKCS #12 of all, with no key. As above. */
int authority_print_p12(const char *pem, FILE *output);

/* A configuration profile with all of them, as Apple's devices take it. As above. */
int authority_print_mobileconfig(const char *pem, FILE *output);
