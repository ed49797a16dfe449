/* The console's listening sockets, and the word that opens it. Like the other doors they are the supervisor's and
 * outlive the process behind them. An address that is not the machine's own is bound to the ports of the LAN, so
 * that nobody reaches it by another way. */
#pragma once

#include <net/if.h>

#include "daemon/policy/policy.h"
#include "daemon/tls/digest.h"

enum { CONSOLE_LISTENERS_MAX = CONSOLE_LISTENS_MAX * LAN_PORTS_MAX };

struct console_listener {
	struct address address;
	char port[PORT_NAME]; /* "": any */
	unsigned index;	      /* of the port; 0: any */
	int fd;
};

struct console_door {
	size_t count;
	struct console_listener listeners[CONSOLE_LISTENERS_MAX];
	char digest[DIGEST_HEX_SIZE]; /* of the token; "": the console is off */
	bool said;		      /* what cannot be opened */
};

/* Opens what the policy wants and is not open, closes what it does not want any more. True when something changed.
 * Call after a reload and from time to time: ports come and go. */
bool console_door_adjust(struct console_door *door, const struct policy *policy);

/* Reads the token anew, where the policy has a console. True when it is another one. */
bool console_door_rekey(struct console_door *door, const struct policy *policy, const char *state_directory);

void console_door_close(struct console_door *door);
