// link: daemon/tls/origin.c daemon/tls/verification.c daemon/tls/context.c daemon/tls/mirror.c daemon/tls/algorithms.c daemon/tls/trust.c daemon/tls/sessions.c daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/objections.c daemon/tls/revocation.c daemon/tls/public_suffix.c daemon/tls/notorious.c daemon/tls/x509.c daemon/tls/agreed.c daemon/certificate.c daemon/text.c daemon/reason.c daemon/log.c daemon/name.c daemon/address.c tests/unit/chains.c -lpsl -lssl -lcrypto
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/chains.h"
#include "daemon/tls/origin.h"
#include "daemon/tls/sessions.h"
#include "tests/unit/chains.h"

static const uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1, 2, 3 };
static const uint8_t both_protocols[] = "\x02h2\x08http/1.1";

static EVP_PKEY *root_key, *leaf_key;
static X509 *root;
static struct tls_context *context;
static struct trust *trust;
static struct address address;

static struct chain_plan good_plan(void)
{
	return (struct chain_plan){
		.subject = "www.example.com",
		.names = "DNS:www.example.com,IP:192.0.2.7",
		.basic = "critical,CA:FALSE",
		.extended = "serverAuth",
		.begin = -3600,
		.end = 86400,
	};
}

/* What the server of a test is made of. */
struct scene {
	struct chain_plan plan;
	EVP_PKEY *key; /* NULL: leaf_key */
	X509 *issuer;  /* NULL: root */
	EVP_PKEY *issuer_key;
	bool self_signed;
	int version;	  /* 0: any */
	const char *name; /* wanted; "" : by address; NULL: www.example.com */
	bool tolerant;
	bool asks_certificate;
	const char *alpn; /* that the server insists on */
	unsigned generation;
};

struct outcome {
	bool finished;
	enum reason reason;
	const char *detail;
	bool resumed;
	char alpn[32];
};

static SSL_CTX *server_context;

static int insist(SSL *ssl, const unsigned char **chosen, unsigned char *length,
		  const unsigned char *offered, unsigned offered_length, void *argument)
{
	(void)ssl, (void)offered, (void)offered_length;
	*chosen = argument;
	*length = (unsigned char)strlen(argument);
	return SSL_TLSEXT_ERR_OK;
}

static void set_server(const struct scene *scene)
{
	EVP_PKEY *key = scene->key ? scene->key : leaf_key;
	X509 *issuer = scene->self_signed ? NULL : scene->issuer ? scene->issuer : root;
	X509 *leaf = chain_make(&scene->plan, key, issuer,
				scene->issuer_key ? scene->issuer_key : root_key);

	SSL_CTX_free(server_context);
	server_context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_security_level(server_context, 0);
	SSL_CTX_set_max_proto_version(server_context, scene->version);
	assert_int_equal(SSL_CTX_use_certificate(server_context, leaf), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server_context, key), 1);
	SSL_CTX_set_session_id_context(server_context, (const uint8_t *)"origin", 6);
	if (scene->asks_certificate)
		SSL_CTX_set_verify(server_context, SSL_VERIFY_PEER, NULL);
	if (scene->alpn)
		SSL_CTX_set_alpn_select_cb(server_context, insist, (void *)(uintptr_t)scene->alpn);
	X509_free(leaf);
}

static struct origin make_origin(const struct scene *scene)
{
	const char *name = scene->name ? scene->name : "www.example.com";

	return (struct origin){
		.name = *name ? name : NULL,
		.address = &address,
		.alpn = both_protocols,
		.alpn_length = sizeof(both_protocols) - 1,
		.trust = trust,
		.generation = scene->generation,
		.tolerant = scene->tolerant,
	};
}

/* One connection to the server that set_server() made. */
static struct outcome visit(const struct scene *scene)
{
	const struct origin origin = make_origin(scene);
	struct outcome outcome = { 0 };
	struct tls_facts facts = { 0 };
	int fds[2];
	SSL *client, *server;

