/* What the files of the load generator share. */
#pragma once

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
	BUFFER_BYTES = 64 * 1024,
	AT_A_TIME_MAX = 100, /* streams of one connection */
};

/* What to do; constant once the threads run, but for the countdown of connections. */
struct task {
	struct sockaddr_in server;
	const char *name;
	const char *path;
	const char *authority; /* file of the roots that the server's chain must lead to; NULL: no
				  TLS */
	SSL_CTX *tls;
	EVP_MD *sha256;
	long requests; /* per connection */
	long streams;  /* HTTP/2, so many at a time; 0: HTTP/1.1 */
	long threads;
	double deadline;  /* CLOCK_MONOTONIC, seconds */
	atomic_long left; /* connections still to open */
	bool hold;	  /* keep the connections open until stdin ends */
};

/* What was done, by one thread. */
struct tally {
	struct task *task;
	long connections, requests, failures;
	unsigned long long bytes;
	unsigned char digest[32]; /* of the first body; every other one must be equal */
	bool mixed;
	char failure[160];
	char version[16];
};

struct stream {
	int fd;
	SSL *ssl;
	size_t length, taken; /* filled part of buffer, and how much of it was used */
	bool closing;	      /* the server announced that it closes after this response */
	char buffer[BUFFER_BYTES];
};

/* Seconds of CLOCK_MONOTONIC. */
double now(void);

/* Notes a failure; -1. */
int fail(struct tally *tally, const char *what);

/* 0, or -1. */
int stream_write(struct stream *stream, const char *bytes, size_t length);

/* Appends what has arrived to the buffer, which must have room. 0, or -1. */
int stream_fill(struct stream *stream);

/* A whole body has come: its length, and its hash, which is ended. */
void tally_body(struct tally *tally, unsigned long long bytes, EVP_MD_CTX *hash);

/* All the task's requests over a connection on which TLS has agreed on HTTP/2. */
void converse_h2(struct stream *stream, struct tally *tally);
