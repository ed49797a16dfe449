#include "daemon/tls/authority_print.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdbool.h>

STACK_OF(X509) * authority_certificates(const char *pem)
{
	STACK_OF(X509) *certificates = sk_X509_new_null();
	BIO *input = pem ? BIO_new_mem_buf(pem, -1) : NULL;
	X509 *certificate;

	while (certificates && input &&
	       (certificate = PEM_read_bio_X509(input, NULL, NULL, NULL)) &&
	       sk_X509_push(certificates, certificate) > 0)
		;
	BIO_free(input);
	return certificates;
}

void authority_certificates_free(STACK_OF(X509) * certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}

int authority_print_der(const char *pem, FILE *output)
{
	STACK_OF(X509) *certificates = authority_certificates(pem);
	X509 *first = sk_X509_value(certificates, 0);
	int result = first && i2d_X509_fp(output, first) == 1 ? 0 : -1;

	authority_certificates_free(certificates);
	return result;
}

/* Certificates alone, under an empty password: there is nothing to hide. */
int authority_print_p12(const char *pem, FILE *output)
{
	STACK_OF(X509) *certificates = authority_certificates(pem);
	PKCS12 *store = sk_X509_num(certificates) > 0
				? PKCS12_create("", "Headgate", NULL, NULL, certificates, 0, 0, 0,
						0, 0)
				: NULL;
	int result = store && i2d_PKCS12_fp(output, store) == 1 ? 0 : -1;

	PKCS12_free(store);
	authority_certificates_free(certificates);
	return result;
}

enum { UUID_BYTES = 16, BASE64_ROOM = 8192 };

/* Always the same for the same certificate, so that a profile replaces itself. */
static void print_uuid(const unsigned char *digest, FILE *output)
{
	fputs("<key>PayloadUUID</key><string>", output);
	for (int i = 0; i < UUID_BYTES; i++)
		fprintf(output, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X",
			digest[i]);
	fputs("</string>", output);
}

static void print_payload(X509 *certificate, FILE *output)
{
	unsigned char *der = NULL, text[BASE64_ROOM], digest[EVP_MAX_MD_SIZE];
	int length = i2d_X509(certificate, &der);

	if (length > 0 && length < BASE64_ROOM / 2 &&
	    X509_digest(certificate, EVP_sha256(), digest, NULL)) {
		EVP_EncodeBlock(text, der, length);
		fprintf(output,
			"<dict><key>PayloadType</key><string>com.apple.security.root</string>"
		       "<key>PayloadVersion</key><integer>1</integer>"
		       "<key>PayloadIdentifier</key><string>headgate.root.%02x%02x%02x</string>",
		       digest[0], digest[1], digest[2]);
		print_uuid(digest, output);
		fprintf(output, "<key>PayloadContent</key><data>%s</data></dict>\n", text);
	}
	OPENSSL_free(der);
}

static void print_profile(STACK_OF(X509) * certificates, const unsigned char *digest, FILE *output)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	      "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	      "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	      "<plist version=\"1.0\"><dict><key>PayloadType</key><string>Configuration</string>"
	      "<key>PayloadVersion</key><integer>1</integer>"
	      "<key>PayloadIdentifier</key><string>headgate</string>"
	      "<key>PayloadDisplayName</key><string>Headgate authority</string>\n",
	      output);
	print_uuid(digest, output);
	fputs("<key>PayloadContent</key><array>\n", output);
	for (int i = 0; i < sk_X509_num(certificates); i++)
		print_payload(sk_X509_value(certificates, i), output);
	fputs("</array></dict></plist>\n", output);
}

int authority_print_mobileconfig(const char *pem, FILE *output)
{
	STACK_OF(X509) *certificates = authority_certificates(pem);
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	X509 *first = sk_X509_value(certificates, 0);
	bool known = first && X509_pubkey_digest(first, EVP_sha256(), digest, NULL);

	if (known)
		print_profile(certificates, digest, output);
	authority_certificates_free(certificates);
	return known ? 0 : -1;
}
