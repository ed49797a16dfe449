/* Whether an origin's certificate proves what it must: chain and dates (RFC 5280), name (RFC 9525), what we hold against
 * it beside OpenSSL (objections.h), revocation. It judges inside the handshake and remembers beside the SSL object. */
#pragma once

#include "daemon/tls/origin.h"

struct chain_cache;

/* Has all SSL objects of the context judged here. OpenSSL has these callbacks on the context only. */
void verification_install(SSL_CTX *context);

/* Says what this one must prove: origin's name, or its address, under its trust. chains: what is known already. 0, or
 * -1: out of memory, no trust, or the name is none; the object may not be used then. */
int verification_begin(SSL *ssl, struct chain_cache *chains, const struct origin *origin);

/* The first fault of the certificate, and why (static or OpenSSL's; may be NULL); REASON_NONE: there is none as far as
 * the handshake went. Where origin->tolerant, the handshake goes on all the same. */
enum reason verification_fault(const SSL *ssl, const char **detail);

/* Once the handshake is over: the certificates shown, described; the caller holds the list. NULL: none, or out of
 * memory. */
struct certificate_list *verification_chain(SSL *ssl);
