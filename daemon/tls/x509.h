/* OpenSSL's X509 into plain facts (daemon/certificate.h). What a certificate says is foreign text:
 * every byte that could forge a list, a line or a quote is escaped as \xNN. */
#pragma once

#include <openssl/x509.h>

#include "daemon/certificate.h"

enum {
	X509_NAMES_MAX =
		4096, /* bytes of a certificate's SANs kept; "..." tells that some were cut */
	X509_SUBJECT_MAX = 1024, /* bytes of a subject or an issuer */
};

/* The facts of a chain, leaf first, at most CERTIFICATES_MAX; NULL when it is empty or out of
 * memory. The caller is its one holder: certificate_list_release(). */
struct certificate_list *x509_list(const STACK_OF(X509) * chain);

/* The same of one certificate. */
struct certificate_list *x509_list_one(X509 *certificate);

/* Seconds since 1970 of an ASN.1 time (RFC 5280 section 4.1.2.5), whatever the width of time_t. 0
 * or -1 when it is no time. */
int x509_seconds(const ASN1_TIME *time, int64_t *seconds);

/* Both dates of a certificate. 0 or -1. */
int x509_validity(const X509 *certificate, int64_t *not_before, int64_t *not_after);