	chain_sockets(fds);
	client = origin_open(context, &origin);
	server = SSL_new(server_context);
	assert_non_null(client);
	SSL_set_fd(client, fds[0]);
	SSL_set_fd(server, fds[1]);
	SSL_set_accept_state(server);
	outcome.finished = chain_shake(client, server);
	outcome.reason = origin_verdict(client, &outcome.detail);
	if (outcome.finished) {
		assert_int_equal(origin_facts(client, &facts), 0);
		outcome.resumed = facts.resumed;
		strcpy(outcome.alpn, facts.alpn);
		assert_string_equal(facts.sni, origin.name ? origin.name : "");
		assert_int_equal(facts.certificates->count, 1);
		chain_exchange(client, server);
		SSL_shutdown(client);
		SSL_shutdown(server);
		certificate_list_release(facts.certificates);
	}
	SSL_free(client);
	SSL_free(server);
	close(fds[0]);
	close(fds[1]);
	return outcome;
}

static struct outcome meet(const struct scene *scene)
{
	set_server(scene);
	return visit(scene);
}

/* Strict: the handshake fails with the reason. Tolerant: it finishes, with the same reason, and
 * leaves no session behind. */
static void assert_refused(struct scene scene, enum reason reason)
{
	struct outcome outcome = meet(&scene);
	size_t sessions = sessions_count(context->sessions);

	assert_false(outcome.finished);
	assert_string_equal(reason_word(outcome.reason), reason_word(reason));
	scene.tolerant = true;
	outcome = meet(&scene);
	assert_true(outcome.finished);
	assert_string_equal(reason_word(outcome.reason), reason_word(reason));
	assert_false(visit(&scene).resumed);
	assert_int_equal(sessions_count(context->sessions), sessions);
}

static void a_good_chain_is_accepted(void **state)
{
	const char *const kinds[] = { "P-256", "P-384", "RSA", "ED25519" };
	struct scene scene = { .plan = good_plan() };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct outcome outcome;

		scene.key = i < 2    ? EVP_EC_gen(kinds[i])
			    : i == 2 ? EVP_RSA_gen(2048)
				     : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		scene.generation = 100 + (unsigned)i;
		outcome = meet(&scene);
		assert_true(outcome.finished);
		assert_int_equal(outcome.reason, REASON_NONE);
		assert_false(outcome.resumed);
		EVP_PKEY_free(scene.key);
	}
}

static void a_destination_without_name_is_verified_by_address(void **state)
{
	struct scene scene = { .plan = good_plan(), .name = "", .generation = 5 };

	(void)state;
	assert_int_equal(meet(&scene).reason, REASON_NONE);
	scene.generation++;
	scene.plan.names = "DNS:192.0.2.7";
	assert_refused(scene, REASON_ORIGIN_WRONG_HOST);
	scene.plan.names = "IP:192.0.2.8";
	assert_refused(scene, REASON_ORIGIN_WRONG_HOST);
}

static void bad_dates_are_refused(void **state)
{
	struct scene scene = { .plan = good_plan() };

	(void)state;
	scene.plan.end = -1;
	assert_refused(scene, REASON_ORIGIN_EXPIRED);
	scene.plan.begin = 3600;
	scene.plan.end = 86400;
	assert_refused(scene, REASON_ORIGIN_NOT_YET_VALID);
}

static void strangers_are_refused(void **state)
{
	struct scene scene = { .plan = good_plan() };
	EVP_PKEY *other_key = EVP_EC_gen("P-256");
	X509 *stranger = chain_root("Another root", other_key);
	X509 *impostor = chain_root("Test root", other_key);

	(void)state;
	scene.self_signed = true;
	assert_refused(scene, REASON_ORIGIN_SELF_SIGNED);
	scene.self_signed = false;
	scene.issuer = stranger;
	scene.issuer_key = other_key;
	assert_refused(scene, REASON_ORIGIN_UNTRUSTED);
	scene.issuer = impostor;
	scene.tolerant = false;
	assert_false(meet(&scene).finished);
	X509_free(stranger);
	X509_free(impostor);
	EVP_PKEY_free(other_key);
}

static void wrong_names_are_refused(void **state)
{
	const char *const wrong[] = {
		"DNS:example.com",
		"DNS:a.www.example.com",
		"DNS:w*.example.com",
		"DNS:*.com",
		"DNS:*",
		"DNS:www.example.org",
		"DNS:www.example.com.evil.example",
		"DNS:*.www.example.com",
		"DNS:www.*.com",
		NULL,
	};
	struct scene scene = { .plan = good_plan() };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		scene.plan.names = wrong[i]; /* the last: nothing but a common name */
		assert_refused(scene, REASON_ORIGIN_WRONG_HOST);
	}
	scene.plan.names = "DNS:*.example.com";
	scene.generation = 7;
	assert_int_equal(meet(&scene).reason, REASON_NONE);
}

