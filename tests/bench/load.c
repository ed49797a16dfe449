/* The load generator of the benchmark: does a fixed number of HTTP exchanges over plain TCP or full
 * TLS handshakes (never resumed, always verified), checks every body and prints one line of JSON.
 * The same program drives every gateway. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum {
	TIMEOUT_SECONDS = 5, /* of one read or write */
	FAILURES_MAX = 5,    /* a thread gives up after so many */
	THREADS_MAX = 64,
};

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

int fail(struct tally *tally, const char *what)
{
	unsigned long error = ERR_peek_last_error();

	tally->failures++;
	if (!tally->failure[0])
		snprintf(tally->failure, sizeof(tally->failure), "%s: %s", what,
			 error ? ERR_reason_error_string(error) : strerror(errno));
	ERR_clear_error();
	return -1;
}

static int dial(const struct task *task)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&task->server, sizeof(task->server)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int secure(struct stream *stream, struct tally *tally)
{
	stream->ssl = SSL_new(tally->task->tls);
	if (!stream->ssl || !SSL_set_fd(stream->ssl, stream->fd) ||
	    !SSL_set_tlsext_host_name(stream->ssl, tally->task->name) ||
	    !SSL_set1_host(stream->ssl, tally->task->name) || SSL_connect(stream->ssl) != 1)
		return fail(tally, "handshake");
	snprintf(tally->version, sizeof(tally->version), "%s", SSL_get_version(stream->ssl));
	return 0;
}

static void stream_close(struct stream *stream)
{
	if (stream->ssl)
		SSL_shutdown(stream->ssl);
	SSL_free(stream->ssl);
	if (stream->fd >= 0)
		close(stream->fd);
	stream->ssl = NULL;
	stream->fd = -1;
}

static int stream_open(struct stream *stream, struct tally *tally)
{
	stream->ssl = NULL;
	stream->length = stream->taken = 0;
	stream->closing = false;
	stream->fd = dial(tally->task);
	if (stream->fd < 0)
		return fail(tally, "connect");
	if (tally->task->tls && secure(stream, tally) < 0) {
		stream_close(stream);
		return -1;
	}
	tally->connections++;
	return 0;
}

int stream_write(struct stream *stream, const char *bytes, size_t length)
{
	ssize_t written = stream->ssl ? SSL_write(stream->ssl, bytes, length)
				      : write(stream->fd, bytes, length);

	return written == (ssize_t)length ? 0 : -1;
}

int stream_fill(struct stream *stream)
{
	char *end = stream->buffer + stream->length;
	size_t room = sizeof(stream->buffer) - 1 - stream->length;
	ssize_t got = stream->ssl ? SSL_read(stream->ssl, end, room) : read(stream->fd, end, room);

	if (got <= 0)
		return -1;
	stream->length += got;
	stream->buffer[stream->length] = '\0';
	return 0;
}

/* Reads a response head; the number of body bytes it promises, or -1. */
static long long read_head(struct stream *stream)
{
	const char *end, *promised;

	stream->length = stream->taken = 0;
	stream->buffer[0] = '\0';
	while (!(end = strstr(stream->buffer, "\r\n\r\n")))
		if (stream_fill(stream) < 0)
			return -1;
	stream->taken = end + 4 - stream->buffer;
	stream->buffer[stream->taken - 1] = '\0';
	if (strncmp(stream->buffer, "HTTP/1.1 200", 12) != 0)
		return -1;
	stream->closing = strcasestr(stream->buffer, "\r\nconnection: close") != NULL;
	promised = strcasestr(stream->buffer, "\r\ncontent-length:");
	return promised ? atoll(promised + strlen("\r\ncontent-length:")) : -1;
}

