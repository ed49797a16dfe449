#include "daemon/tls/agreed.h"

#include <stdio.h>
#include <string.h>

void agreed_facts(const SSL *ssl, struct tls_facts *facts)
{
	const unsigned char *alpn;
	unsigned length;

	SSL_get0_alpn_selected(ssl, &alpn, &length);
	if (length >= sizeof(facts->alpn))
		length = sizeof(facts->alpn) - 1;
	if (length > 0)
		memcpy(facts->alpn, alpn, length);
	facts->alpn[length] = '\0';
	snprintf(facts->version, sizeof(facts->version), "%s", SSL_get_version(ssl));
	snprintf(facts->cipher, sizeof(facts->cipher), "%s", SSL_get_cipher_name(ssl));
	facts->resumed = SSL_session_reused(ssl);
}