static void weak_chains_are_refused(void **state)
{
	struct scene scene = { .plan = good_plan(), .key = EVP_RSA_gen(1024) };

	(void)state;
	assert_refused(scene, REASON_ORIGIN_WEAK);
	EVP_PKEY_free(scene.key);
	scene.key = NULL;
	scene.plan.digest = EVP_sha1();
	assert_refused(scene, REASON_ORIGIN_WEAK);
}

static void misused_certificates_are_refused(void **state)
{
	struct scene scene = { .plan = good_plan() };

	(void)state;
	scene.plan.basic = "critical,CA:TRUE";
	assert_refused(scene, REASON_ORIGIN_INVALID);
	scene.plan.basic = "critical,CA:FALSE";
	scene.plan.extended = "clientAuth";
	assert_refused(scene, REASON_ORIGIN_INVALID);
	scene.plan.extended = "codeSigning";
	assert_refused(scene, REASON_ORIGIN_INVALID);
	scene.plan.extended = NULL; /* private roots often leave it out */
	scene.generation = 8;
	assert_int_equal(meet(&scene).reason, REASON_NONE);
}

/* A37 */
static void our_own_authority_proves_nothing(void **state)
{
	struct scene scene = { .plan = good_plan(), .generation = 9 };
	char *pem = chain_pem(root);
	struct trust *before = trust;

	(void)state;
	trust = trust_new(pem, strlen(pem));
	assert_int_equal(trust_exclude(trust, pem), 0);
	assert_refused(scene, REASON_ORIGIN_UNTRUSTED);
	trust_release(trust);
	trust = before;
	free(pem);
}

/* B13 */
static void sessions_are_resumed_for_the_same_origin_only(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct scene scene = { .plan = good_plan() };

	(void)state;
	scene.plan.names = "DNS:*.example.com";
	for (unsigned i = 0; i < 2; i++) {
		scene.version = versions[i];
		scene.generation = 20 + 2 * i;
		scene.name = NULL;
		assert_false(meet(&scene).resumed);
		for (int again = 0; again < 3; again++) {
			struct outcome outcome = visit(&scene);

			assert_true(outcome.resumed);
			assert_int_equal(outcome.reason, REASON_NONE);
		}
		scene.name = "other.example.com";
		assert_false(visit(&scene).resumed);
		scene.name = NULL;
		scene.generation++;
		assert_false(visit(&scene).resumed);
		scene.generation--;
		address.port++;
		assert_false(visit(&scene).resumed);
		address.port--;
		assert_true(visit(&scene).resumed);
	}
}

static void a_new_bad_certificate_is_seen_at_once(void **state)
{
	struct scene scene = { .plan = good_plan(), .generation = 30 };

	(void)state;
	assert_int_equal(meet(&scene).reason, REASON_NONE);
	scene.plan.end = -1;
	assert_int_equal(meet(&scene).reason, REASON_ORIGIN_EXPIRED);
}

/* A server whose chain no root of ours has signed, noted as verified all the same: it is accepted
 * exactly as long as nobody verifies it. */
static struct scene plant(struct chain_plan plan)
{
	static unsigned generation = 1000;
	struct scene scene = { .plan = plan, .self_signed = true, .generation = generation };
	STACK_OF(X509) *chain = sk_X509_new_null();
	uint8_t key[DIGEST_SIZE];

	generation += 100;
	set_server(&scene);
	sk_X509_push(chain, SSL_CTX_get0_certificate(server_context));
	assert_int_equal(chain_key(chain, trust_digest(trust), key), 0);
	chains_put(context->chains, key, chain);
	sk_X509_free(chain);
	return scene;
}

/* Not by a session of an earlier visit. */
static enum reason visit_anew(struct scene *scene)
{
	struct outcome outcome;

	scene->generation++;
	outcome = visit(scene);
	assert_false(outcome.resumed);
	return outcome.reason;
}

