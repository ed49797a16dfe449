// link: daemon/signer.c daemon/descriptors.c daemon/child.c privilege daemon/tls/leaf.c daemon/tls/der.c daemon/tls/issue.c daemon/tls/authority.c daemon/tls/founding.c daemon/tls/keyfile.c daemon/tls/heap.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c daemon/name.c daemon/address.c daemon/clock.c tests/unit/signing.c -lcrypto -lseccomp
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/tls/issue.h"
#include "tests/unit/signing.h"

static const struct authority_constraint never[] = { { "bank.example" } };

static EVP_PKEY *key;
static int pair[2]; /* ours, the signer's */
static pid_t signer;

static struct issue_request make_request(const char *name)
{
	static uint64_t id = 1000;
	unsigned char *der = NULL;
	struct issue_request request = { .id = id++ };

	request.key_length = (uint16_t)i2d_PUBKEY(key, &der);
	memcpy(request.key, der, request.key_length);
	OPENSSL_free(der);
	request.not_before = time(NULL) - 86400;
	request.not_after = time(NULL) + 86400;
	snprintf(request.name, sizeof(request.name), "%s", name);
	return request;
}

static bool receive(struct issue_reply *reply, int milliseconds)
{
	struct pollfd watched = { .fd = pair[0], .events = POLLIN };

	if (poll(&watched, 1, milliseconds) != 1)
		return false;
	return recv(pair[0], reply, sizeof(*reply), 0) == (ssize_t)sizeof(*reply);
}

static struct issue_reply ask(const struct issue_request *request)
{
	struct issue_reply reply;

	assert_int_equal(send(pair[0], request, sizeof(*request), 0), sizeof(*request));
	assert_true(receive(&reply, 5000));
	assert_int_equal(reply.id, request->id);
	return reply;
}

static int start(void **state)
{
	(void)state;
	signing_begin();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0)
		return -1;
	signer = signing_start(&pair[1], 1, never, 1, NULL);
	return signer > 0 ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	if (signer > 0)
		signing_stop(signer, SIGTERM);
	close(pair[0]);
	close(pair[1]);
	signing_end();
	return 0;
}

static void a_leaf_is_issued(void **state)
{
	struct issue_request request = make_request("www.example.com");
	struct issue_reply reply = ask(&request);
	const unsigned char *der = reply.leaf;
	X509 *leaf;

	(void)state;
	assert_int_equal(reply.answer, ISSUE_DONE);
	leaf = d2i_X509(NULL, &der, reply.leaf_length);
	assert_non_null(leaf);
	assert_int_equal(X509_check_host(leaf, "www.example.com", 0, 0, NULL), 1);
	X509_free(leaf);
}

/* K04 */
static void what_a_captured_worker_might_ask_is_refused(void **state)
{
	struct issue_request request = make_request("www.bank.example");

	(void)state;
	assert_int_equal(ask(&request).answer, ISSUE_NEVER);
	request = make_request("*.example.com");
	assert_int_equal(ask(&request).answer, ISSUE_BAD_REQUEST);
	request = make_request("www.example.com");
	request.key[3] ^= 1;
	assert_int_equal(ask(&request).answer, ISSUE_BAD_REQUEST);
	request = make_request("www.example.com");
	request.not_after = request.not_before;
	assert_int_equal(ask(&request).answer, ISSUE_BAD_REQUEST);
}

static void nonsense_gets_no_answer_and_does_no_harm(void **state)
{
	uint8_t bytes[5000] = { 0 };
	struct issue_reply reply;

	(void)state;
	assert_int_equal(send(pair[0], bytes, 0, 0), 0);
	assert_int_equal(send(pair[0], bytes, 1, 0), 1);
	assert_int_equal(send(pair[0], bytes, sizeof(struct issue_request) - 1, 0),
			 sizeof(struct issue_request) - 1);
	assert_int_equal(send(pair[0], bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_false(receive(&reply, 200));
	a_leaf_is_issued(state);
}

/* 10,000 new names a second would be somebody's attack: beyond the burst the answer is BUSY. */
static void a_flood_is_slowed_down(void **state)
{
	unsigned done = 0, busy = 0;

	(void)state;
	for (int i = 0; i < 1500; i++) {
		struct issue_request request = make_request("www.example.com");
		struct issue_reply reply = ask(&request);

		done += reply.answer == ISSUE_DONE;
		busy += reply.answer == ISSUE_BUSY;
	}
	assert_int_equal(done + busy, 1500);
	assert_true(done >= 400);
	assert_true(busy > 100);
	sleep(1);
	a_leaf_is_issued(state);
}

/* errno of an open() for reading by another account; 0 when it succeeds. */
static int open_as(uid_t uid, const char *path)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0)
			_exit(255);
		_exit(open(path, O_RDONLY) >= 0 ? 0 : errno);
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

/* K02, K05: not even a process of the signer's own account may look into its memory. */
static void the_key_is_out_of_reach(void **state)
{
	char memory[64], path[256];
	struct stat status;

	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(memory, sizeof(memory), "/proc/%d/mem", (int)signer);
	snprintf(path, sizeof(path), "%s/authority.key", signing_directory());
	assert_int_equal(stat(path, &status), 0);
	assert_int_not_equal(status.st_uid, 0);
	assert_int_equal(status.st_mode & 07777, 0400);
	assert_int_equal(open_as(status.st_uid - 1, path), EACCES);
	assert_int_equal(open_as(status.st_uid - 1, memory), EACCES);
	assert_int_equal(open_as(status.st_uid, memory), EACCES);
	assert_int_equal(stat(signing_directory(), &status), 0);
	assert_int_not_equal(status.st_uid, 0);
	assert_int_equal(status.st_mode & 07777, 0700);
}

/* Everything that the supervisor had open is closed; only the pair, what tells of SIGTERM, and the standard three
 * stay. */
static void no_other_descriptor_is_kept(void **state)
{
	char path[64];
	unsigned count = 0;
	DIR *listing;
	struct dirent *entry;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)signer);
	listing = opendir(path);
	if (!listing)
		skip();
	while ((entry = readdir(listing)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) > 2)
			count++;
	closedir(listing);
	assert_int_equal(count, 2);
}

