#include "daemon/control/export.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "daemon/tls/authority_print.h"

static const char *pem_of(const json_t *line)
{
	return json_string_value(json_object_get(line, "pem"));
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
	STACK_OF(X509) *certificates = authority_certificates(pem_of(line));
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
	authority_certificates_free(certificates);
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

static void export_by(struct show *show, const json_t *line,
		      int (*print)(const char *pem, FILE *output))
{
	show->begun = true;
	if (print(pem_of(line), stdout) < 0)
		say_unreadable();
}

void export_der(struct show *show, const json_t *line)
{
	export_by(show, line, authority_print_der);
}

void export_p12(struct show *show, const json_t *line)
{
	export_by(show, line, authority_print_p12);
}

void export_mobileconfig(struct show *show, const json_t *line)
{
	export_by(show, line, authority_print_mobileconfig);
}
