// link: daemon/tls/origin.c daemon/tls/verification.c daemon/tls/context.c daemon/tls/mirror.c daemon/tls/algorithms.c daemon/tls/trust.c daemon/tls/notorious.c daemon/tls/objections.c daemon/tls/revocation.c daemon/tls/public_suffix.c daemon/tls/sessions.c daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/x509.c daemon/tls/agreed.c daemon/certificate.c daemon/text.c daemon/reason.c daemon/log.c daemon/name.c daemon/address.c tests/unit/chains.c tests/unit/gallery.c tests/unit/gallery_table.c -lpsl -lssl -lcrypto
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/notorious.h"
#include "daemon/tls/origin.h"
#include "tests/unit/chains.h"
#include "tests/unit/gallery.h"

static struct tls_context *context;
static struct address address;

static int send_staple(SSL *ssl, void *argument)
{
	const struct scenery *scenery = argument;

	if (!scenery->staple)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(
		ssl, OPENSSL_memdup(scenery->staple, (size_t)scenery->staple_length),
		scenery->staple_length);
	return SSL_TLSEXT_ERR_OK;
}

/* A server that will show anything. */
static SSL_CTX *make_server(const struct exhibit *exhibit, struct scenery *scenery)
{
	SSL_CTX *server = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_security_level(server, 0);
	SSL_CTX_set_max_proto_version(server, exhibit->version);
	assert_int_equal(SSL_CTX_use_certificate(server, sk_X509_value(scenery->chain, 0)), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server, scenery->key), 1);
	for (int i = 1; i < sk_X509_num(scenery->chain); i++)
		SSL_CTX_add1_chain_cert(server, sk_X509_value(scenery->chain, i));
	SSL_CTX_set_tlsext_status_cb(server, send_staple);
	SSL_CTX_set_tlsext_status_arg(server, scenery);
	return server;
}

struct outcome {
	bool finished;
	enum reason reason;
	const char *detail;
};

static struct outcome shake(SSL_CTX *server_context, const struct origin *origin)
{
	struct outcome outcome;
	int fds[2];
	SSL *client, *server;

	chain_sockets(fds);
	client = origin_open(context, origin);
	server = SSL_new(server_context);
	assert_non_null(client);
	SSL_set_fd(client, fds[0]);
	SSL_set_fd(server, fds[1]);
	SSL_set_accept_state(server);
	outcome.finished = chain_shake(client, server);
	outcome.reason = origin_verdict(client, &outcome.detail);
	SSL_free(client);
	SSL_free(server);
	close(fds[0]);
	close(fds[1]);
	return outcome;
}

static struct trust *trust_scenery(const struct scenery *scenery)
{
	struct trust *trust = trust_new(scenery->trust_pem, strlen(scenery->trust_pem));

	assert_non_null(trust);
	assert_int_equal(trust_exclude(trust, scenery->our_pem), 0);
	return trust;
}

/* Every exhibit is shown three times: to a gateway that refuses, again to the same one (whose cache
 * may know the chain by then), and to one that wants to see what is wrong. */
static size_t show(const struct exhibit *exhibit)
{
	static unsigned generation;
	struct scenery scenery = gallery_make(exhibit);
	SSL_CTX *server = make_server(exhibit, &scenery);
	struct trust *trust = trust_scenery(&scenery);
	struct origin origin = {
		.name = !exhibit->host ? "www.example.com" : *exhibit->host ? exhibit->host : NULL,
		.address = &address,
		.trust = trust,
		.wants_status = exhibit->wants_status,
	};
	size_t wrong = 0;

	for (int visit = 0; visit < 3; visit++) {
		struct outcome outcome;
		bool wanted;

		origin.generation = ++generation;
		origin.tolerant = visit == 2;
		outcome = shake(server, &origin);
		wanted = exhibit->reason == REASON_NONE ||
			 (origin.tolerant && exhibit->reason != REASON_TLS_SERVER_FAILED);
		if (outcome.finished == wanted && outcome.reason == exhibit->reason)
			continue;
		wrong++;
		print_error("%s %s: visit %d %s, %s (%s), not %s\n", exhibit->id, exhibit->shows,
			    visit, outcome.finished ? "finished" : "refused",
			    reason_word(outcome.reason), outcome.detail,
			    reason_word(exhibit->reason));
	}
	trust_release(trust);
	SSL_CTX_free(server);
	scenery_end(&scenery);
	ERR_clear_error();
	return wrong;
}

static void every_exhibit_gets_its_verdict(void **state)
{
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < gallery_count; i++)
		wrong += show(&gallery[i]);
	assert_int_equal(wrong, 0);
	assert_true(gallery_count >= 120);
}

