// link: daemon/tls/terminator.c daemon/tls/agreed.c daemon/tls/context.c daemon/tls/mirror.c daemon/tls/algorithms.c daemon/tls/sessions.c daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/public_suffix.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c daemon/address.c tests/unit/chains.c -lpsl -lssl -lcrypto
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/issuer.h"
#include "daemon/tls/terminator.h"
#include "tests/unit/chains.h"

static uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1, 2, 3 };

static EVP_PKEY *root_key;
static X509 *root;
static struct tls_context *context;
static struct leaf leaf;
static SSL_CTX *client_context;
static SSL_SESSION *kept;

struct scene {
	const char *name; /* the client's SNI, and what the ticket is bound to */
	unsigned generation;
	const char *alpn;    /* the origin's choice */
	const char *offered; /* the client's, in wire form */
	SSL_SESSION *session;
	int version;
	const char *ciphers;
	bool distrusts;
	struct tls_context *worker; /* NULL: context */
};

struct outcome {
	bool finished;
	bool resumed;
	enum reason reason;
	const char *detail;
	char version[12];
	char alpn[32];
	size_t chain;
};

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

static SSL *open_client(const struct scene *scene, int fd)
{
	SSL *client = SSL_new(client_context);

	SSL_set_fd(client, fd);
	SSL_set_connect_state(client);
	SSL_set_tlsext_host_name(client, scene->name);
	SSL_set1_host(client, "www.example.com");
	SSL_set_verify(client, SSL_VERIFY_PEER, NULL);
	SSL_set_min_proto_version(client, scene->version);
	SSL_set_max_proto_version(client, scene->version);
	if (scene->ciphers)
		SSL_set_cipher_list(client, scene->ciphers);
	if (scene->distrusts) {
		X509_STORE *empty = X509_STORE_new();

		SSL_set0_verify_cert_store(client, empty);
	}
	if (scene->offered)
		SSL_set_alpn_protos(client, (const uint8_t *)scene->offered,
				    (unsigned)strlen(scene->offered));
	if (scene->session) { /* OpenSSL spoils a used TLS 1.3 session for its second use */
		SSL_SESSION *session = SSL_SESSION_dup(scene->session);

		SSL_set_session(client, session);
		SSL_SESSION_free(session);
	}
	return client;
}

static void look(SSL *server, SSL *client, struct outcome *outcome)
{
	struct tls_facts facts = { 0 };

	assert_int_equal(terminator_facts(server, &facts), 0);
	outcome->resumed = facts.resumed;
	strcpy(outcome->version, facts.version);
	strcpy(outcome->alpn, facts.alpn);
	assert_int_equal(facts.certificates->count, 1);
	assert_string_equal(facts.certificates->certificates[0].names, "www.example.com");
	certificate_list_release(facts.certificates);
	outcome->chain = (size_t)sk_X509_num(SSL_get_peer_cert_chain(client));
}

static struct outcome visit(const struct scene *scene)
{
	const struct terminator terminator = {
		.leaf = &leaf,
		.name = scene->name,
		.generation = scene->generation,
		.alpn = scene->alpn ? scene->alpn : "",
	};
	struct outcome outcome = { 0 };
	SSL *client, *server;
	int fds[2];

	chain_sockets(fds);
	server = terminator_open(scene->worker ? scene->worker : context, &terminator);
	assert_non_null(server);
	SSL_set_fd(server, fds[1]);
	client = open_client(scene, fds[0]);
	outcome.finished = chain_shake(client, server);
	if (outcome.finished) {
		look(server, client, &outcome);
		chain_exchange(client, server);
		SSL_shutdown(client);
	} else {
		outcome.reason = terminator_failure(server, &outcome.detail);
	}
	SSL_free(client);
	SSL_free(server);
	close(fds[0]);
	close(fds[1]);
	return outcome;
}

static void a_client_sees_our_leaf_and_authority(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	const char *const texts[] = { "TLSv1.2", "TLSv1.3" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct outcome outcome =
			visit(&(struct scene){ .name = "www.example.com", .version = versions[i] });

		assert_true(outcome.finished);
		assert_string_equal(outcome.version, texts[i]);
		assert_int_equal(outcome.chain, 2);
	}
}

static void only_the_origins_protocol_is_answered(void **state)
{
	struct scene scene = { .name = "www.example.com", .offered = "\x02h2\x08http/1.1" };

	(void)state;
	scene.alpn = "http/1.1";
	assert_string_equal(visit(&scene).alpn, "http/1.1");
	scene.alpn = "h2";
	assert_string_equal(visit(&scene).alpn, "h2");
	scene.alpn = "";
	assert_string_equal(visit(&scene).alpn, "");
	scene.alpn = "http/1.0";
	assert_string_equal(visit(&scene).alpn, "");
	scene.offered = NULL;
	scene.alpn = "h2";
	assert_string_equal(visit(&scene).alpn, "");
}

