#include "daemon/tls/wire.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/tls/carrier.h"

void wire_begin(struct wire *wire, int fd)
{
	memset(wire, 0, sizeof(*wire));
	wire->fd = fd;
	wire->full = true;
}

static ssize_t receive(struct wire *wire, void *bytes, size_t size, int flags)
{
	bool heard = wire->tap && !(flags & MSG_PEEK);
	ssize_t got;

	if (wire->drained || (heard && !wire->tap->has_room(wire->tap))) {
		errno = EAGAIN;
		return -1;
	}
	wire->fresh = false;
	if (!wire->carrier)
		got = recv(wire->fd, bytes, size, flags);
	else if (flags & MSG_PEEK)
		got = carrier_peek(wire->carrier, bytes, size);
	else
		got = carrier_read(wire->carrier, bytes, size);
	if (heard && got > 0)
		wire->tap->bytes(wire->tap, false, bytes, (size_t)got);
	/* A record's end says nothing about the next one. */
	wire->full = got == (ssize_t)size || wire->carrier;
	wire->ended = got == 0;
	if (got == 0 && wire->severed && !wire->ending) {
		errno = ECONNRESET;
		got = -1;
	}
	wire->drained = got < 0 && errno == EAGAIN && wire->announced;
	return got;
}

ssize_t wire_read(struct wire *wire, void *bytes, size_t size)
{
	return receive(wire, bytes, size, 0);
}

ssize_t wire_peek(struct wire *wire, void *bytes, size_t size)
{
	return receive(wire, bytes, size, MSG_PEEK);
}

ssize_t wire_write(struct wire *wire, const void *bytes, size_t length)
{
	ssize_t sent;

	if (wire->carrier)
		sent = carrier_write(wire->carrier, bytes, length);
	else
		sent = send(wire->fd, bytes, length,
			    MSG_NOSIGNAL | (wire->more ? MSG_MORE : 0));
	/* The edge of this may have been taken for one of bytes (side_rest()), and the kernel tells
	 * of an error only once. */
	if (sent < 0 && errno != EAGAIN) {
		wire->drained = false;
		wire->severed = true;
	}
	if (wire->tap && sent > 0)
		wire->tap->bytes(wire->tap, true, bytes, (size_t)sent);
	return sent;
}

void wire_announce(struct wire *wire, bool ending)
{
	if (wire->carrier)
		carrier_announce(wire->carrier, ending);
	wire->drained = false;
	wire->fresh = true;
	/* libevent never shows a FIN beside an error. */
	wire->news = !ending;
	wire->told = true;
	wire->ending |= ending;
}

/* What comes from now on is announced. */
void wire_announce_room(struct wire *wire)
{
	wire->drained = true;
	wire->told = true;
}

/* OpenSSL answers such messages inside one SSL_read(), as long as there are any. */
static void overhear(int writing, int version, int type, const void *bytes, size_t length, SSL *tls,
		   void *argument)
{
	struct wire *wire = argument;
	const unsigned char *first = bytes;
	bool named = type == SSL3_RT_INNER_CONTENT_TYPE ||
		     (type == SSL3_RT_HEADER && SSL_version(tls) < TLS1_3_VERSION);

	(void)version;
	if (writing)
		return;
	if (type == SSL3_RT_HANDSHAKE)
		wire->chatter++;
	else if (named && length > 0 && *first == SSL3_RT_APPLICATION_DATA)
		wire->chatter = 0;
}

static int read_bytes(BIO *bio, char *bytes, int size)
{
	struct wire *wire = BIO_get_data(bio);
	ssize_t got = -1;

	if (wire->chatter > CHATTER_MAX)
		errno = EPROTO;
	else
		got = wire_read(wire, bytes, (size_t)size);
	BIO_clear_retry_flags(bio);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	return (int)got;
}

static int write_bytes(BIO *bio, const char *bytes, int length)
{
	ssize_t taken = wire_write(BIO_get_data(bio), bytes, (size_t)length);

	BIO_clear_retry_flags(bio);
	if (taken < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)taken;
}

/* OpenSSL asks for the end to tell a stream cut short from an error of the socket. */
static long control(BIO *bio, int command, long number, void *pointer)
{
	const struct wire *wire = BIO_get_data(bio);

	(void)number, (void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return wire->ended;
	default:
		return 0;
	}
}

static void pass_keys(const SSL *tls, const char *line)
{
	const struct wire *wire = BIO_get_data(SSL_get_rbio(tls));

	if (wire && wire->tap)
		wire->tap->keys(wire->tap, line);
}

static BIO_METHOD *method;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void make_method(void)
{
	BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");

	if (made && BIO_meth_set_read(made, read_bytes) && BIO_meth_set_write(made, write_bytes) &&
	    BIO_meth_set_ctrl(made, control))
		method = made;
	else
		BIO_meth_free(made);
}

int wire_attach(struct wire *wire, SSL *tls)
{
	BIO *bio = CRYPTO_THREAD_run_once(&once, make_method) && method ? BIO_new(method) : NULL;

	if (!bio)
		return -1;
	BIO_set_data(bio, wire);
	SSL_set_msg_callback(tls, overhear);
	/* OpenSSL has this callback on the context only; it is the same every time. */
	if (wire->tap)
		SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(tls), pass_keys);
	SSL_set_msg_callback_arg(tls, wire);
	SSL_set_bio(tls, bio, bio);
	return 0;
}
