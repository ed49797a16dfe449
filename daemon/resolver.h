/* Names of upstreams to addresses, without blocking: libevent's DNS client with the system's
 * resolv.conf and hosts file as they were when the worker started. Only names that the owner wrote into
 * the policy are ever asked for. */
#pragma once

#include <event2/event.h>

#include "daemon/address.h"

struct resolver;

/* Reads the system's files: call it before the file system is closed off. NULL when out of memory. */
struct resolver *resolver_new(struct event_base *base);
void resolver_free(struct resolver *resolver);

/* One question; embedded in the caller. */
struct resolver_wait {
	void *request; /* NULL: none in flight */
	void (*done)(void *context, const struct address *address); /* NULL: no address */
	void *context;
};

/* Asks for an address of host, of the preferred family when it has one, else of the other. done() is called
 * once, possibly before this returns; the address's port is 0. */
void resolver_ask(struct resolver *resolver, const char *host, sa_family_t preferred,
		  struct resolver_wait *wait);

/* done() will not be called any more. */
void resolver_cancel(struct resolver_wait *wait);
