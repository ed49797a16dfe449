#include "daemon/control/export.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <string.h>

static const char *pem_of(const json_t *line)
{
	return json_string_value(json_object_get(line, "pem"));
}

/* The authority's certificate, and behind it the next one's. */
static STACK_OF(X509) * certificates_of(const json_t *line)
{
	const char *pem = pem_of(line);
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

static void free_certificates(STACK_OF(X509) * certificates)
{
	sk_X509_pop_free(certificates, X509_free);
}

static void say_unreadable(void)
{
	fputs("headgatectl: the daemon has no certificate to show (no rule opens TLS, or the "
	      "authority cannot be read)\n",
	      stderr);
}

static void print_fingerprint(const X509 *certificate)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	if (!X509_digest(certificate, EVP_sha256(), digest, &length))
		return;
	printf("sha256:             ");
	for (unsigned i = 0; i < length; i++)
		printf(i ? ":%02X" : "%02X", digest[i]);
	putchar('\n');
}

static void print_time(BIO *output, const char *name, const ASN1_TIME *time)
{
	BIO_printf(output, "%-20s", name);
	ASN1_TIME_print(output, time);
	BIO_puts(output, "\n");
}

static void print_certificate(X509 *certificate)
{
	BIO *output = BIO_new_fp(stdout, BIO_NOCLOSE);

	if (!output)
		return;
	BIO_printf(output, "%-20s", "subject:");
	X509_NAME_print_ex(output, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
	BIO_puts(output, "\n");
	print_time(output, "not before:", X509_get0_notBefore(certificate));
	print_time(output, "not after:", X509_get0_notAfter(certificate));
	BIO_free(output);
}

void export_facts(struct show *show, const json_t *line)
{
	STACK_OF(X509) *certificates = certificates_of(line);
	char *directory = cell_value(line, "directory");

	show->begun = true;
	for (int i = 0; i < sk_X509_num(certificates); i++) {
		if (i > 0)
			puts("the next one:");
		print_certificate(sk_X509_value(certificates, i));
		print_fingerprint(sk_X509_value(certificates, i));
	}
	if (sk_X509_num(certificates) <= 0)
		say_unreadable();
	printf("directory:          %s\n", directory ? directory : "-");
	free(directory);
	free_certificates(certificates);
}

void export_pem(struct show *show, const json_t *line)
{
	const char *pem = pem_of(line);

	show->begun = true;
	if (pem)
		fputs(pem, stdout);
	else
		say_unreadable();
}

void export_der(struct show *show, const json_t *line)
{
	STACK_OF(X509) *certificates = certificates_of(line);
	X509 *first = sk_X509_value(certificates, 0);

	show->begun = true;
	if (!first || i2d_X509_fp(stdout, first) != 1)
		say_unreadable();
	free_certificates(certificates);
}

/* Certificates alone, under an empty password: there is nothing to hide. */
void export_p12(struct show *show, const json_t *line)
{
	STACK_OF(X509) *certificates = certificates_of(line);
	PKCS12 *store = sk_X509_num(certificates) > 0
				? PKCS12_create("", "Headgate", NULL, NULL, certificates, 0, 0, 0,
						0, 0)
				: NULL;

	show->begun = true;
	if (!store || i2d_PKCS12_fp(stdout, store) != 1)
		say_unreadable();
	PKCS12_free(store);
	free_certificates(certificates);
}

enum { UUID_BYTES = 16, BASE64_ROOM = 8192 };

/* Always the same for the same certificate, so that a profile replaces itself. */
static void print_uuid(const unsigned char *digest)
{
	printf("<key>PayloadUUID</key><string>");
	for (int i = 0; i < UUID_BYTES; i++)
		printf(i == 4 || i == 6 || i == 8 || i == 10 ? "-%02X" : "%02X", digest[i]);
	printf("</string>");
}

static void print_payload(X509 *certificate)
{
	unsigned char *der = NULL, text[BASE64_ROOM], digest[EVP_MAX_MD_SIZE];
	int length = i2d_X509(certificate, &der);

	if (length > 0 && length < BASE64_ROOM / 2 &&
	    X509_digest(certificate, EVP_sha256(), digest, NULL)) {
		EVP_EncodeBlock(text, der, length);
		printf("<dict><key>PayloadType</key><string>com.apple.security.root</string>"
		       "<key>PayloadVersion</key><integer>1</integer>"
		       "<key>PayloadIdentifier</key><string>headgate.root.%02x%02x%02x</string>",
		       digest[0], digest[1], digest[2]);
		print_uuid(digest);
		printf("<key>PayloadContent</key><data>%s</data></dict>\n", text);
	}
	OPENSSL_free(der);
}

void export_mobileconfig(struct show *show, const json_t *line)
{
	STACK_OF(X509) *certificates = certificates_of(line);
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	X509 *first = sk_X509_value(certificates, 0);

	show->begun = true;
	if (!first || !X509_pubkey_digest(first, EVP_sha256(), digest, NULL)) {
		say_unreadable();
		free_certificates(certificates);
		return;
	}
	puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	     "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
	     "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
	     "<plist version=\"1.0\"><dict><key>PayloadType</key><string>Configuration</string>"
	     "<key>PayloadVersion</key><integer>1</integer>"
	     "<key>PayloadIdentifier</key><string>headgate</string>"
	     "<key>PayloadDisplayName</key><string>Headgate authority</string>");
	print_uuid(digest);
	puts("<key>PayloadContent</key><array>");
	for (int i = 0; i < sk_X509_num(certificates); i++)
		print_payload(sk_X509_value(certificates, i));
	puts("</array></dict></plist>");
	free_certificates(certificates);
}
