/* The way through a proxy, once it is connected: TLS with it where it is an https one, then SOCKS5 or CONNECT
 * until it says that the server is there. */
#pragma once

#include "daemon/policy/upstream.h"
#include "daemon/side.h"
#include "daemon/tls/context.h"
#include "daemon/tls/trust.h"

struct tunnel;

struct tunnel_settings {
	const struct proxy *proxy;
	const struct address *proxy_address; /* as connected */
	const char *name;	       /* of the server, for the proxy to resolve; NULL: its address */
	struct address address;	       /* of the server; with a name the port alone counts */
	struct tls_context *tls;       /* for an https proxy */
	struct trust *trust;	       /* that it must prove itself by */
	unsigned generation;	       /* of the policy */
};

/* Begins on a connected side. The settings are copied; what they point to must outlive the tunnel. NULL when out of
 * memory. */
struct tunnel *tunnel_new(const struct tunnel_settings *settings);

/* The same for datagrams, through a SOCKS5 proxy (UDP ASSOCIATE); name and address are not looked at. */
struct tunnel *tunnel_new_for_datagrams(const struct tunnel_settings *settings);

/* Once that has ended with SIDE_DONE: where the proxy wants its datagrams. AF_UNSPEC: it named a host. */
const struct address *tunnel_relay(const struct tunnel *tunnel);
void tunnel_free(struct tunnel *tunnel);

/* Goes as far as it can. SIDE_DONE: what is read and written now is the server's. */
enum side_progress tunnel_turn(struct tunnel *tunnel, struct side *side);

/* Why it failed; *detail (may be NULL) is static or the side's. */
enum reason tunnel_failure(const struct tunnel *tunnel, const char **detail);
