/* The signer process: holds the authority's key, issues leaves to the workers, has no capability,
 * no network and, once the key is read, no file system. */
#pragma once

#include <stddef.h>

struct signer_settings {
	const char *directory; /* of the authority */
	const char *next;      /* of the one that will take its place; NULL: none */
	const char *account;   /* "headgate-ca" or "nobody" */
	const struct authority_constraint *never;
	size_t never_count;
	const int *channels; /* our ends of the pairs, one per worker; SOCK_SEQPACKET */
	size_t channel_count;
	const char *const *last_names; /* all that the last channel may have leaves for; ends with NULL. NULL: it is
					  like the others */
	int ready; /* one byte is written here when requests are answered */
};

/* Runs in a forked child and never returns. Makes the authority on first start (as the account, in
 * a directory that is given to it), then serves until SIGTERM or until every channel is closed.
 * Exit status 1 with a logged cause when the authority cannot be used. */
void signer_run(const struct signer_settings *settings) __attribute__((noreturn));
