/* A worker process: one event loop that carries the connections the kernel hands to its listeners. Runs
 * without root; holds CAP_NET_RAW and CAP_NET_BIND_SERVICE for transparent sockets and nothing else. */
#pragma once

#include "daemon/counters.h"
#include "daemon/health.h"
#include "daemon/policy/policy.h"
#include "daemon/tls/context.h"

struct worker_settings {
	unsigned index;
	unsigned workers;          /* how many there are */
	bool transparent;          /* captured by TPROXY */
	const char *account;
	struct policy *policy;     /* as inherited from the supervisor; the worker takes a hold */
	int orders;                /* from the supervisor (orders.h) */
	int signer;                /* its end of the pair to the signer */
	int journal;               /* its end of the pair to the recorder */
	int listeners[LAN_PORTS_MAX]; /* one for each of policy->lan */
	unsigned indexes[LAN_PORTS_MAX]; /* their interfaces */
	int datagrams;             /* its door for datagrams; -1: none */
	struct counters *counters; /* its own block */
	struct health *health;     /* of upstreams, shared by all workers */
	struct pinned *pinned;     /* shared by all */
	struct sightings *sightings; /* names that DNS gave to addresses; shared by all */
	struct tickets *tickets;   /* the same for all workers, but each turns its own copy */
	const char *authority_pem; /* the CA certificate */
	int ready;                 /* one byte is written here when it accepts */
};

/* Runs in a forked child and never returns. Serves until SIGTERM or until the supervisor is gone; then it
 * stops accepting and gives its connections DRAIN_SECONDS. */
void worker_run(const struct worker_settings *settings) __attribute__((noreturn));
