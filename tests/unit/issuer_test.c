// link: daemon/tls/issuer.c daemon/tls/context.c daemon/tls/mirror.c daemon/tls/algorithms.c daemon/tls/sessions.c daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/public_suffix.c daemon/signer.c daemon/descriptors.c daemon/child.c privilege daemon/tls/leaf.c daemon/tls/der.c daemon/tls/issue.c daemon/tls/authority.c daemon/tls/founding.c daemon/tls/keyfile.c daemon/tls/heap.c daemon/tls/x509.c daemon/certificate.c daemon/text.c daemon/log.c daemon/name.c daemon/address.c daemon/clock.c tests/unit/signing.c -lpsl -lssl -lcrypto -lseccomp -levent_core
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/clock.h"
#include "daemon/limits.h"
#include "daemon/tls/issue.h"
#include "daemon/tls/issuer.h"
#include "tests/unit/signing.h"

static const struct authority_constraint never[] = { { "bank.example" } };
static const uint8_t ticket_keys[TICKET_KEYS_SIZE] = { 1 };
static const uint8_t origin[32] = { 1 }, other_origin[32] = { 2 };

static struct event_base *base;
static struct tls_context *context;
static struct issuer *issuer;
static int pair[2];
static pid_t signer;

/* One who waits, and what he got. */
struct asker {
	struct leaf_wait wait; /* first */
	unsigned answers;
	struct leaf *leaf;
	enum reason reason;
	struct leaf_wait *cancels;
};

static void ready(struct leaf_wait *wait, struct leaf *leaf, enum reason reason)
{
	struct asker *asker = wait->context;

	asker->answers++;
	asker->leaf = leaf;
	asker->reason = reason;
	if (asker->cancels)
		issuer_cancel(asker->cancels);
}

static struct leaf *order(struct asker *asker, const char *name, const uint8_t *digest)
{
	const struct leaf_order wanted = {
		.name = name,
		.origin_digest = digest,
		.not_before = time(NULL) - 86400,
		.not_after = time(NULL) + 90 * 86400,
	};
	struct leaf *leaf;

	*asker = (struct asker){ .wait = { .ready = ready, .context = asker } };
	leaf = issuer_order(issuer, &wanted, &asker->wait, &asker->reason);
	if (leaf)
		asker->leaf = leaf;
	return leaf;
}

/* Turns the loop until the asker is answered, at most for a second. */
static void await(const struct asker *asker)
{
	int64_t end = clock_steady() + 1000000;

	while (asker->answers == 0 && clock_steady() < end) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
}

static struct leaf *get(const char *name)
{
	struct asker asker;
	struct leaf *leaf = order(&asker, name, origin);

	if (leaf)
		return leaf;
	await(&asker);
	assert_int_equal(asker.answers, 1);
	assert_int_equal(asker.reason, REASON_NONE);
	return asker.leaf;
}

static int start(void **state)
{
	char *pem;

	(void)state;
	signing_begin();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	signer = signing_start(&pair[1], 1, never, 1, NULL);
	pem = authority_read_pem(signing_directory());
	base = event_base_new();
	context = tls_context_new(ticket_keys);
	issuer = pem ? issuer_new(base, pair[0], context, pem) : NULL;
	free(pem);
	return issuer ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	issuer_free(issuer);
	tls_context_free(context);
	event_base_free(base);
	if (signer > 0)
		signing_stop(signer, SIGTERM);
	close(pair[0]);
	close(pair[1]);
	signing_end();
	return 0;
}

