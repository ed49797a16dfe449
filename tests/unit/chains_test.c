// link: daemon/tls/chains.c daemon/tls/shelf.c daemon/tls/digest.c daemon/tls/x509.c daemon/certificate.c daemon/text.c tests/unit/chains.c -lssl -lcrypto
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/tls/chains.h"
#include "tests/unit/chains.h"

enum { ROOM = 3 };

static EVP_PKEY *key;
static struct chain_cache *cache;
static const uint8_t trust[DIGEST_SIZE] = { 1 };

/* A certificate that is valid from begin to end, seconds from now. */
static X509 *make(int64_t begin, int64_t end)
{
	const struct chain_plan plan = {
		.subject = "a.example", .names = "DNS:a.example", .begin = begin, .end = end
	};

	return chain_make(&plan, key, NULL, NULL);
}

static STACK_OF(X509) *stack(X509 *leaf, X509 *authority)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	sk_X509_push(chain, leaf);
	if (authority)
		sk_X509_push(chain, authority);
	return chain;
}

/* Puts the chain under a key that it returns. */
static const uint8_t *put(STACK_OF(X509) *chain)
{
	static uint8_t digest[DIGEST_SIZE];

	assert_int_equal(chain_key(chain, trust, digest), 0);
	chains_put(cache, digest, chain);
	return digest;
}

static void every_certificate_and_the_roots_make_the_key(void **state)
{
	static const uint8_t other_trust[DIGEST_SIZE] = { 2 };
	X509 *a = make(0, 100), *b = make(0, 100);
	STACK_OF(X509) *chains[] = { stack(a, NULL), stack(b, NULL), stack(a, b), stack(b, a),
				     stack(a, a) };
	uint8_t keys[6][DIGEST_SIZE];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(chain_key(chains[i], trust, keys[i]), 0);
	assert_int_equal(chain_key(chains[0], other_trust, keys[5]), 0);
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], DIGEST_SIZE);
	for (size_t i = 0; i < 5; i++)
		sk_X509_free(chains[i]);
	X509_free(a);
	X509_free(b);
}

static void no_key_for_nothing_nor_for_too_many(void **state)
{
	X509 *leaf = make(0, 100);
	STACK_OF(X509) *chain = sk_X509_new_null();
	uint8_t digest[DIGEST_SIZE];

	(void)state;
	assert_int_equal(chain_key(NULL, trust, digest), -1);
	assert_int_equal(chain_key(chain, trust, digest), -1);
	for (int i = 0; i < CHAIN_CERTIFICATES_MAX; i++)
		sk_X509_push(chain, leaf);
	assert_int_equal(chain_key(chain, trust, digest), 0);
	sk_X509_push(chain, leaf);
	assert_int_equal(chain_key(chain, trust, digest), -1);
	sk_X509_free(chain);
	X509_free(leaf);
}

static void the_shortest_dates_of_the_path_count(void **state)
{
	X509 *leaf = make(-100, 1000), *authority = make(-10, 500);
	STACK_OF(X509) *path = stack(leaf, authority);
	int64_t now = time(NULL);
	const uint8_t *digest = put(path);

	(void)state;
	assert_true(chains_know(cache, digest, now));
	assert_false(chains_know(cache, digest, now - 20));
	assert_false(chains_know(cache, digest, now + 501));
	assert_true(chains_know(cache, digest, now + 490));
	sk_X509_free(path);
	X509_free(leaf);
	X509_free(authority);
}

static void a_later_path_counts(void **state)
{
	X509 *leaf = make(-100, 1000), *late = make(-10, -1), *good = make(-10, 500);
	STACK_OF(X509) *path = stack(leaf, late), *other = stack(leaf, good);
	const uint8_t *digest = put(path);
	int64_t now = time(NULL);
	size_t count = chains_count(cache);

	(void)state;
	assert_false(chains_know(cache, digest, now));
	chains_put(cache, digest, other);
	assert_true(chains_know(cache, digest, now));
	assert_int_equal(chains_count(cache), count);
	sk_X509_free(path);
	sk_X509_free(other);
	X509_free(leaf);
	X509_free(late);
	X509_free(good);
}

