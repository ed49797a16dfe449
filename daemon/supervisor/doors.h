/* The listening sockets of the gateway: for each LAN port one TCP port, and on it one listener for each
 * worker; and for the datagrams of all of them one UDP port, on which each worker has a socket. The supervisor keeps
 * them open for as long as they are wanted, so that connections wait in line while a worker is replaced. */
#pragma once

#include "daemon/policy/policy.h"
#include "netfilter/ruleset.h"

enum { WORKERS_MAX = 64 };

struct door {
	char name[PORT_NAME];
	unsigned index; /* of the interface; 0: it is not there now */
	uint16_t port;
	int fds[WORKERS_MAX]; /* one for each worker */
};

struct doors {
	unsigned workers;
	size_t count;
	struct door doors[LAN_PORTS_MAX];
	uint16_t datagram_port; /* 0: there is none */
	int datagrams[WORKERS_MAX];
};

/* Opens doors for the policy's LAN ports; those of before (may be NULL) with the same name are taken over and
 * removed from it. method: CAPTURE_TPROXY or CAPTURE_REDIRECT. 0, or -1 with errno; before is then
 * unchanged. */
int doors_open(struct doors *doors, const struct policy *policy, enum capture_method method,
	       struct doors *before);

/* Opens the door for datagrams, once. 0, or -1 with errno. */
int doors_open_datagrams(struct doors *doors);

/* Closes all that are still its own. */
void doors_close(struct doors *doors);

/* Fills a worker's listeners, in the policy's order; returns their number. They stay the doors'. */
size_t doors_of_worker(const struct doors *doors, unsigned worker, int fds[static LAN_PORTS_MAX]);

/* Fills in their interfaces, in the policy's order; 0 behind the last. */
void doors_indexes(const struct doors *doors, unsigned indexes[static LAN_PORTS_MAX]);

/* Looks at the interfaces again; true when an index has changed (a port went or came back). */
bool doors_refresh(struct doors *doors);

/* Writes the listener ports into the ruleset's LAN ports. */
void doors_into_ruleset(const struct doors *doors, struct ruleset *ruleset);
