/* The console process: a web page for the owner and metrics for Prometheus, over HTTP/1. It only looks: what it may
 * ask the supervisor and the recorder is theirs to say, over pairs by which it is introduced
 * (control/introduction.h). It has no capability, opens no file and makes no connection. */
#pragma once

#include <stddef.h>

struct console_process {
	const int *listeners; /* non-blocking; who connects to them is a visitor */
	size_t listener_count;
	int supervisor, recorder; /* its ends of the pairs by which it is introduced */
	int signer;		  /* its end of the pair to the signer; -1: there is no TLS */
	const char *digest;	  /* SHA-256 of the token, in hexadecimal */
	const char *const *names; /* by which it may be called, beside addresses; ends with NULL */
	const char *authority_pem; /* NULL: there is none */
	const char *account;	   /* "headgate-web", or "nobody" */
};

enum {
	VISITORS_MAX = 32,	 /* at a time */
	VISITORS_PER_ADDRESS = 12, /* of them from one address; a browser opens six */
};

/* Runs in a forked child that still is root, and never returns: drops privilege and serves until SIGTERM, or until the
 * supervisor is gone. */
void console_run(const struct console_process *process) __attribute__((noreturn));