static const char superfish[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIC9TCCAl6gAwIBAgIJANL8E4epRNznMA0GCSqGSIb3DQEBBQUAMFsxGDAWBgNV\n"
	"BAoTD1N1cGVyZmlzaCwgSW5jLjELMAkGA1UEBxMCU0YxCzAJBgNVBAgTAkNBMQsw\n"
	"CQYDVQQGEwJVUzEYMBYGA1UEAxMPU3VwZXJmaXNoLCBJbmMuMB4XDTE0MDUxMjE2\n"
	"MjUyNloXDTM0MDUwNzE2MjUyNlowWzEYMBYGA1UEChMPU3VwZXJmaXNoLCBJbmMu\n"
	"MQswCQYDVQQHEwJTRjELMAkGA1UECBMCQ0ExCzAJBgNVBAYTAlVTMRgwFgYDVQQD\n"
	"Ew9TdXBlcmZpc2gsIEluYy4wgZ8wDQYJKoZIhvcNAQEBBQADgY0AMIGJAoGBAOjz\n"
	"Shh2Xxk/sc9Y6X9DBwmVgDXFD/5xMSeBmRImIKXfj2r8QlU57gk4idngNsSsAYJb\n"
	"1Tnm+Y8HiN/+7vahFM6pdEXY/fAXVyqC4XouEpNarIrXFWPRt5tVgA9YvBxJ7SBi\n"
	"3bZMpTrrHD2g/3pxptMQeDOuS8Ic/ZJKocPnQaQtAgMBAAGjgcAwgb0wDAYDVR0T\n"
	"BAUwAwEB/zAdBgNVHQ4EFgQU+5izU38URC7o7tUJml4OVoaoNYgwgY0GA1UdIwSB\n"
	"hTCBgoAU+5izU38URC7o7tUJml4OVoaoNYihX6RdMFsxGDAWBgNVBAoTD1N1cGVy\n"
	"ZmlzaCwgSW5jLjELMAkGA1UEBxMCU0YxCzAJBgNVBAgTAkNBMQswCQYDVQQGEwJV\n"
	"UzEYMBYGA1UEAxMPU3VwZXJmaXNoLCBJbmMuggkA0vwTh6lE3OcwDQYJKoZIhvcN\n"
	"AQEFBQADgYEApHyg7ApKx3DEcWjzOyLi3JyN0JL+c35yK1VEmxu0Qusfr76645Oj\n"
	"1IsYwpTws6a9ZTRMzST4GQvFFQra81eLqYbPbMPuhC+FCxkUF5i0DNSWi+kczJXJ\n"
	"TtCqSwGl9t9JEoFqvtW+znZ9TqyLiOMw7TGEUI+88VAqW0qmXnwPcfo=\n"
	"-----END CERTIFICATE-----\n";

/* A38: however they came into the store. */
static void notorious_roots_are_no_roots(void **state)
{
	struct scenery scenery = gallery_make(&gallery[0]);
	char *both = malloc(strlen(scenery.trust_pem) + sizeof(superfish));
	BIO *pem = BIO_new_mem_buf(superfish, -1);
	X509 *certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	struct trust *trust, *plain = trust_scenery(&scenery);

	(void)state;
	assert_null(trust_new(superfish, sizeof(superfish) - 1));
	stpcpy(stpcpy(both, scenery.trust_pem), superfish);
	trust = trust_new(both, strlen(both));
	assert_int_equal(trust_count(trust), trust_count(plain));
	assert_non_null(certificate);
	assert_non_null(trust_objection(trust, certificate));
	assert_non_null(strstr(trust_objection(trust, certificate), "Superfish"));
	X509_free(certificate);
	BIO_free(pem);
	trust_release(trust);
	trust_release(plain);
	scenery_end(&scenery);
	free(both);
}

/* Keys that come with development servers, beside their private halves: as SubjectPublicKeyInfo. */
static const struct {
	const char *name;
	const char *key;
} published[] = {
	{ "lws",
	  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4b/LsaJDMrtGJn+Peta5vlZ8CoSmvKEm"
	  "Mpjt27a3hoVDJAi+yxr1j94cbwZFUJ+jK5mTT8Q7mT1wKZEmgGeorWJfwAvsabT70dwwUsd/8FKS"
	  "ATZ3KTfAQQ5p4MzsqT188KFCL66kyXNFSMeZyCr0bu6A8kIX9H3GYdvi8ZW4sF8LnicqJx1wd03L"
	  "MA25tip8Zquo7UmkS4oj51GOd1vHkRwZAdmFFXlkvzo1fjGewj6z+jbOR8n5RBciSae8fCfj3Fen"
	  "OekGCAEfmIJkXdKmEklz5+2NkCZx60KJX+TSoCUBSBAG/eda2/jn6AFWj4gUSvU1h2rECg8stuh6"
	  "ZhZe/QIDAQAB" },
	{ "preact-cli",
	  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoOUYfID4oW6t7ycnm6h48twQvqHq844C"
	  "JELFq0LTKJJwm99k8lp01HvMMtkcOzaJpa4T941KQb94o2Asxy6w3bq0c3X//WISHzu8/heWQbjL"
	  "PqZnAYzdI8H/Schsb8sKaFAx5Tc170MWhPiNQa8vQr8zrwXdoTFuts893uLFIboff2XYw+GHvMj/"
	  "muGqKCEhnshLcT/fw3zpTZcfbSBKTl0H3I2d8Qj9G9QvKrWxSRKNtIL3Cel062BUVxXTIh08kuXL"
	  "Y10bDTkT69VxIxatnTE+IUGxd7vq7YgR0FD8NC2EqWzS92Rl6yNmtcCanv7XhqSB21b7XN92xyRt"
	  "T7mEwwIDAQAB" },
	{ "webpack-dev-server's authority",
	  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDvXso/tgHx5GhqTB1/m36ifI/BdabrqkKDBoks"
	  "Z9Tbe0IoUCZFL2SQbqHofgijDDq8AbJbqMX1aunI41Yn0rdyohXpyYPD4Kw9h94fWn832YPHJsO1"
	  "OwPP/gwQfGt9YsihlvZjplIW0IjUwysKcm8riVSlPZG3F1n+2JiY8FytpwIDAQAB" },
	{ "webpack-dev-server",
	  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCp0N91zr6JD5MZ8LJxL06wIFZIBoUwkswijmIw"
	  "p2w93HF46i3RmzPkcE8U9bSmGlUfeQQOnSODwDs5V+1gU/sJ2jBeNVirfq2Ks5lzq4cRvDB99tRN"
	  "EohrRtOtAs0vkAvPE4k+ceb2/Ss6x5dwUwmfw3NoHtJ2EfDVwMEU5dxfBQIDAQAB" },
	{ "webpack-dev-server",
	  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA5b5hZ2dxwP0Q05MMVZGZrs+ecc5ZzOBb"
	  "vkvk1CZ7D/7aXeyd/vWRXD66ZQbkwp8XUxchAvLCmy84pCwcxdajXoT/Ydj80X+SPuHdx7YxodSY"
	  "9rl5KfOj5n3n4UPxOJRXFWznOG+aterqYb+WRTmcJfS9+cJtfCz5QNnYHhdzcDePClP8d78o/6VM"
	  "GAxl2sucoF+yx9XAs1vQD6wYiNWh5POdlxXAr1iuztuny/MV0dlnt1/2NQtpVj3OveMNqi6LedO3"
	  "beWMu5Nb3snnUdK68ExoiJVtbJZ5zEolMrY9zS9J3lTVkq7whZUAm18ahbUX8g3jfl25XEVUjjKb"
	  "NB3vfQIDAQAB" },
};

static void keys_in_every_copy_of_a_tool_are_nobodys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		uint8_t der[512], digest[DIGEST_SIZE];
		const char *text = published[i].key, *known;
		int length = EVP_DecodeBlock(der, (const uint8_t *)text, (int)strlen(text));

		assert_true(length > 0);
		SHA256(der, (size_t)length, digest);
		known = notorious_find(digest);
		assert_non_null(known);
		assert_non_null(strstr(known, published[i].name));
	}
}

