/* A door of one worker: accepts the connections that the kernel captured on one port of the gateway. */
#pragma once

#include "daemon/gateway.h"
#include "daemon/policy/policy.h"

struct listener;

/* Takes over the listening descriptor and accepts from now on. port_name (copied) and port_index are the
 * gateway's port it serves. NULL when out of memory; the descriptor is then closed. */
struct listener *listener_open(struct gateway *gateway, int fd, const char *port_name,
			       unsigned port_index);

/* NULL is fine. Connections accepted already go on. */
void listener_close(struct listener *listener);

/* The gateway's port it serves; owned by the listener, which outlives its connections. */
const char *listener_port_name(const struct listener *listener);
