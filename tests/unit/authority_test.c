// link: daemon/tls/authority.c daemon/tls/founding.c daemon/tls/keyfile.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c -lcrypto
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/authority.h"

static char directory[64];
static char key_path[128];
static char pem_path[128];

static const struct authority_constraint never[] = { { "bank.example" }, { "gov.example" } };

static int fresh(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/headgate-authority-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(key_path, sizeof(key_path), "%s/authority.key", directory);
	snprintf(pem_path, sizeof(pem_path), "%s/authority.pem", directory);
	return 0;
}

static int created(void **state)
{
	return fresh(state) || authority_create(directory, never, 2);
}

static int clear(void **state)
{
	DIR *listing = opendir(directory);
	struct dirent *entry;

	(void)state;
	while ((entry = readdir(listing)))
		unlinkat(dirfd(listing), entry->d_name, 0);
	closedir(listing);
	return rmdir(directory);
}

static unsigned mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 07777;
}

static void a_new_authority_is_as_promised(void **state)
{
	struct authority *authority;
	X509 *certificate;
	char name[64];
	int critical;
	NAME_CONSTRAINTS *constraints;

	(void)state;
	assert_false(authority_exists(directory));
	assert_int_equal(authority_create(directory, never, 2), 0);
	assert_true(authority_exists(directory));
	assert_int_equal(mode_of(key_path), 0400);
	assert_int_equal(mode_of(pem_path), 0444);
	assert_int_equal(mode_of(directory), 0700);
	authority = authority_open(directory);
	assert_non_null(authority);
	certificate = authority_certificate(authority);
	assert_int_equal(X509_check_ca(certificate), 1);
	assert_int_equal(X509_get_pathlen(certificate), 0);
	assert_int_equal(X509_get_key_usage(certificate), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
	assert_non_null(X509_get0_subject_key_id(certificate));
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
				  sizeof(name));
	assert_int_equal(strncmp(name, "Headgate ", 9), 0);
	assert_string_equal(name + 15, " authority");
	constraints = X509_get_ext_d2i(certificate, NID_name_constraints, &critical, NULL);
	assert_int_equal(critical, 1);
	assert_int_equal(sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees), 2);
	assert_null(constraints->permittedSubtrees);
	NAME_CONSTRAINTS_free(constraints);
	authority_close(authority);
}

static void names_under_never_are_known(void **state)
{
	struct authority *authority = authority_open(directory);

	(void)state;
	assert_true(authority_excludes(authority, "bank.example"));
	assert_true(authority_excludes(authority, "www.bank.example"));
	assert_true(authority_excludes(authority, "a.b.gov.example"));
	assert_false(authority_excludes(authority, "mybank.example"));
	assert_false(authority_excludes(authority, "example"));
	assert_false(authority_excludes(authority, "bank.example.org"));
	authority_close(authority);
}

/* K01 */
static void two_gateways_differ(void **state)
{
	char *first = authority_read_pem(directory);
	char *second;

	(void)state;
	clear(NULL);
	created(NULL);
	second = authority_read_pem(directory);
	assert_string_not_equal(first, second);
	free(first);
	free(second);
}

