/* The JA4 fingerprint of a ClientHello: the same for the same program, whatever it asks for (FoxIO's JA4
 * specification). */
#pragma once

#include "daemon/tls/hello.h"

enum { JA4_SIZE = 37 }; /* "t13d1516h2_8daaf6152771_e5627efa2ab1" and a NUL */

/* Writes the fingerprint of a parsed hello that came by this transport ('t': TCP, 'q': QUIC), and returns it. Without
 * memory its hashes are zeros. */
char *ja4_print(const struct hello *hello, char transport, char ja4[static JA4_SIZE]);
