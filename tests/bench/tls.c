/* What TLS costs inside the gateway, without any network: its own share of handshakes over a local
 * socket, in CPU time, full and resumed, with and without the cache of verified chains; a leaf made by
 * the signer beside the one signature that it cannot do without. Usage: tls COUNT DIRECTORY; prints one
 * line of JSON, microseconds each. */
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/tls/authority.h"
#include "daemon/tls/chains.h"
#include "daemon/tls/issuer.h"
#include "daemon/tls/leaf.h"
#include "daemon/tls/origin.h"
#include "daemon/tls/terminator.h"
#include "tests/unit/chains.h"

static struct tls_context *context;
static struct trust *trust;
static struct address address;
static struct leaf leaf;
static SSL_CTX *origin, *device;
static SSL_SESSION *ticket;
static X509 *root;

static double cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Our share of one handshake; ends the program when it fails. */
static double shake(SSL *ours, SSL *theirs)
{
	int here = 0, there = 0;
	double spent = 0;

	for (int i = 0; i < 20 && (here != 1 || there != 1); i++) {
		double before = cpu();

		if (here != 1)
			here = SSL_do_handshake(ours);
		spent += cpu() - before;
		if (there != 1)
			there = SSL_do_handshake(theirs);
	}
	if (here != 1 || there != 1) {
		fprintf(stderr, "tls: a handshake failed\n");
		exit(EXIT_FAILURE);
	}
	return spent;
}

/* Sessions are bound to the policy: another generation means a full handshake. */
static double reach_origin(unsigned generation, bool *resumed)
{
	const struct origin wanted = { .name = "www.example.com", .address = &address,
				       .trust = trust, .generation = generation };
	int fds[2];
	SSL *ours, *theirs = SSL_new(origin);
	double spent = cpu();

	chain_sockets(fds);
	ours = origin_open(context, &wanted);
	SSL_set_fd(ours, fds[0]);
	spent = cpu() - spent;
	SSL_set_fd(theirs, fds[1]);
	SSL_set_accept_state(theirs);
	spent += shake(ours, theirs);
	*resumed = SSL_session_reused(ours);
	chain_exchange(ours, theirs);
	SSL_shutdown(ours);
	SSL_free(ours);
	SSL_free(theirs);
	close(fds[0]);
	close(fds[1]);
	return spent;
}

static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(ticket);
	ticket = session;
	return 1;
}

static double serve_device(unsigned generation, bool *resumed)
{
	const struct terminator wanted = { .leaf = &leaf, .name = "www.example.com",
					   .generation = generation, .alpn = "" };
	int fds[2];
	SSL *ours, *theirs = SSL_new(device);
	double spent = cpu();

	chain_sockets(fds);
	ours = terminator_open(context, &wanted);
	SSL_set_fd(ours, fds[0]);
	spent = cpu() - spent;
	SSL_set_fd(theirs, fds[1]);
	SSL_set_connect_state(theirs);
	SSL_set_tlsext_host_name(theirs, "www.example.com");
	if (ticket) {
		SSL_SESSION *again = SSL_SESSION_dup(ticket);

		SSL_set_session(theirs, again);
		SSL_SESSION_free(again);
	}
	spent += shake(ours, theirs);
	*resumed = SSL_session_reused(ours);
	chain_exchange(theirs, ours);
	SSL_shutdown(theirs);
	SSL_free(ours);
	SSL_free(theirs);
	close(fds[0]);
	close(fds[1]);
	return spent;
}

static double both_legs(unsigned first, unsigned step, int count, bool expected)
{
	bool there = expected, here = expected;
	double spent = 0;

	for (int i = 0; i < count; i++) {
		spent += reach_origin(first + (unsigned)i * step, &there);
		spent += serve_device(first + (unsigned)i * step, &here);
		if (there != expected || here != expected) {
			fprintf(stderr, "tls: a handshake was %s\n", expected ? "full" : "resumed");
			exit(EXIT_FAILURE);
		}
	}
	return spent / count;
}

static double forgetful_origin(unsigned first, int count)
{
	bool resumed;
	double spent = 0;

	for (int i = 0; i < count; i++) {
		chains_free(context->chains);
		context->chains = chains_new(CHAINS_MAX);
		spent += reach_origin(first + (unsigned)i, &resumed);
	}
	return spent / count;
}