static void a_verified_chain_is_verified_once(void **state)
{
	struct scene scene = { .plan = good_plan(), .generation = 70 };
	size_t count = chains_count(context->chains);

	(void)state;
	assert_int_equal(meet(&scene).reason, REASON_NONE);
	assert_int_equal(chains_count(context->chains), count + 1);
	assert_int_equal(visit_anew(&scene), REASON_NONE);
	assert_int_equal(chains_count(context->chains), count + 1);
	scene = plant(good_plan());
	assert_int_equal(visit_anew(&scene), REASON_NONE);
}

/* A42 */
static void a_verified_chain_still_has_to_prove_the_name(void **state)
{
	struct scene scene = plant(good_plan());

	(void)state;
	scene.name = "other.example.com";
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	scene.name = "";
	assert_int_equal(visit_anew(&scene), REASON_NONE);
	address.bytes[3]++;
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	address.bytes[3]--;
	scene.plan.names = "DNS:w*.example.com";
	scene = plant(scene.plan);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	scene.plan.names = NULL; /* nothing but a common name */
	scene = plant(scene.plan);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
}

/* A41 */
static void another_certificate_is_another_chain(void **state)
{
	struct scene scene = plant(good_plan());
	X509 *extra = chain_root("Another root", root_key);

	(void)state;
	assert_int_equal(visit_anew(&scene), REASON_NONE);
	set_server(&scene); /* the same in all but its number */
	scene.generation++;
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	scene = plant(good_plan());
	SSL_CTX_add1_chain_cert(server_context, extra);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	X509_free(extra);
}

static void a_verified_chain_goes_out_of_date(void **state)
{
	struct chain_plan plan = good_plan();
	struct scene scene;

	(void)state;
	plan.end = -1;
	scene = plant(plan);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	plan.begin = 3600;
	plan.end = 86400;
	scene = plant(plan);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
}

static void an_authority_is_no_server_however_often_it_was_seen(void **state)
{
	struct chain_plan plan = good_plan();
	struct scene scene;

	(void)state;
	plan.basic = "critical,CA:TRUE";
	scene = plant(plan);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
}

static void a_chain_is_verified_under_its_roots_alone(void **state)
{
	char *pem = chain_pem(root);
	char *twice = malloc(2 * strlen(pem) + 1);
	struct trust *before = trust;
	struct scene scene = plant(good_plan());

	(void)state;
	stpcpy(stpcpy(twice, pem), pem);
	trust = trust_new(twice, strlen(twice));
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	trust_release(trust);
	trust = trust_new(pem, strlen(pem)); /* the same: as after a reload */
	assert_int_equal(visit_anew(&scene), REASON_NONE);
	assert_int_equal(trust_exclude(trust, pem), 0);
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	trust_release(trust);
	trust = before;
	free(twice);
	free(pem);
}

static void a_banned_key_stays_banned(void **state)
{
	struct trust *before = trust;
	char *pem = chain_pem(root), *leaf;
	struct scene scene = plant(good_plan());

	(void)state;
	leaf = chain_pem(SSL_CTX_get0_certificate(server_context));
	trust = trust_new(pem, strlen(pem));
	assert_int_equal(trust_exclude(trust, leaf), 0);
	scene = plant(good_plan());
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	trust_release(trust);
	trust = before;
	free(leaf);
	free(pem);
}

static void what_was_tolerated_was_not_verified(void **state)
{
	struct scene scene = { .plan = good_plan(), .self_signed = true, .tolerant = true };
	size_t count = chains_count(context->chains);

	(void)state;
	scene.generation = 80;
	assert_int_not_equal(meet(&scene).reason, REASON_NONE);
	assert_int_equal(chains_count(context->chains), count);
	scene.tolerant = false;
	assert_int_not_equal(visit_anew(&scene), REASON_NONE);
	scene.self_signed = false;
	scene.tolerant = true;
	scene.name = "other.example.com";
	set_server(&scene);
	assert_int_equal(visit_anew(&scene), REASON_ORIGIN_WRONG_HOST);
	assert_int_equal(chains_count(context->chains), count);
}

/* A43 */
static void a_wish_for_a_client_certificate_is_told(void **state)
{
	struct scene scene = { .plan = good_plan(), .generation = 40 };

	(void)state;
	assert_int_equal(meet(&scene).reason, REASON_NONE);
	for (unsigned version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		scene.asks_certificate = true;
		scene.version = (int)version;
		scene.generation++;
		assert_int_equal(meet(&scene).reason, REASON_ORIGIN_WANTS_CERTIFICATE);
	}
}