static void a_leaf_is_made_once_and_kept(void **state)
{
	struct asker asker;
	struct leaf *leaf, *again;

	(void)state;
	leaf = get("www.example.com");
	assert_int_equal(X509_check_host(leaf->certificate, "www.example.com", 0, 0, NULL), 1);
	assert_int_equal(X509_verify(leaf->certificate, X509_get0_pubkey(leaf->authority)), 1);
	assert_int_equal(X509_check_private_key(leaf->certificate, leaf->key), 1);
	assert_in_range(leaf->not_after, time(NULL) + 86300, time(NULL) + 86400);
	again = order(&asker, "www.example.com", origin);
	assert_ptr_equal(again, leaf);
	assert_int_equal(issuer_cached(issuer), 1);
	assert_null(
		order(&asker, "www.example.com", other_origin)); /* the origin changed its own */
	await(&asker);
	assert_ptr_not_equal(asker.leaf, leaf);
	assert_int_equal(issuer_cached(issuer), 2);
	leaf_release(leaf);
	leaf_release(again);
	leaf_release(asker.leaf);
}

static unsigned requests_waiting(void)
{
	struct issue_request request;
	unsigned count = 0;

	while (recv(pair[1], &request, sizeof(request), MSG_DONTWAIT) > 0)
		count++;
	return count;
}

static void many_who_ask_share_one_question(void **state)
{
	struct asker askers[10], other;

	(void)state;
	signing_stop(signer, SIGTERM);
	for (int i = 0; i < 10; i++)
		assert_null(order(&askers[i], "www.example.com", origin));
	assert_null(order(&other, "other.example.com", origin));
	assert_int_equal(requests_waiting(), 2);
	askers[0].cancels = NULL;
	askers[9].cancels = &askers[8].wait; /* the last is answered first */
	issuer_cancel(&askers[3].wait);
	issuer_cancel(&askers[3].wait);
	signer = signing_start(&pair[1], 1, never, 1, NULL);
	await(&askers[0]);
	for (int i = 0; i < 10; i++) {
		bool expected = i != 3 && i != 8;

		assert_int_equal(askers[i].answers, expected);
		assert_true(!expected || askers[i].leaf == askers[0].leaf);
		if (expected)
			leaf_release(askers[i].leaf);
	}
	await(&other);
	leaf_release(other.leaf);
}

static void a_signer_that_was_killed_is_asked_again(void **state)
{
	struct asker asker;
	struct leaf *leaf = get("cached.example.com");

	(void)state;
	signing_stop(signer, SIGKILL);
	assert_null(order(&asker, "www.example.com", origin));
	assert_int_equal(requests_waiting(), 1); /* died with the first signer */
	assert_ptr_equal(get("cached.example.com"), leaf);
	leaf_release(leaf);
	signer = signing_start(&pair[1], 1, never, 1, NULL);
	await(&asker);
	assert_int_equal(asker.answers, 1);
	assert_int_equal(asker.reason, REASON_NONE);
	assert_non_null(asker.leaf);
	leaf_release(asker.leaf);
	leaf_release(leaf);
}

static void a_silent_signer_is_given_up(void **state)
{
	struct asker asker;
	int64_t begin;

	(void)state;
	signing_stop(signer, SIGTERM);
	begin = clock_steady();
	assert_null(order(&asker, "www.example.com", origin));
	await(&asker);
	assert_int_equal(asker.answers, 1);
	assert_null(asker.leaf);
	assert_int_equal(asker.reason, REASON_SIGNER_UNAVAILABLE);
	assert_in_range(clock_steady() - begin, SIGNER_MILLISECONDS * 1000,
			SIGNER_MILLISECONDS * 1000 + 150000);
	signer = signing_start(&pair[1], 1, never, 1,
			       NULL); /* what it finds is answered to nobody */
	leaf_release(get("www.example.com"));
}

static void refusals_have_their_reason(void **state)
{
	struct asker asker;

	(void)state;
	assert_null(order(&asker, "www.bank.example", origin));
	await(&asker);
	assert_int_equal(asker.reason, REASON_NAME_NEVER);
	assert_null(order(&asker, "*.example.com", origin));
	await(&asker);
	assert_int_equal(asker.reason, REASON_SIGNER_UNAVAILABLE);
	assert_int_equal(issuer_cached(issuer), 0);
}