static double knowing_origin(unsigned first, int count)
{
	bool resumed;
	double spent = 0;

	for (int i = 0; i < count; i++)
		spent += reach_origin(first + (unsigned)i, &resumed);
	return spent / count;
}

static double one_leaf(const struct authority *authority, int count)
{
	struct issue_request request = { .not_after = INT64_MAX };
	struct issue_reply reply;
	double begun;

	request.key_length = (uint16_t)context->leaf_key_der_length;
	memcpy(request.key, context->leaf_key_der, context->leaf_key_der_length);
	begun = cpu();
	for (int i = 0; i < count; i++) {
		snprintf(request.name, sizeof(request.name), "host-%d.example.com", i);
		leaf_issue(authority, &request, time(NULL), &reply);
		if (reply.answer != ISSUE_DONE)
			exit(EXIT_FAILURE);
	}
	return (cpu() - begun) / count;
}

static double one_signature(const struct authority *authority, int count)
{
	uint8_t bytes[500] = { 0 }, signature[AUTHORITY_SIGNATURE_MAX];
	double begun = cpu();

	for (int i = 0; i < count; i++)
		if (!authority_sign(authority, bytes, sizeof(bytes), signature))
			exit(EXIT_FAILURE);
	return (cpu() - begun) / count;
}

/* An origin with a root, an intermediate and a leaf, all of P-256. */
static void set_up(void)
{
	static const uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1 };
	EVP_PKEY *root_key = EVP_EC_gen("P-256"), *middle_key = EVP_EC_gen("P-256");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	const struct chain_plan middle_plan = { .subject = "Intermediate",
						.basic = "critical,CA:TRUE",
						.usage = "critical,keyCertSign",
						.begin = -3600, .end = 86400 };
	const struct chain_plan plan = { .subject = "www.example.com",
					 .names = "DNS:www.example.com",
					 .basic = "critical,CA:FALSE", .extended = "serverAuth",
					 .begin = -3600, .end = 86400 };
	X509 *middle, *shown;
	char *pem;

	root = chain_root("Root", root_key);
	middle = chain_make(&middle_plan, middle_key, root, root_key);
	shown = chain_make(&plan, key, middle, middle_key);
	pem = chain_pem(root);
	context = tls_context_new(ticket_keys);
	trust = trust_new(pem, strlen(pem));
	free(pem);
	origin = SSL_CTX_new(TLS_server_method());
	SSL_CTX_use_certificate(origin, shown);
	SSL_CTX_use_PrivateKey(origin, key);
	SSL_CTX_add1_chain_cert(origin, middle);
	SSL_CTX_set_session_id_context(origin, (const uint8_t *)"origin", 6);
	device = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(device, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(device, keep_ticket);
	leaf = (struct leaf){ .holders = 1, .key = context->leaf_key, .authority = root };
	leaf.certificate = chain_make(&plan, context->leaf_key, root, root_key);
	address_parse_with_port(&address, "192.0.2.7:443");
}

int main(int argc, char **argv)
{
	int count = argc == 3 ? atoi(argv[1]) : 0;
	struct authority *authority;
	double full, resumed, forgetful, knowing;

	if (count < 1 || authority_create(argv[2], NULL, 0) < 0 ||
	    !(authority = authority_open(argv[2]))) {
		fprintf(stderr, "usage: tls COUNT NEW-DIRECTORY\n");
		return 2;
	}
	set_up();
	both_legs(1000, 1, 20, false);
	full = both_legs(10000, 1, count, false);
	both_legs(5, 0, 1, false);
	resumed = both_legs(5, 0, count, true);
	forgetful = forgetful_origin(100000, count);
	knowing = knowing_origin(200000, count);
	printf("{\"full\": %.1f, \"resumed\": %.1f, \"forgetful\": %.1f, \"knowing\": %.1f, "
	       "\"leaf\": %.1f, \"signature\": %.1f}\n",
	       full, resumed, forgetful, knowing, one_leaf(authority, 10 * count),
	       one_signature(authority, 10 * count));
	return 0;
}