/* B09, B10 */
static void only_offered_protocols_are_taken(void **state)
{
	struct scene scene = { .plan = good_plan(), .generation = 50, .alpn = "h2" };
	struct outcome outcome;

	(void)state;
	assert_string_equal(meet(&scene).alpn, "h2");
	scene.alpn = "spdy/3";
	scene.generation++;
	outcome = meet(&scene);
	assert_int_equal(outcome.reason, REASON_TLS_SERVER_FAILED);
}

static void old_protocols_are_refused(void **state)
{
	struct scene scene = { .plan = good_plan(), .generation = 60, .version = TLS1_1_VERSION };
	struct outcome outcome = meet(&scene);

	(void)state;
	assert_false(outcome.finished);
	assert_int_equal(outcome.reason, REASON_TLS_SERVER_FAILED);
	assert_non_null(outcome.detail);
}

static void unusable_names_make_no_connection(void **state)
{
	const char *const names[] = { "",    "*.example.com", "WWW.example.com",
				      "a b", "192.0.2.7",     "www.example.com." };
	struct scene scene = { .plan = good_plan() };
	struct origin origin = make_origin(&scene);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		origin.name = names[i];
		assert_null(origin_open(context, &origin));
	}
	origin.name = NULL;
	address.family = AF_UNSPEC;
	assert_null(origin_open(context, &origin));
	address.family = AF_INET;
}

/* K08 */
static void an_empty_store_is_no_trust(void **state)
{
	char *pem = chain_pem(root);
	X509 *leaf = chain_make(&(struct chain_plan){ .subject = "x", .end = 1000 }, leaf_key, root,
				root_key);
	char *leaf_pem = chain_pem(leaf);
	char *text = malloc(2 * strlen(pem) + strlen(leaf_pem) + 100);
	struct trust *three;

	(void)state;
	assert_null(trust_new("", 0));
	assert_null(trust_new("nonsense", 8));
	assert_null(trust_new(leaf_pem, strlen(leaf_pem)));
	sprintf(text,
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n%s# text\n%s%s",
		leaf_pem, pem, pem);
	three = trust_new(text, strlen(text));
	assert_int_equal(trust_count(three), 1);
	trust_release(three);
	X509_free(leaf);
	free(leaf_pem);
	free(pem);
	free(text);
}

static int set_up(void **state)
{
	char *pem;

	(void)state;
	root_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	root = chain_root("Test root", root_key);
	pem = chain_pem(root);
	context = tls_context_new(ticket_keys);
	trust = trust_new(pem, strlen(pem));
	free(pem);
	return address_parse_with_port(&address, "192.0.2.7:443") || !context || !trust;
}

static int tear_down(void **state)
{
	(void)state;
	SSL_CTX_free(server_context);
	tls_context_free(context);
	trust_release(trust);
	X509_free(root);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(leaf_key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_chain_is_accepted),
		cmocka_unit_test(a_destination_without_name_is_verified_by_address),
		cmocka_unit_test(bad_dates_are_refused),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(wrong_names_are_refused),
		cmocka_unit_test(weak_chains_are_refused),
		cmocka_unit_test(misused_certificates_are_refused),
		cmocka_unit_test(our_own_authority_proves_nothing),
		cmocka_unit_test(sessions_are_resumed_for_the_same_origin_only),
		cmocka_unit_test(a_new_bad_certificate_is_seen_at_once),
		cmocka_unit_test(a_verified_chain_is_verified_once),
		cmocka_unit_test(a_verified_chain_still_has_to_prove_the_name),
		cmocka_unit_test(another_certificate_is_another_chain),
		cmocka_unit_test(a_verified_chain_goes_out_of_date),
		cmocka_unit_test(an_authority_is_no_server_however_often_it_was_seen),
		cmocka_unit_test(a_chain_is_verified_under_its_roots_alone),
		cmocka_unit_test(a_banned_key_stays_banned),
		cmocka_unit_test(what_was_tolerated_was_not_verified),
		cmocka_unit_test(a_wish_for_a_client_certificate_is_told),
		cmocka_unit_test(only_offered_protocols_are_taken),
		cmocka_unit_test(old_protocols_are_refused),
		cmocka_unit_test(unusable_names_make_no_connection),
		cmocka_unit_test(an_empty_store_is_no_trust),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
