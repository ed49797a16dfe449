#include "daemon/tls/objections.h"

#include <openssl/x509v3.h>
#include <string.h>

#include "daemon/tls/public_suffix.h"

enum { SERIAL_OCTETS = 20 }; /* RFC 5280 section 4.1.2.2 */

/* A key that may sign certificates must not lie on a server. */
const char *objection_leaf(X509 *leaf)
{
	return X509_get_extension_flags(leaf) & EXFLAG_CA ? "an authority's certificate" : NULL;
}

static bool is_zero(const ASN1_INTEGER *number)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(number);
	int length = ASN1_STRING_length(number);

	for (int i = 0; i < length; i++)
		if (bytes[i])
			return false;
	return true;
}

const char *objection_any(const X509 *certificate)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || is_zero(serial))
		return "the serial number is not positive";
	if (ASN1_STRING_length(serial) > SERIAL_OCTETS)
		return "the serial number is too long";
	return NULL;
}

bool objection_wildcard(X509 *leaf, const char *name)
{
	const char *parent = strchr(name, '.');

	return parent && public_suffix_is(parent + 1) &&
	       X509_check_host(leaf, name, 0,
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS,
			       NULL) != 1;
}

bool objection_is_petty(int error, bool root)
{
	switch (error) {
	case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
	case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
	case X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL:
	case X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL:
		return true;
	case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
	case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
		return root;
	default:
		return false;
	}
}