void tally_body(struct tally *tally, unsigned long long bytes, EVP_MD_CTX *hash)
{
	unsigned char digest[32];

	EVP_DigestFinal_ex(hash, digest, NULL);
	if (tally->requests == 0)
		memcpy(tally->digest, digest, sizeof(digest));
	else if (memcmp(tally->digest, digest, sizeof(digest)) != 0)
		tally->mixed = true;
	tally->bytes += bytes;
}

static int read_body(struct stream *stream, struct tally *tally, long long promised)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	long long left = promised;

	if (!hash || !EVP_DigestInit_ex(hash, tally->task->sha256, NULL))
		left = -1;
	while (left >= 0) {
		size_t part = stream->length - stream->taken;
		EVP_DigestUpdate(hash, stream->buffer + stream->taken, part);
		left -= part;
		stream->length = stream->taken = 0;
		if (left <= 0 || stream_fill(stream) < 0)
			break;
	}
	if (left == 0)
		tally_body(tally, promised, hash);
	EVP_MD_CTX_free(hash);
	return left == 0 ? 0 : -1;
}

static int exchange(struct stream *stream, struct tally *tally, bool last)
{
	char request[1024];
	int length =
		snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n%s\r\n",
			 tally->task->path, tally->task->name, last ? "Connection: close\r\n" : "");
	long long promised;

	if (stream_write(stream, request, length) < 0)
		return fail(tally, "request");
	promised = read_head(stream);
	if (promised < 0)
		return fail(tally, "response head");
	if (read_body(stream, tally, promised) < 0)
		return fail(tally, "response body");
	tally->requests++;
	return 0;
}

/* Opened again where the other side closes early. */
static void converse_h1(struct stream *stream, struct tally *tally)
{
	struct task *task = tally->task;

	for (long i = 1; i <= task->requests && now() < task->deadline; i++) {
		if (exchange(stream, tally, i == task->requests && !task->hold) < 0)
			break;
		if (!stream->closing || i == task->requests)
			continue;
		stream_close(stream);
		if (stream_open(stream, tally) < 0)
			return;
	}
}

/* One connection with all its requests. */
static void visit(struct stream *stream, struct tally *tally)
{
	struct task *task = tally->task;

	if (stream_open(stream, tally) < 0)
		return;
	if (task->streams)
		converse_h2(stream, tally);
	else
		converse_h1(stream, tally);
	if (!task->hold)
		stream_close(stream);
}

static void *run_thread(void *argument)
{
	struct tally *tally = argument;
	struct task *task = tally->task;
	struct stream *stream = malloc(sizeof(*stream));

	while (stream && atomic_fetch_sub(&task->left, 1) > 0) {
		if (now() >= task->deadline || tally->failures >= FAILURES_MAX)
			break;
		visit(stream, tally);
	}
	free(stream);
	return NULL;
}

static void add(struct tally *sum, const struct tally *part)
{
	if (sum->requests == 0)
		memcpy(sum->digest, part->digest, sizeof(sum->digest));
	else if (part->requests && memcmp(sum->digest, part->digest, sizeof(sum->digest)) != 0)
		sum->mixed = true;
	sum->mixed |= part->mixed;
	sum->connections += part->connections;
	sum->requests += part->requests;
	sum->failures += part->failures;
	sum->bytes += part->bytes;
	if (!sum->failure[0])
		memcpy(sum->failure, part->failure, sizeof(sum->failure));
	if (!sum->version[0])
		memcpy(sum->version, part->version, sizeof(sum->version));
}

static void print(const struct tally *tally, double seconds)
{
	printf("{\"connections\": %ld, \"requests\": %ld, \"bytes\": %llu, \"failures\": %ld, "
	       "\"failure\": \"%s\", \"version\": \"%s\", \"seconds\": %.6f, \"sha256\": \"",
	       tally->connections, tally->requests, tally->bytes, tally->failures, tally->failure,
	       tally->version, seconds);
	for (size_t i = 0; i < sizeof(tally->digest) && !tally->mixed; i++)
		printf("%02x", tally->digest[i]);
	printf("\"}\n");
	fflush(stdout);
}