static void it_ends_in_order(void **state)
{
	int status = signing_stop(signer, SIGTERM);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	signer = signing_start(&pair[1], 1, never, 1, NULL);
	close(pair[1]);
	close(pair[0]); /* nobody is left to ask */
	assert_int_equal(waitpid(signer, &status, 0), signer);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	signer = -1;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
}

static void the_authority_outlives_the_signer(void **state)
{
	char *before = authority_read_pem(signing_directory());
	char *after;

	(void)state;
	signing_stop(signer, SIGKILL);
	signer = signing_start(&pair[1], 1, never, 1, NULL);
	assert_true(signer > 0);
	a_leaf_is_issued(state);
	after = authority_read_pem(signing_directory());
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* A name put under `never` after the authority was made is refused all the same. */
static void later_names_under_never_are_refused(void **state)
{
	const struct authority_constraint more[] = { { "bank.example" }, { "later.example" } };
	struct issue_request request = make_request("www.later.example");

	(void)state;
	assert_int_equal(ask(&request).answer, ISSUE_DONE);
	signing_stop(signer, SIGTERM);
	signer = signing_start(&pair[1], 1, more, 2, NULL);
	assert_int_equal(ask(&request).answer, ISSUE_NEVER);
}

/* The console's process, taken over, cannot have what a worker may have. */
static void the_last_channel_may_be_a_narrow_one(void **state)
{
	static const char *const names[] = { "192.0.2.1", "gateway.lan", NULL };
	struct issue_request own = make_request("gateway.lan"), literal = make_request("192.0.2.1");
	struct issue_request below = make_request("www.gateway.lan"), other = make_request("shop.example");
	int wide[2], channels[2];
	struct issue_reply reply;

	(void)state;
	signing_stop(signer, SIGTERM);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, wide), 0);
	channels[0] = wide[1];
	channels[1] = pair[1];
	signer = signing_start_narrow(channels, 2, names);
	assert_int_equal(ask(&own).answer, ISSUE_DONE);
	assert_int_equal(ask(&literal).answer, ISSUE_DONE);
	assert_int_equal(ask(&below).answer, ISSUE_NEVER);
	assert_int_equal(ask(&other).answer, ISSUE_NEVER);
	assert_int_equal(send(wide[0], &other, sizeof(other), 0), sizeof(other));
	assert_int_equal(recv(wide[0], &reply, sizeof(reply), 0), sizeof(reply));
	assert_int_equal(reply.answer, ISSUE_DONE);
	close(wide[0]);
	close(wide[1]);
}

static void a_broken_key_stops_it_and_stays(void **state)
{
	char path[256];
	struct stat before, after;
	int status;

	(void)state;
	signing_stop(signer, SIGTERM);
	snprintf(path, sizeof(path), "%s/authority.key", signing_directory());
	assert_int_equal(truncate(path, 50), 0);
	assert_int_equal(stat(path, &before), 0);
	signer = signing_start(&pair[1], 1, never, 1, &status);
	assert_int_equal(signer, -1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_size, 50);
}

static void a_readable_key_stops_it(void **state)
{
	char path[256];
	int status;

	(void)state;
	signing_stop(signer, SIGTERM);
	snprintf(path, sizeof(path), "%s/authority.key", signing_directory());
	assert_int_equal(chmod(path, 0644), 0);
	signer = signing_start(&pair[1], 1, never, 1, &status);
	assert_int_equal(signer, -1);
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		WITH(a_leaf_is_issued),
		WITH(what_a_captured_worker_might_ask_is_refused),
		WITH(nonsense_gets_no_answer_and_does_no_harm),
		WITH(a_flood_is_slowed_down),
		WITH(the_key_is_out_of_reach),
		WITH(no_other_descriptor_is_kept),
		WITH(it_ends_in_order),
		WITH(the_authority_outlives_the_signer),
		WITH(later_names_under_never_are_refused),
		WITH(the_last_channel_may_be_a_narrow_one),
		WITH(a_broken_key_stops_it_and_stays),
		WITH(a_readable_key_stops_it),
	};
	int failed;

	key = EVP_EC_gen("P-256");
	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
