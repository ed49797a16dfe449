/* The lists of addresses in the kernel: what every packet's far end is looked up in, whichever way this
 * kernel can do it. The answer is a signature in some bits of the packet's mark; the rules do the rest. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "netfilter/signatures.h"

enum sieve_way {
	SIEVE_DAEMON, /* not in the kernel: rules on lists are a worker's */
	SIEVE_BPF,    /* marker.h */
	SIEVE_NFT,    /* shards.h */
};

enum { SIEVE_MESSAGE = 400 };

struct sieve;

/* Goes the way the owner wants, or the best there is, once a policy asks about lists of addresses. NULL: out
 * of memory. */
struct sieve *sieve_new(enum lists_in wanted);

/* Does ahead, at a start, what of the following can be done before a packet is touched. */
void sieve_prepare(struct sieve *sieve, const struct policy *policy);

/* Numbers what this policy asks about. False when its rules on lists are a worker's: nothing is asked, or
 * there is no way (then message says why). To be called before the rules are printed. */
bool sieve_take(struct sieve *sieve, const struct policy *policy,
		char message[static SIEVE_MESSAGE]);

/* What the rules are printed with. */
const struct signatures *sieve_signatures(const struct sieve *sieve);

/* After the rules are loaded: puts the ranges of the policy taken last into the kernel, in one step. 0, also
 * when they are there; -1 with errno and message: the ranges before stay. */
int sieve_switch(struct sieve *sieve, const struct policy *policy,
		 char message[static SIEVE_MESSAGE]);

/* Somebody may have removed what was in the kernel: the next sieve_switch() puts it there again. */
void sieve_doubt(struct sieve *sieve);

/* Nothing is asked of it until the next sieve_take(). */
void sieve_rest(struct sieve *sieve);

/* Sees to it that every port is looked after, also those that came since. 0, or -1 with errno when some port
 * is not; *ports (may be NULL) is how many are. */
int sieve_cover(struct sieve *sieve, const struct policy *policy, size_t *ports);

/* SIEVE_DAEMON also until a way is needed. */
enum sieve_way sieve_way(const struct sieve *sieve);
const char *sieve_word(enum sieve_way way);

/* Bytes of kernel memory. */
size_t sieve_size(const struct sieve *sieve);

/* Takes everything out of the kernel. */
void sieve_remove(struct sieve *sieve);

/* Forgets about it; what is in the kernel stays. NULL is fine. */
void sieve_free(struct sieve *sieve);
