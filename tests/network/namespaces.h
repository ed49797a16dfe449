/* Three nameless network namespaces of this process, gone with it however it ends:
 *
 *    device ─────────── lan0  gateway  wan0 ─────────── server
 *    192.0.2.10         192.0.2.1      198.51.100.1     198.51.100.2
 *    2001:db8:1::10     2001:db8:1::1  2001:db8:2::1    2001:db8:2::2
 *    02:00:00:00:00:10
 *
 * The gateway forwards, with strict reverse path filtering. A socket stays in the namespace in
 * which it was made, so that one process can play all three. */
#pragma once

#include <stdint.h>

#include "daemon/address.h"

enum spot { DEVICE, GATEWAY, SERVER, SPOTS };

/* Draws the network and enters the gateway. 0, or -1 where namespaces cannot be made (not root). */
int network_draw(void);

/* Makes spot the namespace of what this process does next. */
void network_enter(enum spot spot);

/* Runs a shell command there, and returns here; its status must be 0. printf-like. */
void network_run(enum spot spot, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Blocking TCP sockets there, with 2 s of patience for everything. network_connect() returns -1
 * with errno when the connection fails; ETIMEDOUT after the 2 s. */
int network_listen(enum spot spot, const char *address_and_port);
int network_connect(enum spot spot, const char *address_and_port);