static void work(struct task *task)
{
	struct tally tallies[THREADS_MAX] = { 0 };
	pthread_t threads[THREADS_MAX];
	struct tally sum = { 0 };
	double begun = now();
	long started = 0;

	for (; started < task->threads; started++) {
		tallies[started].task = task;
		if (pthread_create(&threads[started], NULL, run_thread, &tallies[started]) != 0)
			break;
	}
	for (long i = 0; i < started; i++) {
		pthread_join(threads[i], NULL);
		add(&sum, &tallies[i]);
	}
	print(&sum, now() - begun);
}

/* Opens the connections one by one and keeps them until stdin ends. */
static void hold(struct task *task)
{
	long count = atomic_load(&task->left);
	struct stream *streams = calloc(count, sizeof(*streams));
	struct tally tally = { .task = task };
	double begun = now();
	char byte;

	for (long i = 0; streams && i < count && tally.failures < FAILURES_MAX; i++)
		visit(&streams[i], &tally);
	print(&tally, now() - begun);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	free(streams);
}

static int prepare_tls(struct task *task)
{
	task->tls = SSL_CTX_new(TLS_client_method());
	if (!task->tls || !SSL_CTX_load_verify_locations(task->tls, task->authority, NULL))
		return -1;
	SSL_CTX_set_verify(task->tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(task->tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(task->tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (task->streams)
		SSL_CTX_set_alpn_protos(task->tls, (const unsigned char *)"\2h2", 3);
	return SSL_CTX_set1_groups_list(task->tls, "X25519:P-256") ? 0 : -1;
}

static const struct option options[] = {
	{ "address", required_argument, NULL, 'a' },
	{ "port", required_argument, NULL, 'p' },
	{ "name", required_argument, NULL, 'n' },
	{ "path", required_argument, NULL, 'u' },
	{ "authority", required_argument, NULL, 'c' },
	{ "connections", required_argument, NULL, 'k' },
	{ "requests", required_argument, NULL, 'r' },
	{ "streams", required_argument, NULL, 'm' },
	{ "threads", required_argument, NULL, 't' },
	{ "seconds", required_argument, NULL, 's' },
	{ "hold", no_argument, NULL, 'h' },
	{ 0 },
};

static int read_option(struct task *task, int option, const char *value)
{
	switch (option) {
	case 'a':
		return inet_pton(AF_INET, value, &task->server.sin_addr) == 1 ? 0 : -1;
	case 'p':
		task->server.sin_port = htons(atoi(value));
		return 0;
	case 'n':
		task->name = value;
		return 0;
	case 'u':
		task->path = value;
		return 0;
	case 'c':
		task->authority = value;
		return 0;
	case 'k':
		atomic_store(&task->left, atol(value));
		return 0;
	case 'r':
		task->requests = atol(value);
		return 0;
	case 'm':
		task->streams = atol(value);
		return task->streams >= 0 && task->streams <= AT_A_TIME_MAX ? 0 : -1;
	case 't':
		task->threads = atol(value);
		return 0;
	case 's':
		task->deadline = now() + atof(value);
		return 0;
	case 'h':
		task->hold = true;
		return 0;
	default:
		return -1;
	}
}

int main(int argc, char **argv)
{
	struct task task = { .server.sin_family = AF_INET,
			     .path = "/",
			     .requests = 1,
			     .threads = 1,
			     .left = 1,
			     .deadline = now() + 3600 };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (read_option(&task, option, optarg) < 0)
			return 2;
	if (!task.name || (task.streams && !task.authority) || task.threads < 1 || task.threads > THREADS_MAX)
		return 2;
	task.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!task.sha256 || (task.authority && prepare_tls(&task) < 0)) {
		ERR_print_errors_fp(stderr);
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	if (task.hold)
		hold(&task);
	else
		work(&task);
	return 0;
}
