#include "daemon/tls/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

int stream_errno(const SSL *tls, int result)
{
	int saved = errno;

	switch (SSL_get_error(tls, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return saved ? saved : ECONNRESET;
	default:
		return EPROTO;
	}
}

/* Errors of other sessions, or an old errno, would be taken for this one's. */
static void begin(void)
{
	ERR_clear_error();
	errno = 0;
}

static ssize_t take(SSL *tls, void *bytes, size_t size,
		    int (*read)(SSL *tls, void *bytes, size_t size, size_t *got))
{
	size_t got;
	int result;

	begin();
	result = read(tls, bytes, size, &got);
	if (result > 0)
		return (ssize_t)got;
	errno = stream_errno(tls, result);
	return errno ? -1 : 0;
}

ssize_t stream_read(SSL *tls, void *bytes, size_t size)
{
	return take(tls, bytes, size, SSL_read_ex);
}

ssize_t stream_peek(SSL *tls, void *bytes, size_t size)
{
	return take(tls, bytes, size, SSL_peek_ex);
}

ssize_t stream_write(SSL *tls, const void *bytes, size_t length)
{
	size_t written;
	int result;

	begin();
	result = SSL_write_ex(tls, bytes, length, &written);
	if (result > 0)
		return (ssize_t)written;
	errno = stream_errno(tls, result);
	if (errno == 0)
		errno = ECONNRESET;
	return -1;
}
