/* Where a connection's traffic under a rule goes, and what must be true of the server there. */
#pragma once

#include "daemon/connection.h"

/* Fills the target: the rule's upstream, or the original destination (rule: NULL, or one that does not route). Where
 * the client's TLS is, or will be, terminated, the server is spoken to in TLS of its own. Names are the connection's
 * or the policy's. */
void connection_target(struct connection *connection, const struct rule *rule,
		       struct target *target);