static void facts_are_printed_once_and_outlive_the_chain(void **state)
{
	X509 *leaf = make(-100, 1000);
	STACK_OF(X509) *path = stack(leaf, NULL);
	const uint8_t *digest = put(path);
	struct certificate_list *one = chains_facts(cache, digest, path);
	struct certificate_list *two = chains_facts(cache, digest, path);

	(void)state;
	assert_ptr_equal(one, two);
	assert_int_equal(one->count, 1);
	assert_string_equal(one->certificates[0].names, "a.example");
	certificate_list_release(two);
	for (int i = 0; i < ROOM; i++) {
		X509 *other = make(0, 100 + i);
		STACK_OF(X509) *chain = stack(other, NULL);

		put(chain);
		sk_X509_free(chain);
		X509_free(other);
	}
	assert_int_equal(chains_count(cache), ROOM);
	assert_string_equal(one->certificates[0].names, "a.example");
	assert_int_equal(chain_key(path, trust, (uint8_t *)(uintptr_t)digest), 0);
	assert_false(chains_know(cache, digest, time(NULL)));
	two = chains_facts(cache, digest, path);
	assert_ptr_not_equal(one, two);
	assert_string_equal(two->certificates[0].names, "a.example");
	certificate_list_release(one);
	certificate_list_release(two);
	sk_X509_free(path);
	X509_free(leaf);
}

/* The same certificates as another server's handshake would parse them. */
static STACK_OF(X509) *parsed_again(STACK_OF(X509) *chain)
{
	STACK_OF(X509) *again = sk_X509_new_null();

	for (int i = 0; i < sk_X509_num(chain); i++)
		sk_X509_push(again, X509_dup(sk_X509_value(chain, i)));
	return again;
}

static void certificates_are_shared_while_somebody_holds_them(void **state)
{
	X509 *leaf = make(-100, 1000), *authority = make(-100, 900);
	STACK_OF(X509) *first = stack(leaf, authority), *second = parsed_again(first);
	STACK_OF(X509) *third = parsed_again(first), *replaced = sk_X509_new_null();
	X509 *own = sk_X509_value(second, 0);
	const uint8_t *digest = put(first);
	struct common_chain *one = chains_share(cache, digest, first, replaced);
	struct common_chain *two = chains_share(cache, digest, second, replaced);

	(void)state;
	assert_non_null(one);
	assert_ptr_equal(one, two);
	assert_ptr_equal(sk_X509_value(first, 0), leaf);
	assert_ptr_equal(sk_X509_value(second, 0), leaf);
	assert_ptr_equal(sk_X509_value(second, 1), authority);
	assert_int_equal(sk_X509_num(replaced), 2);
	assert_ptr_equal(sk_X509_value(replaced, 0), own);
	chains_release(one);
	/* It outlives its chain in the cache, which can be known again. */
	for (int i = 0; i < ROOM; i++) {
		X509 *other = make(0, 200 + i);
		STACK_OF(X509) *chain = stack(other, NULL);

		put(chain);
		sk_X509_free(chain);
		X509_free(other);
	}
	assert_int_equal(chain_key(first, trust, (uint8_t *)(uintptr_t)digest), 0);
	assert_null(chains_share(cache, digest, third, replaced));
	put(third);
	one = chains_share(cache, digest, third, replaced);
	assert_ptr_not_equal(one, two);
	assert_ptr_not_equal(sk_X509_value(third, 0), leaf);
	chains_release(two);
	chains_release(one);
	chains_release(NULL);
	sk_X509_free(first);
	sk_X509_pop_free(second, X509_free);
	sk_X509_pop_free(third, X509_free);
	sk_X509_pop_free(replaced, X509_free);
	X509_free(leaf);
	X509_free(authority);
}

static int set_up(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	cache = chains_new(ROOM);
	return !key || !cache;
}

static int tear_down(void **state)
{
	(void)state;
	chains_free(cache);
	EVP_PKEY_free(key);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_certificate_and_the_roots_make_the_key),
		cmocka_unit_test(no_key_for_nothing_nor_for_too_many),
		cmocka_unit_test(the_shortest_dates_of_the_path_count),
		cmocka_unit_test(a_later_path_counts),
		cmocka_unit_test(facts_are_printed_once_and_outlive_the_chain),
		cmocka_unit_test(certificates_are_shared_while_somebody_holds_them),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
