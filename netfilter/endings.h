/* Hears of connections that have ended, with what they carried (nfnetlink_conntrack, group
 * DESTROY). Opening needs CAP_NET_ADMIN. Bytes are counted only where
 * net.netfilter.nf_conntrack_acct is 1. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "netfilter/tuple.h"

struct endings;

struct ending {
	struct tuple tuple;
	uint64_t from_client; /* bytes with their IP headers; 0: none, or they are not counted */
	uint64_t to_client;
};

typedef void endings_each(void *context, const struct ending *ending);

/* Hears of nothing yet. NULL with errno. */
struct endings *endings_open(void);

/* Whether it hears from now on: the kernel tells nobody of what nobody wants to know. 0, or -1 with errno. */
int endings_want(struct endings *endings, bool wanted);

/* Hands over all that have ended since the last time: meant to be called now and then, not at every
 * one. 0, or -1 with errno; ENOBUFS: some were lost. */
int endings_read(struct endings *endings, endings_each *each, void *context);
