// link: daemon/tls/carrier.c daemon/tls/stream.c daemon/tls/wire.c tests/unit/chains.c -lssl -lcrypto
/* B14, C09: a peer that only keeps TLS busy is left, whatever side we are on. And what a reset looks like. */
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/wire.h"
#include "tests/unit/chains.h"

static EVP_PKEY *key;
static X509 *root;

struct pair {
	SSL *ours;
	SSL *theirs;
	struct wire wire;
	int fds[2];
};

static struct pair open_pair(bool we_serve, int version)
{
	SSL_CTX *servers = SSL_CTX_new(TLS_server_method());
	SSL_CTX *clients = SSL_CTX_new(TLS_client_method());
	struct pair pair = { .ours = NULL };

	SSL_CTX_use_certificate(servers, root);
	SSL_CTX_use_PrivateKey(servers, key);
	SSL_CTX_set_max_proto_version(servers, version);
	pair.ours = SSL_new(we_serve ? servers : clients);
	pair.theirs = SSL_new(we_serve ? clients : servers);
	SSL_set_options(pair.ours, SSL_OP_NO_RENEGOTIATION);
	chain_sockets(pair.fds);
	SSL_set_fd(pair.theirs, pair.fds[1]);
	if (we_serve) {
		SSL_set_accept_state(pair.ours);
		SSL_set_connect_state(pair.theirs);
	} else {
		SSL_set_connect_state(pair.ours);
		SSL_set_accept_state(pair.theirs);
	}
	SSL_CTX_free(servers);
	SSL_CTX_free(clients);
	return pair;
}

static void begin(struct pair *pair)
{
	wire_begin(&pair->wire, pair->fds[0]);
	assert_int_equal(wire_attach(&pair->wire, pair->ours), 0);
	assert_true(chain_shake(pair->ours, pair->theirs));
}

static void end(struct pair *pair)
{
	SSL_free(pair->ours);
	SSL_free(pair->theirs);
	close(pair->fds[0]);
	close(pair->fds[1]);
	ERR_clear_error();
}

/* What SSL_read() says: data, "wait" or "broken". */
static const char *hear(SSL *ours)
{
	static char bytes[64];
	int got = SSL_read(ours, bytes, sizeof(bytes) - 1);

	if (got > 0) {
		bytes[got] = '\0';
		return bytes;
	}
	return SSL_get_error(ours, got) == SSL_ERROR_WANT_READ ? "wait" : "broken";
}

static void update(SSL *theirs)
{
	char byte;

	assert_int_equal(SSL_key_update(theirs, SSL_KEY_UPDATE_REQUESTED), 1);
	SSL_do_handshake(theirs);
	SSL_read(theirs, &byte, 1); /* our answer */
}

static void floods_of_key_updates_end(void **state)
{
	(void)state;
	for (int we_serve = 0; we_serve < 2; we_serve++) {
		struct pair pair = open_pair(we_serve, TLS1_3_VERSION);
		int updates = 0;

		begin(&pair);
		while (updates < 1000 && strcmp(hear(pair.ours), "broken") != 0) {
			update(pair.theirs);
			updates++;
		}
		assert_true(updates <= CHATTER_MAX + 1);
		end(&pair);
	}
}

static void new_keys_among_data_are_welcome(void **state)
{
	struct pair pair = open_pair(false, TLS1_3_VERSION);

	(void)state;
	begin(&pair);
	for (int i = 0; i < 3 * CHATTER_MAX; i++) {
		update(pair.theirs);
		assert_int_equal(SSL_write(pair.theirs, "data", 4), 4);
		assert_string_equal(hear(pair.ours), "data");
	}
	end(&pair);
}

/* B06: asked again and again for another handshake, we say no, and in the end nothing. */
static void hello_requests_are_refused(void **state)
{
	struct pair pair = open_pair(false, TLS1_2_VERSION);
	int requests = 0;

	(void)state;
	begin(&pair);
	assert_int_equal(SSL_renegotiate(pair.theirs), 1);
	while (requests < 1000 && strcmp(hear(pair.ours), "broken") != 0) {
		/* A HelloRequest, of which there may be many before the answer. */
		SSL_renegotiate(pair.theirs);
		SSL_do_handshake(pair.theirs);
		requests++;
	}
	assert_true(requests <= CHATTER_MAX + 1);
	assert_int_equal(SSL_num_renegotiations(pair.ours), 0);
	end(&pair);
}

static int set_up(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	root = chain_root("Test", key);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	X509_free(root);
	EVP_PKEY_free(key);
	return 0;
}

/* A real connection: only TCP has resets. */
static void connect_pair(int fds[2])
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(name);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&name, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &length), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], (struct sockaddr *)&name, length), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	close(listener);
}

/* The kernel tells of a reset once: who hears of it by writing must not take what is read then for an orderly end. */
static void a_reset_heard_by_writing_is_no_end(void **state)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
	struct pollfd reset = { .events = 0 };
	struct wire wire;
	char bytes[8];
	int fds[2];

	(void)state;
	connect_pair(fds);
	wire_begin(&wire, fds[0]);
	wire.announced = true;
	assert_int_equal(send(fds[1], "last", 4, 0), 4);
	setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fds[1]);
	reset.fd = fds[0];
	assert_int_equal(poll(&reset, 1, 5000), 1);
	wire.drained = true; /* as after an answer that was complete (side_rest()) */
	assert_int_equal(wire_write(&wire, "more", 4), -1);
	assert_int_equal(wire_read(&wire, bytes, sizeof(bytes)), 4);
	errno = 0;
	assert_int_equal(wire_read(&wire, bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reset_heard_by_writing_is_no_end),
		cmocka_unit_test(floods_of_key_updates_end),
		cmocka_unit_test(new_keys_among_data_are_welcome),
		cmocka_unit_test(hello_requests_are_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