static double seconds_of(SSL_CTX *server, const struct origin *origin, struct outcome *outcome)
{
	clock_t before = clock();

	*outcome = shake(server, origin);
	return (double)(clock() - before) / CLOCKS_PER_SEC;
}

/* A chain of strangers that all bear the same name and may have signed one another; and names and
 * constraints whose product is large. */
static void extravagant_chains_cost_little(void **state)
{
	const struct exhibit plain = { .id = "A39", .above = { { .made = true } },
				       .root = ROOT_UNTRUSTED };
	char constraints[32000] = "critical";
	const struct exhibit wide = { .id = "A39", .leaf.name_count = 1500,
				      .above = { { .made = true, .constraints = constraints } } };
	const struct exhibit *const both[] = { &plain, &wide };

	(void)state;
	for (int i = 0; i < 600; i++)
		sprintf(constraints + strlen(constraints), ",excluded;DNS:x%d.example.net", i);
	for (size_t i = 0; i < 2; i++) {
		struct scenery scenery = gallery_make(both[i]);
		SSL_CTX *server;
		struct trust *trust = trust_scenery(&scenery);
		struct origin origin = { .name = "www.example.com", .address = &address,
					 .trust = trust, .generation = 90000 };
		struct outcome outcome;

		for (int twin = 0; i == 0 && twin < 40; twin++) {
			struct scenery again = gallery_make(both[i]);

			sk_X509_push(scenery.chain, X509_dup(sk_X509_value(again.chain, 1)));
			scenery_end(&again);
		}
		server = make_server(both[i], &scenery);
		assert_true(seconds_of(server, &origin, &outcome) < 0.5);
		assert_int_equal(outcome.finished, i == 1);
		SSL_CTX_free(server);
		trust_release(trust);
		scenery_end(&scenery);
	}
}

