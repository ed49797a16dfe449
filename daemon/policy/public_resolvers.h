/* The public resolvers that devices know by heart and reach by DNS over HTTPS (RFC 8484), TLS (RFC 7858) or QUIC
 * (RFC 9250), past the resolver of the house; and the names by which they find out whether they may: what
 * `public-resolvers` means in `host` and `address`. As their operators publish them; not all there are. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/address.h"

bool public_resolvers_have_name(const char *host);
bool public_resolvers_have_address(const struct address *address);

/* All their prefixes, none within another. */
const struct prefix *public_resolvers_prefixes(size_t *count);
