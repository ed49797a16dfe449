// link: policy lists netfilter/quotas.c netfilter/quota_book.c netfilter/table.c netfilter/netlink.c daemon/lists/publication.c tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2 -lmnl -lnftables
/* Quotas in a real table, in a network of their own: what is remembered, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "netfilter/quotas.h"
#include "tests/unit/policy_text.h"

static char directory[] = "/tmp/headgate-quotas-XXXXXX";
static char path[sizeof(directory) + 8];

static const char text[] = "headgate: 1\nlan: a\ndevices:\n  tablet: { address: 192.0.2.7, quota: 1 MB }\n"
			   "  phone: { address: 192.0.2.8, quota: 1 MB }\nrules: []\n";

static void write_book(const char *bytes)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(bytes, file);
	fclose(file);
}

static void book_is_read_as_written(void **state)
{
	struct quota_book book, again;

	(void)state;
	write_book("20261125\ntablet 1234\nphone 18446744073709551615\n");
	quota_book_begin(&book, path);
	assert_int_equal(quota_book_used(&book, 20261125, "tablet"), 1234);
	assert_true(quota_book_used(&book, 20261125, "phone") == UINT64_MAX);
	assert_int_equal(quota_book_used(&book, 20261125, "tab"), 0);
	assert_int_equal(quota_book_used(&book, 20261126, "tablet"), 0);
	assert_int_equal(quota_book_write(&book, path), 0);
	quota_book_begin(&again, path);
	assert_int_equal(again.count, 2);
	assert_memory_equal(again.uses, book.uses, 2 * sizeof(*book.uses));
	quota_book_end(&book);
	quota_book_end(&again);
	assert_int_equal(quota_book_write(&book, path), 0); /* nothing to remember */
	assert_int_equal(access(path, F_OK), -1);
}

static void damaged_book_is_no_book(void **state)
{
	static const char *const damaged[] = { "", "\n", "tablet 1234\n", "20261125", "20261125\ntablet\n",
					       "20261125\n\xff\xff", "20261125\ntablet twelve\n" };
	struct quota_book book;

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++) {
		write_book(damaged[i]);
		quota_book_begin(&book, path);
		assert_int_equal(book.count, 0);
		quota_book_end(&book);
	}
}

static void only_much_is_news(void **state)
{
	static const struct {
		uint64_t before, now;
		enum quota_news news;
	} cases[] = {
		{ 0, 0, QUOTA_LITTLE },	       { 0, 249, QUOTA_LITTLE },	 { 0, 251, QUOTA_QUARTER },
		{ 251, 499, QUOTA_LITTLE },    { 251, 999, QUOTA_QUARTER },	 { 999, 1000, QUOTA_SPENT },
		{ 0, 5000, QUOTA_SPENT },      { 1000, UINT64_MAX, QUOTA_LITTLE }, { 5000, 1000, QUOTA_LITTLE },
		{ 999, 251, QUOTA_LITTLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct quota_use now[] = { { "phone", 10, 1000 }, { "tablet", cases[i].now, 1000 } };
		struct quota_use before[] = { { "tablet", cases[i].before, 0 } };
		const struct quota_book book = { 20261125, 2, now };
		const struct quota_book older = { 20261125, 1, before }, yesterday = { 20261124, 1, before };

		assert_int_equal(quota_book_news(&book, &older), cases[i].news);
		if (cases[i].now >= 1000)
			assert_int_equal(quota_book_news(&book, &yesterday), QUOTA_SPENT);
	}
}

static void note(void *context, const char *device, uint64_t used, uint64_t quota)
{
	(void)quota;
	if (strcmp(device, "tablet") == 0)
		*(uint64_t *)context = used;
}

static uint64_t used_by_tablet(void)
{
	uint64_t used = UINT64_MAX;

	assert_int_equal(quotas_each(note, &used), 0);
	return used;
}

static void day_is_counted_to_its_end(void **state)
{
	struct policy *policy = policy_of_text(text);
	struct quota_book book, empty = { 0 };
	char message[QUOTAS_MESSAGE];

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNET))
		skip();
	write_book("20261124\ntablet 1234\n");
	quota_book_begin(&book, path);
	assert_int_equal(quotas_date(), 0);
	assert_int_equal(quotas_load(policy, 20261124, &book, message), 0);
	assert_int_equal(quotas_date(), 20261124);
	assert_int_equal(used_by_tablet(), 1234);
	/* What the kernel counts is newer than any book. */
	assert_int_equal(quotas_load(policy, 20261124, &empty, message), 0);
	assert_int_equal(used_by_tablet(), 1234);
	quota_book_take(&empty, 20261124);
	assert_int_equal(quota_book_used(&empty, 20261124, "tablet"), 1234);
	/* Midnight, whether the daemon saw it or not. */
	assert_int_equal(quotas_load(policy, 20261125, &book, message), 0);
	assert_int_equal(quotas_date(), 20261125);
	assert_int_equal(used_by_tablet(), 0);
	assert_int_equal(quotas_remove(), 0);
	/* The book is of yesterday. */
	assert_int_equal(quotas_load(policy, 20261125, &book, message), 0);
	assert_int_equal(used_by_tablet(), 0);
	assert_int_equal(quotas_remove(), 0);
	quota_book_end(&book);
	quota_book_end(&empty);
	policy_release(policy);
}

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/quotas", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(book_is_read_as_written),
		cmocka_unit_test(damaged_book_is_no_book),
		cmocka_unit_test(only_much_is_news),
		cmocka_unit_test(day_is_counted_to_its_end),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