/* What a session rests on that was judged under a rule that wants no status is worth nothing under
 * one that does. */
static void sessions_of_the_careless_are_not_the_careful_ones(void **state)
{
	const struct exhibit exhibit = { .id = "A36" };
	struct scenery scenery = gallery_make(&exhibit);
	SSL_CTX *server = make_server(&exhibit, &scenery);
	struct trust *trust = trust_scenery(&scenery);
	struct origin origin = { .name = "www.example.com", .address = &address, .trust = trust,
				 .generation = 80000 };

	(void)state;
	SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
	assert_int_equal(shake(server, &origin).reason, REASON_NONE);
	origin.wants_status = true;
	assert_int_equal(shake(server, &origin).reason, REASON_ORIGIN_UNCHECKED);
	SSL_CTX_free(server);
	trust_release(trust);
	scenery_end(&scenery);
}

static int set_up(void **state)
{
	static const uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1 };

	(void)state;
	gallery_begin();
	context = tls_context_new(ticket_keys);
	return address_parse_with_port(&address, "192.0.2.7:443") || !context;
}

static int tear_down(void **state)
{
	(void)state;
	tls_context_free(context);
	gallery_end();
	return 0;
}

static void write_text(const char *directory, size_t number, const char *kind, BIO *content)
{
	char path[512];
	char *bytes;
	long length = BIO_get_mem_data(content, &bytes);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%zu.%s", directory, number, kind);
	file = fopen(path, "w");
	if (!file || fwrite(bytes, 1, (size_t)length, file) != (size_t)length || fclose(file) != 0)
		exit(EXIT_FAILURE);
	BIO_free(content);
}

/* For tests over real networks: NUMBER.chain, NUMBER.key and NUMBER.trust of every exhibit that any
 * server can show, without a staple or a list, and a line about it on standard output. */
static int write_gallery(const char *directory)
{
	gallery_begin();
	for (size_t i = 0; i < gallery_count; i++) {
		const struct exhibit *exhibit = &gallery[i];
		struct scenery scenery;
		BIO *text = BIO_new(BIO_s_mem());

		if (exhibit->staple || exhibit->lists || exhibit->wants_status ||
		    exhibit->root == ROOT_OURS || exhibit->version) {
			BIO_free(text);
			continue;
		}
		scenery = gallery_make(exhibit);
		for (int j = 0; j < sk_X509_num(scenery.chain); j++)
			PEM_write_bio_X509(text, sk_X509_value(scenery.chain, j));
		write_text(directory, i, "chain", text);
		text = BIO_new(BIO_s_mem());
		PEM_write_bio_PrivateKey(text, scenery.key, NULL, NULL, 0, NULL, NULL);
		write_text(directory, i, "key", text);
		write_text(directory, i, "trust", BIO_new_mem_buf(scenery.trust_pem, -1));
		printf("%zu\t%s\t%s\t%s\t%s\n", i, exhibit->id,
		       exhibit->host ? exhibit->host : "www.example.com",
		       reason_word(exhibit->reason), exhibit->shows);
		scenery_end(&scenery);
	}
	gallery_end();
	return EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_exhibit_gets_its_verdict),
		cmocka_unit_test(notorious_roots_are_no_roots),
		cmocka_unit_test(keys_in_every_copy_of_a_tool_are_nobodys),
		cmocka_unit_test(extravagant_chains_cost_little),
		cmocka_unit_test(sessions_of_the_careless_are_not_the_careful_ones),
	};

	if (count == 3 && strcmp(arguments[1], "--write") == 0)
		return write_gallery(arguments[2]);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
