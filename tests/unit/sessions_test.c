// link: daemon/tls/sessions.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/address.c tests/unit/chains.c -lssl -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/sessions.h"
#include "tests/unit/chains.h"

static SSL_SESSION *sessions[2]; /* TLS 1.2 and 1.3, from real handshakes */
static SSL_SESSION *caught;
static int64_t now;

static int catch_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(caught);
	caught = session;
	return 1;
}

static SSL_SESSION *make_session(int version)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = chain_root("www.example.com", key);
	SSL_CTX *servers = SSL_CTX_new(TLS_server_method());
	SSL_CTX *clients = SSL_CTX_new(TLS_client_method());
	SSL *server, *client;
	int fds[2];

	SSL_CTX_use_certificate(servers, certificate);
	SSL_CTX_use_PrivateKey(servers, key);
	SSL_CTX_set_max_proto_version(servers, version);
	SSL_CTX_set_session_cache_mode(clients, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(clients, catch_session);
	chain_sockets(fds);
	server = SSL_new(servers);
	client = SSL_new(clients);
	SSL_set_fd(server, fds[0]);
	SSL_set_fd(client, fds[1]);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	assert_true(chain_shake(client, server));
	chain_exchange(client, server);
	SSL_shutdown(client);
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(servers);
	SSL_CTX_free(clients);
	X509_free(certificate);
	EVP_PKEY_free(key);
	close(fds[0]);
	close(fds[1]);
	return SSL_SESSION_dup(caught);
}

static SSL_SESSION *share(SSL_SESSION *session)
{
	SSL_SESSION_up_ref(session);
	return session;
}

static void make_key(uint8_t key[static DIGEST_SIZE], unsigned number)
{
	memset(key, 0, DIGEST_SIZE);
	memcpy(key, &number, sizeof(number));
}

/* B13 */
static void every_part_of_the_subject_counts(void **state)
{
	struct address address, other, neighbour;
	uint8_t trust[32] = { 1 }, other_trust[32] = { 2 };
	const struct session_subject base = { &address, "a.example", (const uint8_t *)"\2h2",
					      3,	7,	     trust,	  false };
	struct session_subject subjects[10];
	uint8_t keys[10][DIGEST_SIZE];

	(void)state;
	address_parse_with_port(&address, "192.0.2.1:443");
	address_parse_with_port(&other, "192.0.2.1:444");
	address_parse_with_port(&neighbour, "192.0.2.2:443");
	for (int i = 0; i < 10; i++)
		subjects[i] = base;
	subjects[1].address = &other;
	subjects[2].name = "b.example";
	subjects[3].name = NULL;
	subjects[4].alpn_length = 0;
	subjects[5].generation = 8;
	subjects[6].trust = other_trust;
	subjects[7].alpn = (const uint8_t *)"\2h3";
	subjects[8].wants_status = true;
	subjects[9].address = &neighbour;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(session_key(&subjects[i], keys[i]), 0);
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], DIGEST_SIZE);
	}
}

static void a_tls13_session_is_used_once(void **state)
{
	struct session_cache *cache = sessions_new(4);
	SSL_SESSION *taken;
	uint8_t key[DIGEST_SIZE];
	int64_t verified = 0;

	(void)state;
	make_key(key, 1);
	sessions_put(cache, key, share(sessions[1]), now);
	taken = sessions_take(cache, key, now, &verified);
	assert_ptr_equal(taken, sessions[1]);
	assert_int_equal(verified, now);
	SSL_SESSION_free(taken);
	assert_null(sessions_take(cache, key, now, &verified));
	assert_int_equal(sessions_count(cache), 0);
	sessions_put(cache, key, share(sessions[0]), now);
	for (int i = 0; i < 3; i++) {
		taken = sessions_take(cache, key, now, &verified);
		assert_ptr_equal(taken, sessions[0]);
		SSL_SESSION_free(taken);
	}
	sessions_free(cache);
}

static void sessions_end_with_what_was_verified(void **state)
{
	struct session_cache *cache = sessions_new(4);
	uint8_t key[DIGEST_SIZE];
	int64_t verified;

	(void)state;
	make_key(key, 1);
	sessions_put(cache, key, share(sessions[0]), now - SESSION_SECONDS);
	assert_null(sessions_take(cache, key, now, &verified));
	sessions_put(cache, key, share(sessions[0]), now + 60); /* the clock was set back */
	assert_null(sessions_take(cache, key, now, &verified));
	sessions_put(cache, key, share(sessions[0]), now + 863990); /* the certificate is over */
	assert_null(sessions_take(cache, key, now + 864010, &verified));
	sessions_free(cache);
}

static void the_cache_keeps_its_bounds(void **state)
{
	struct session_cache *cache = sessions_new(8);
	uint8_t key[DIGEST_SIZE];
	int64_t verified;
	unsigned got = 0;
	SSL_SESSION *taken;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		make_key(key, i);
		sessions_put(cache, key, share(sessions[1]), now);
		assert_in_range(sessions_count(cache), 1, 8);
	}
	make_key(key, 5); /* fell out long ago */
	assert_null(sessions_take(cache, key, now, &verified));
	make_key(key, 99);
	for (unsigned i = 0; i < 20; i++)
		sessions_put(cache, key, share(sessions[1]), now);
	while ((taken = sessions_take(cache, key, now, &verified))) {
		SSL_SESSION_free(taken);
		got++;
	}
	assert_int_equal(got, SESSIONS_PER_ORIGIN);
	sessions_free(cache);
}

static void the_least_recently_used_goes_first(void **state)
{
	struct session_cache *cache = sessions_new(2);
	uint8_t first[DIGEST_SIZE], second[DIGEST_SIZE], third[DIGEST_SIZE];
	int64_t verified;
	SSL_SESSION *taken;

	(void)state;
	make_key(first, 1);
	make_key(second, 2);
	make_key(third, 3);
	sessions_put(cache, first, share(sessions[0]), now);
	sessions_put(cache, second, share(sessions[0]), now);
	SSL_SESSION_free(sessions_take(cache, first, now, &verified));
	sessions_put(cache, third, share(sessions[0]), now);
	assert_null(sessions_take(cache, second, now, &verified));
	taken = sessions_take(cache, first, now, &verified);
	assert_non_null(taken);
	SSL_SESSION_free(taken);
	sessions_free(cache);
}

static int set_up(void **state)
{
	(void)state;
	sessions[0] = make_session(TLS1_2_VERSION);
	sessions[1] = make_session(TLS1_3_VERSION);
	now = time(NULL);
	SSL_SESSION_set_timeout(sessions[0], 20 * 86400);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	SSL_SESSION_free(caught);
	SSL_SESSION_free(sessions[0]);
	SSL_SESSION_free(sessions[1]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part_of_the_subject_counts),
		cmocka_unit_test(a_tls13_session_is_used_once),
		cmocka_unit_test(sessions_end_with_what_was_verified),
		cmocka_unit_test(the_cache_keeps_its_bounds),
		cmocka_unit_test(the_least_recently_used_goes_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
