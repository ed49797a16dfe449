#include "daemon/tls/carrier.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#include "daemon/tls/stream.h"

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

ssize_t carrier_read(struct carrier *carrier, void *bytes, size_t size)
{
	return stream_read(carrier->tls, bytes, size);
}

ssize_t carrier_peek(struct carrier *carrier, void *bytes, size_t size)
{
	return stream_peek(carrier->tls, bytes, size);
}

ssize_t carrier_write(struct carrier *carrier, const void *bytes, size_t length)
{
	return stream_write(carrier->tls, bytes, length);
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
