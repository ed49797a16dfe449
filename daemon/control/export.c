#include "daemon/control/export.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static const char *pem_of(const json_t *line)
{
	return json_string_value(json_object_get(line, "pem"));
}

static X509 *certificate_of(const json_t *line)
{
	const char *pem = pem_of(line);
	BIO *input = pem ? BIO_new_mem_buf(pem, -1) : NULL;
	X509 *certificate = input ? PEM_read_bio_X509(input, NULL, NULL, NULL) : NULL;

	BIO_free(input);
	return certificate;
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
	X509 *certificate = certificate_of(line);
	char *directory = cell_value(line, "directory");

	show->begun = true;
	if (certificate) {
		print_certificate(certificate);
		print_fingerprint(certificate);
	} else {
		say_unreadable();
	}
	printf("directory:          %s\n", directory ? directory : "-");
	free(directory);
	X509_free(certificate);
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
	X509 *certificate = certificate_of(line);

	show->begun = true;
	if (!certificate || i2d_X509_fp(stdout, certificate) != 1)
		say_unreadable();
	X509_free(certificate);
}
