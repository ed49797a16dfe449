/* What the journal and the control socket see of a connection. */
#pragma once

#include "daemon/connection.h"

/* Points the view at the connection; valid until it changes. exchange (may be NULL) chooses whose server is
 * shown. */
void connection_view(const struct connection *connection, const struct exchange *exchange,
		     struct connection_view *view);

/* Writes an event when somebody listens. exchange may be NULL. */
void connection_note(struct connection *connection, enum event_kind kind,
		     const struct exchange *exchange);

/* Writes an event about one server of the connection when somebody listens. */
void server_event(const struct server *server, enum event_kind kind);

/* Writes the journal's line for a connection that has ended, as its rule's `log` says, and counts. */
void connection_report(struct connection *connection);

/* Writes the journal's line for an exchange that has ended, as its rule's `log` says, and counts. */
void exchange_report(struct connection *connection, const struct exchange *exchange);
