/* What lines and events say of a flow that visits the packet door. */
#pragma once

#include "daemon/visit.h"

/* What a flow has said so far. */
struct said {
	unsigned learned; /* MOMENT_… beyond the addresses */
	enum protocol protocol;
	const char *host; /* NULL: none */
	struct span alpn;
	uint16_t tls_version;
};

/* A view and what it points to: pinned where it is filled. */
struct told {
	struct connection_view view;
	struct endpoint client;
	struct tls_facts tls;
};

/* Fills it for a flow, under an id of its own, as of now. Rule, shadows and reason are the caller's
 * to add. */
void told_begin(struct told *told, struct visits *visits, const struct flow *flow,
		const struct said *said);
