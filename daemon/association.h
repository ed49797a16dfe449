/* A SOCKS5 proxy's promise to carry datagrams (RFC 1928 section 7): a TCP connection with it, which says
 * where it wants them and which must stay open for as long as they flow. */
#pragma once

#include <event2/event.h>

#include "daemon/policy/upstream.h"
#include "daemon/resolver.h"

struct association;

struct association_settings {
	struct event_base *base;
	struct resolver *resolver;
	const struct proxy *proxy;    /* the policy's; its `through` is THROUGH_SOCKS5 */
	struct address client;	      /* whose address the proxy is shown; AF_UNSPEC: ours */
	int64_t patience;	      /* microseconds until it must be made */
	/* Called when something has changed: ask association_relay(). Never from within association_new(). */
	void (*wake)(void *context);
	void *context;
};

/* Sets out for the proxy. The settings are copied. NULL when out of memory. */
struct association *association_new(const struct association_settings *settings);

/* NULL is fine. */
void association_free(struct association *association);

enum association_state { ASSOCIATION_ON_ITS_WAY, ASSOCIATION_MADE, ASSOCIATION_FAILED };

enum association_state association_state(const struct association *association);

/* When made: where datagrams go to. */
const struct address *association_relay(const struct association *association);

/* When failed, also after it was made: why. *detail (may be NULL) lives as long as the association. */
enum reason association_failure(const struct association *association, const char **detail);
