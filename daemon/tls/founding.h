/* The making of a new authority's key and certificate, in memory. */
#pragma once

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/tls/authority.h"