/* C11 */
static void tickets_are_bound_to_name_and_generation(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct scene scene = { .name = "www.example.com",
				       .generation = 4,
				       .version = versions[i] };

		assert_false(visit(&scene).resumed);
		scene.session = SSL_SESSION_dup(kept);
		assert_true(visit(&scene).resumed);
		scene.generation = 5;
		assert_true(visit(&scene).finished);
		assert_false(visit(&scene).resumed);
		scene.generation = 4;
		scene.name = "other.example.com";
		assert_false(visit(&scene).resumed);
		scene.name = "www.example.com";
		assert_true(visit(&scene).resumed);
		SSL_SESSION_free(scene.session);
	}
}

/* A ticket of better days does not spare the client the sight of a mirrored certificate, nor is
 * there one for it. */
static void what_mirrors_is_never_resumed(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct scene scene = { .name = "www.example.com", .version = version };

		assert_true(visit(&scene).finished);
		scene.session = kept;
		kept = NULL;
		assert_true(visit(&scene).resumed);
		leaf.mirrors = true;
		assert_false(visit(&scene).resumed);
		SSL_SESSION_free(scene.session);
		scene.session = kept;
		kept = NULL;
		if (scene.session)
			assert_false(visit(&scene).resumed);
		leaf.mirrors = false;
		SSL_SESSION_free(scene.session);
	}
}

static void any_worker_resumes_but_no_stranger(void **state)
{
	struct scene scene = { .name = "www.example.com" };
	uint8_t other_keys[TICKET_KEYS_SIZE] = { 9 };
	struct tls_context *second = tls_context_new(ticket_keys);
	struct tls_context *stranger = tls_context_new(other_keys);

	(void)state;
	visit(&scene);
	scene.session = SSL_SESSION_dup(kept);
	scene.worker = second;
	assert_true(visit(&scene).resumed);
	scene.worker = stranger;
	assert_false(visit(&scene).resumed);
	SSL_SESSION_free(scene.session);
	tls_context_free(second);
	tls_context_free(stranger);
}

static void a_client_without_our_root_is_told_apart(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct outcome outcome = visit(&(struct scene){
			.name = "www.example.com", .version = versions[i], .distrusts = true });

		assert_false(outcome.finished);
		assert_int_equal(outcome.reason, REASON_LEAF_REFUSED);
		assert_string_equal(outcome.detail, "unknown CA");
	}
}

/* C01 */
static void old_protocols_and_ciphers_are_refused(void **state)
{
	struct scene scene = { .name = "www.example.com", .version = TLS1_1_VERSION };
	struct outcome outcome = visit(&scene);

	(void)state;
	assert_false(outcome.finished);
	assert_int_equal(outcome.reason, REASON_TLS_CLIENT_FAILED);
	scene.version = TLS1_2_VERSION;
	scene.ciphers = "ECDHE-ECDSA-AES128-SHA256:AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256";
	outcome = visit(&scene);
	assert_false(outcome.finished);
	assert_int_equal(outcome.reason, REASON_TLS_CLIENT_FAILED);
	assert_non_null(outcome.detail);
}

/* C01, C09, C10 */
/* B15 */
/* The state of a connection whose peer vanished without close_notify is an error, never an end. */
static void a_stream_cut_short_is_an_error(void **state)
{
	const struct terminator terminator = { .leaf = &leaf,
					       .name = "www.example.com",
					       .alpn = "" };
	int fds[2];
	SSL *server, *client;
	char byte;

	(void)state;
	chain_sockets(fds);
	server = terminator_open(context, &terminator);
	SSL_set_fd(server, fds[1]);
	client = open_client(&(struct scene){ .name = "www.example.com" }, fds[0]);
	assert_true(chain_shake(client, server));
	chain_exchange(client, server);
	shutdown(fds[0], SHUT_WR);
	ERR_clear_error();
	assert_int_equal(SSL_get_error(server, SSL_read(server, &byte, 1)), SSL_ERROR_SSL);
	SSL_free(client);
	SSL_free(server);
	close(fds[0]);
	close(fds[1]);
}

static int set_up(void **state)
{
	const struct chain_plan plan = { .subject = "www.example.com",
					 .names = "DNS:www.example.com",
					 .basic = "critical,CA:FALSE",
					 .begin = -600,
					 .end = 86400 };

	(void)state;
	root_key = EVP_EC_gen("P-256");
	root = chain_root("Test root", root_key);
	context = tls_context_new(ticket_keys);
	leaf = (struct leaf){ .holders = 1,
			      .certificate = chain_make(&plan, context->leaf_key, root, root_key),
			      .key = context->leaf_key,
			      .authority = root };
	client_context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(client_context, 0);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(client_context), root);
	SSL_CTX_set_session_cache_mode(client_context,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client_context, keep_session);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	SSL_SESSION_free(kept);
	SSL_CTX_free(client_context);
	X509_free(leaf.certificate);
	X509_free(root);
	EVP_PKEY_free(root_key);
	tls_context_free(context);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_sees_our_leaf_and_authority),
		cmocka_unit_test(only_the_origins_protocol_is_answered),
		cmocka_unit_test(tickets_are_bound_to_name_and_generation),
		cmocka_unit_test(what_mirrors_is_never_resumed),
		cmocka_unit_test(any_worker_resumes_but_no_stranger),
		cmocka_unit_test(a_client_without_our_root_is_told_apart),
		cmocka_unit_test(old_protocols_and_ciphers_are_refused),
		cmocka_unit_test(a_stream_cut_short_is_an_error),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
