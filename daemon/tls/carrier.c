#include "daemon/tls/carrier.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct carrier {
	struct wire wire; /* the socket's */
	SSL *tls;
};

struct carrier *carrier_new(struct wire *wire, SSL *tls)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));

	if (!carrier)
		return NULL;
	carrier->wire = *wire;
	carrier->tls = tls;
	BIO_set_data(SSL_get_rbio(tls), &carrier->wire);
	wire_begin(wire, carrier->wire.fd);
	wire->announced = carrier->wire.announced;
	wire->carrier = carrier;
	return carrier;
}

void carrier_free(struct carrier *carrier)
{
	if (!carrier)
		return;
	SSL_free(carrier->tls);
	free(carrier);
}

/* What OpenSSL said as the errno of recv() and send(); 0 for an orderly end. */
static int translate(struct carrier *carrier, int result)
{
	int saved = errno;

	switch (SSL_get_error(carrier->tls, result)) {
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

static ssize_t take(struct carrier *carrier, void *bytes, size_t size,
		    int (*read)(SSL *tls, void *bytes, size_t size, size_t *got))
{
	size_t got;
	int result;

	ERR_clear_error();
	errno = 0;
	result = read(carrier->tls, bytes, size, &got);
	if (result > 0)
		return (ssize_t)got;
	errno = translate(carrier, result);
	return errno ? -1 : 0;
}

ssize_t carrier_read(struct carrier *carrier, void *bytes, size_t size)
{
	return take(carrier, bytes, size, SSL_read_ex);
}

ssize_t carrier_peek(struct carrier *carrier, void *bytes, size_t size)
{
	return take(carrier, bytes, size, SSL_peek_ex);
}

ssize_t carrier_write(struct carrier *carrier, const void *bytes, size_t length)
{
	size_t written;
	int result;

	ERR_clear_error();
	errno = 0;
	result = SSL_write_ex(carrier->tls, bytes, length, &written);
	if (result > 0)
		return (ssize_t)written;
	errno = translate(carrier, result);
	if (errno == 0)
		errno = EPIPE;
	return -1;
}

void carrier_announce(struct carrier *carrier, bool ending)
{
	wire_announce(&carrier->wire, ending);
}

void carrier_finish(struct carrier *carrier)
{
	ERR_clear_error();
	SSL_shutdown(carrier->tls);
}
