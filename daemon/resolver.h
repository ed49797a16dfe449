/* Names of upstreams to addresses, without blocking: the system's hosts file, then its nameservers (libevent's
 * DNS client), both families at once. Answers are kept for as long as they say; while the nameservers fail,
 * old ones do. Only names that the owner wrote into the policy are ever asked for. */
#pragma once

#include <event2/event.h>

#include "daemon/address.h"

enum {
	RESOLVER_NAMES_MAX = 256,      /* names kept */
	RESOLVED_MAX = 8,	       /* addresses of one name */
	RESOLVER_SECOND_FAMILY = 50,   /* milliseconds that the other family is waited for (RFC 8305 section 3) */
	RESOLVER_TTL_LEAST = 5,	       /* seconds, whatever the answer says */
	RESOLVER_TTL_MOST = 3600,
	RESOLVER_TTL_NONE = 5,	       /* of "there is no such name" */
	RESOLVER_STALE_SECONDS = 86400, /* how long an old answer may stand in for a failing one (RFC 8767) */
};

struct resolver;

/* Begins with the system's files: call it before the file system is closed off. NULL when out of memory. */
struct resolver *resolver_new(struct event_base *base);
void resolver_free(struct resolver *resolver);

/* Reads the system's files anew, from these descriptors, which stay the caller's. What is known is forgotten. */
void resolver_renew(struct resolver *resolver, int resolv_conf, int hosts);

/* What a name has come to: IPv4 and IPv6 mixed as the answers gave them; ports are 0. */
struct resolved {
	size_t count; /* 0: no address */
	struct address addresses[RESOLVED_MAX];
};

/* One question; embedded in the caller. */
struct resolver_wait {
	struct lookup *lookup; /* NULL: none in flight */
	struct resolver_wait *next;
	void (*done)(void *context, const struct resolved *resolved);
	void *context;
};

/* Asks for the addresses of a canonical name. done() is called once, possibly before this returns. */
void resolver_ask(struct resolver *resolver, const char *host, struct resolver_wait *wait);

/* done() will not be called any more. */
void resolver_cancel(struct resolver_wait *wait);
