/* A real signer process for the tests of both its ends. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "daemon/tls/authority.h"

/* Makes a directory that signers may use; removed with its authority by signing_end(). */
void signing_begin(void);
void signing_end(void);

/* Where the authority is. */
const char *signing_directory(void);

/* Starts a signer that serves channels, and waits until it says that it does. Returns its id, or -1
 * when it ended instead; *status (may be NULL) is then its exit status. */
pid_t signing_start(const int *channels, size_t count, const struct authority_constraint *never,
		    size_t never_count, int *status);

/* The same; the last channel may have leaves for these names alone (ends with NULL). */
pid_t signing_start_narrow(const int *channels, size_t count, const char *const *names);

/* Ends a signer with the signal; returns the status of waitpid(). */
int signing_stop(pid_t signer, int signal_number);
