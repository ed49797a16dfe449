/* What both ends of a finished TLS handshake agreed on, the same for either leg. */
#pragma once

#include <openssl/ssl.h>

#include "daemon/endpoint.h"

/* Fills version, cipher, alpn and resumed. */
void agreed_facts(const SSL *ssl, struct tls_facts *facts);
