/* Which application protocol is spoken on each leg (RFC 7301). The origin is offered what the client
 * offered, as far as we carry it, and the client is answered with what the origin chose, so that
 * neither notices us. Where a rule leads elsewhere, the two legs may differ and we translate. */
#pragma once

#include "daemon/connection.h"

/* Fills what the target is offered, or spoken to in plain. upstream: of a rule that routes, or
 * NULL. */
void alpn_offer(const struct connection *connection, const struct upstream *upstream,
		struct target *target);

/* Limits the offer to HTTP/1, which alone can change protocols by Upgrade. */
void alpn_offer_http1(struct target *target);

/* What the client is answered; "" when nothing is. Static storage, or the server's. */
const char *alpn_answer(const struct connection *connection);

/* True when the client speaks HTTP/2 from here on; it is known to speak HTTP. */
bool alpn_client_speaks_h2(const struct connection *connection);

/* True when this connected server speaks HTTP/2, or may once it is connected. */
bool alpn_server_speaks_h2(const struct server *server);
bool alpn_server_may_speak_h2(const struct server *server);
