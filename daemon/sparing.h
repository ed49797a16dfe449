/* Why a connection that a rule would open is passed all the same: where opening it would break it, or
 * take something from it, and the rule says so. */
#pragma once

#include "daemon/connection.h"

/* Decides at the last moment before TLS is opened: what the client has said, and what this device
 * has refused before, are known. SPARED_NOT: open it. *refused: the rule wants neither. */
enum spared sparing_decide(const struct connection *connection, const struct rule *rule,
			   bool *refused);

/* The client has ended the handshake at the sight of our certificate. alert: what it said. */
void sparing_note_refusal(struct connection *connection, const char *alert);

/* The client has taken our certificate. */
void sparing_note_success(struct connection *connection);