static void questions_are_bounded(void **state)
{
	static struct asker askers[ISSUES_MAX + 1];
	char name[64];

	(void)state;
	signing_stop(signer, SIGTERM);
	signer = -1;
	for (int i = 0; i <= ISSUES_MAX; i++) {
		snprintf(name, sizeof(name), "n%d.example.com", i);
		assert_null(order(&askers[i], name, origin));
		assert_int_equal(askers[i].reason,
				 i < ISSUES_MAX ? REASON_NONE : REASON_SIGNER_UNAVAILABLE);
	}
	await(&askers[0]);
	await(&askers[ISSUES_MAX - 1]);
	for (int i = 0; i < ISSUES_MAX; i++)
		assert_int_equal(askers[i].reason, REASON_SIGNER_UNAVAILABLE);
	assert_int_equal(askers[ISSUES_MAX].answers, 0);
}

static void forged_answers_are_ignored(void **state)
{
	struct asker asker;
	struct issue_request request;
	struct issue_reply reply = { .answer = ISSUE_DONE, .leaf_length = 10 };

	(void)state;
	signing_stop(signer, SIGTERM);
	signer = -1;
	assert_null(order(&asker, "www.example.com", origin));
	assert_int_equal(recv(pair[1], &request, sizeof(request), 0), sizeof(request));
	reply.id = request.id + 1;
	send(pair[1], &reply, sizeof(reply), 0);
	reply.id = request.id;
	send(pair[1], &reply, sizeof(reply) - 1, 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(asker.answers, 0);
	send(pair[1], &reply, sizeof(reply), 0); /* ten bytes of nothing are no certificate */
	event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(asker.answers, 1);
	assert_null(asker.leaf);
}

/* A leaf for an origin whose certificate ends soon is made anew before that, in the background. */
static void a_leaf_is_renewed_before_its_end(void **state)
{
	const struct leaf_order brief = { .name = "brief.example.com",
					  .origin_digest = origin,
					  .not_before = time(NULL) - 60,
					  .not_after = time(NULL) + 4 };
	struct asker asker = { .wait = { .ready = ready, .context = &asker } };
	struct leaf *first, *second;

	(void)state;
	assert_null(issuer_order(issuer, &brief, &asker.wait, &asker.reason));
	await(&asker);
	first = asker.leaf;
	assert_int_equal(first->not_after, brief.not_after);
	sleep(2); /* past half of its life */
	second = issuer_order(issuer, &brief, &asker.wait, &asker.reason);
	assert_ptr_equal(second, first);
	leaf_release(second);
	for (int i = 0; i < 300; i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		usleep(1000);
	}
	second = issuer_order(issuer, &brief, &asker.wait, &asker.reason);
	assert_non_null(second);
	assert_ptr_not_equal(second, first);
	assert_int_equal(issuer_cached(issuer), 1);
	leaf_release(first);
	leaf_release(second);
	sleep(2); /* past its end */
	assert_null(issuer_order(issuer, &brief, &asker.wait, &asker.reason));
	issuer_cancel(&asker.wait);
}

static void who_still_waits_is_forgotten_at_the_end(void **state)
{
	struct asker asker;

	(void)state;
	signing_stop(signer, SIGTERM);
	signer = -1;
	assert_null(order(&asker, "www.example.com", origin));
	issuer_free(issuer);
	issuer = NULL;
	assert_int_equal(asker.answers, 0);
	issuer_cancel(&asker.wait);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		WITH(a_leaf_is_made_once_and_kept),
		WITH(many_who_ask_share_one_question),
		WITH(a_signer_that_was_killed_is_asked_again),
		WITH(a_silent_signer_is_given_up),
		WITH(refusals_have_their_reason),
		WITH(questions_are_bounded),
		WITH(forged_answers_are_ignored),
		WITH(a_leaf_is_renewed_before_its_end),
		WITH(who_still_waits_is_forgotten_at_the_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