static void an_authority_is_never_replaced(void **state)
{
	char *before = authority_read_pem(directory);
	char *after;

	(void)state;
	assert_int_equal(authority_create(directory, never, 2), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(truncate(key_path, 20), 0);
	assert_null(authority_open(directory));
	assert_true(authority_exists(directory));
	assert_int_equal(authority_create(directory, never, 2), -1);
	unlink(key_path);
	assert_null(authority_open(directory));
	assert_int_equal(authority_create(directory, never, 2), -1);
	after = authority_read_pem(directory);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* A version number of PKCS #8 or a line end may change without harm; the key and certificate may
 * not. */
static void assert_still_itself(const struct authority *authority, const X509 *original)
{
	uint8_t signature[AUTHORITY_SIGNATURE_MAX];
	size_t length = authority_sign(authority, (const uint8_t *)"text", 4, signature);
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert_int_equal(X509_cmp(authority_certificate(authority), original), 0);
	EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(original));
	assert_int_equal(EVP_DigestVerify(context, signature, length, (const uint8_t *)"text", 4),
			 1);
	EVP_MD_CTX_free(context);
}

static void a_flipped_byte_is_refused(void **state)
{
	struct stat status;
	struct authority *original = authority_open(directory);
	int fd = open(key_path, O_RDWR);
	unsigned taken = 0;

	(void)state;
	assert_int_equal(chmod(key_path, 0600), 0);
	assert_int_equal(fstat(fd, &status), 0);
	for (off_t at = 28; at < status.st_size - 26; at += 3) {
		char byte, flipped;
		struct authority *authority;

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		flipped = byte == 'A' ? 'B' : 'A';
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		authority = authority_open(directory);
		if (authority) {
			assert_still_itself(authority, authority_certificate(original));
			taken++;
		}
		authority_close(authority);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_in_range(taken, 0, 10);
	authority_close(original);
	close(fd);
}

/* K06 */
static void a_key_that_others_may_read_is_refused(void **state)
{
	const mode_t wide[] = { 0440, 0404, 0444, 0640, 0620 };
	struct authority *authority;

	(void)state;
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
		assert_int_equal(chmod(key_path, wide[i]), 0);
		assert_null(authority_open(directory));
	}
	assert_int_equal(chmod(key_path, 0600), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_null(authority_open(directory));
	assert_int_equal(chmod(directory, 0700), 0);
	authority = authority_open(directory);
	assert_non_null(authority);
	authority_close(authority);
}

static void a_power_cut_leaves_a_whole_authority(void **state)
{
	struct authority *authority;
	char *before = authority_read_pem(directory);
	char *after;

	(void)state;
	unlink(pem_path); /* the cut came between the two renames */
	authority = authority_open(directory);
	assert_non_null(authority);
	after = authority_read_pem(directory);
	assert_string_equal(before, after);
	authority_close(authority);
	free(before);
	free(after);
}

static void anothers_certificate_is_refused(void **state)
{
	char ours[64], other_pem[200], command[400];

	(void)state;
	strcpy(ours, directory);
	fresh(NULL);
	assert_int_equal(authority_create(directory, NULL, 0), 0);
	snprintf(other_pem, sizeof(other_pem), "%s/authority.pem", directory);
	snprintf(command, sizeof(command), "cp -f %s %s/authority.pem", other_pem, ours);
	assert_int_equal(system(command), 0);
	assert_null(authority_open(ours));
	clear(NULL);
	strcpy(directory, ours);
}

static int open_as_nobody(void)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(9);
		_exit(open(key_path, O_RDONLY) >= 0 ? 1 : errno == EACCES ? 0 : 2);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 8;
}

/* K02 */
static void another_account_cannot_read_the_key(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(open_as_nobody(), 0);
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(open_as_nobody(), 0);
}

static void the_certificate_can_be_exported(void **state)
{
	char *pem = authority_read_pem(directory);
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	(void)state;
	assert_non_null(certificate);
	assert_null(strstr(pem, "PRIVATE"));
	X509_free(certificate);
	BIO_free(bio);
	free(pem);
}

static void too_many_constraints_are_refused(void **state)
{
	struct authority_constraint *many = calloc(AUTHORITY_CONSTRAINTS_MAX + 1, sizeof(*many));

	(void)state;
	for (size_t i = 0; i <= AUTHORITY_CONSTRAINTS_MAX; i++)
		many[i].name = "bank.example";
	assert_int_equal(authority_create(directory, many, AUTHORITY_CONSTRAINTS_MAX + 1), -1);
	assert_int_equal(errno, E2BIG);
	assert_false(authority_exists(directory));
	free(many);
}

int main(void)
{
#define WITH(test, start) cmocka_unit_test_setup_teardown(test, start, clear)
	const struct CMUnitTest tests[] = {
		WITH(a_new_authority_is_as_promised, fresh),
		WITH(names_under_never_are_known, created),
		WITH(two_gateways_differ, created),
		WITH(an_authority_is_never_replaced, created),
		WITH(a_flipped_byte_is_refused, created),
		WITH(a_key_that_others_may_read_is_refused, created),
		WITH(a_power_cut_leaves_a_whole_authority, created),
		WITH(anothers_certificate_is_refused, created),
		WITH(another_account_cannot_read_the_key, created),
		WITH(the_certificate_can_be_exported, created),
		WITH(too_many_constraints_are_refused, fresh),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
