/* Certificates and handshakes for the tests of TLS: everything is made in memory, with real OpenSSL
 * objects on both ends. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

struct chain_plan {
	const char *subject;  /* CN; NULL: empty */
	const char *names;    /* subjectAltName as in openssl.cnf; NULL: none */
	const char *basic;    /* basicConstraints; NULL: none */
	const char *extended; /* extendedKeyUsage; NULL: none */
	const char *usage;    /* keyUsage; NULL: none */
	int64_t begin;	      /* seconds from now */
	int64_t end;
	const EVP_MD *digest; /* NULL: SHA-256 */
};

/* A certificate for key, signed by issuer; issuer NULL: self-signed. Ends the test on failure. */
X509 *chain_make(const struct chain_plan *plan, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key);

/* An authority, valid from yesterday for ten days. */
X509 *chain_root(const char *subject, EVP_PKEY *key);

/* PEM text, to be freed with free(). */
char *chain_pem(X509 *certificate);

/* A connected pair of non-blocking stream sockets. */
void chain_sockets(int fds[static 2]);

/* Turns both ends until neither moves. True when both finished the handshake. */
bool chain_shake(SSL *client, SSL *server);

/* Lets client read (and so take TLS 1.3 tickets) what server wrote. */
void chain_exchange(SSL *client, SSL *server);
