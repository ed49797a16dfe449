/* The reference limit of inspecting: what libssl alone takes for one client and one server
 * handshake in memory, which is what a gateway that inspects has to do for each connection. The
 * server side signs with a P-256 leaf, the client side verifies chain and name; nothing is resumed.
 * Usage: lim_tls CHAIN KEY ROOT NAME COUNT; prints one line of JSON. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { WARM_UP = 20, FLIGHTS_MAX = 10 };

static SSL_CTX *server_context(const char *chain, const char *key)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context || SSL_CTX_use_certificate_chain_file(context, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    !SSL_CTX_set_num_tickets(context, 0) ||
	    !SSL_CTX_set1_groups_list(context, "X25519:P-256"))
		return NULL;
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return context;
}

static SSL_CTX *client_context(const char *root)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (!context || !SSL_CTX_load_verify_locations(context, root, NULL) ||
	    !SSL_CTX_set1_groups_list(context, "X25519:P-256"))
		return NULL;
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	return context;
}

static bool shake(SSL *client, SSL *server, const char *name)
{
	BIO *client_end, *server_end;

	if (!client || !server || !BIO_new_bio_pair(&client_end, 0, &server_end, 0))
		return false;
	SSL_set_bio(client, client_end, client_end);
	SSL_set_bio(server, server_end, server_end);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	if (!SSL_set_tlsext_host_name(client, name) || !SSL_set1_host(client, name))
		return false;
	for (int flight = 0; flight < FLIGHTS_MAX; flight++) {
		int there = SSL_do_handshake(client);
		int here = SSL_do_handshake(server);
		if (there == 1 && here == 1)
			return true;
	}
	return false;
}

static long repeat(SSL_CTX *client, SSL_CTX *server, const char *name, long count)
{
	long done = 0;
	bool good = true;

	while (good && done < count) {
		SSL *there = SSL_new(client), *here = SSL_new(server);
		good = shake(there, here, name);
		done += good;
		SSL_free(there);
		SSL_free(here);
	}
	return done;
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	SSL_CTX *server = argc == 6 ? server_context(argv[1], argv[2]) : NULL;
	SSL_CTX *client = argc == 6 ? client_context(argv[3]) : NULL;
	double begun;
	long done;

	if (!server || !client || repeat(client, server, argv[4], WARM_UP) != WARM_UP) {
		ERR_print_errors_fp(stderr);
		return 1;
	}
	begun = cpu_seconds();
	done = repeat(client, server, argv[4], atol(argv[5]));
	printf("{\"handshakes\": %ld, \"cpu\": %.6f}\n", done, cpu_seconds() - begun);
	return 0;
}
