/* A TLS session read and written as a socket is: what OpenSSL says, in the words of recv() and send(). */
#pragma once

#include <openssl/types.h>
#include <sys/types.h>

/* >0: bytes; 0: orderly end (close_notify); -1 with errno: EAGAIN not now, EPROTO TLS was violated or cut short
 * (RFC 8446 section 6.1), anything else as the socket said it. */
ssize_t stream_read(SSL *tls, void *bytes, size_t size);
ssize_t stream_peek(SSL *tls, void *bytes, size_t size);

/* >0: bytes taken; -1 with errno as above; ECONNRESET where the peer has ended the session. */
ssize_t stream_write(SSL *tls, const void *bytes, size_t length);

/* The same errno for the result of any other call, with errno as OpenSSL has left it; 0 for an orderly end. */
int stream_errno(const SSL *tls, int result);
