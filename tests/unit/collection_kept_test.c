// link: collection tests/unit/enforcing.c -lyaml -lz -lzstd -llzma -lidn2 -lseccomp
/* What stays of lists that are in force: files that are not written again, entries when a list turns bad, and what a
 * policy holds on to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/supervisor/collection.h"
#include "tests/unit/enforcing.h"

static void what_has_not_changed_is_not_written_again(void **state)
{
	struct policy *policy;
	ino_t before;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	policy_release(load(both, "kept"));
	before = inode_of("kept/compiled");
	assert_true(before);
	policy_release(load(both, "kept"));
	assert_int_equal(inode_of("kept/compiled"), before);
	put("drop.txt", "192.0.2.0/24\n"); /* the same again, but dated anew */
	policy_release(load(both, "kept"));
	assert_int_equal(inode_of("kept/compiled"), before);
	put("drop.txt", "198.51.100.0/24\n");
	policy = load(both, "kept");
	assert_int_not_equal(inode_of("kept/compiled"), before);
	assert_true(has_address(policy, "198.51.100.1"));
	assert_false(has_address(policy, "192.0.2.1"));
	policy_release(policy);
}

/* Only who reads the list complains about it. */
static bool is_read_again(void)
{
	policy_release(load(both, "seen"));
	return strstr(messages(), "not understood") != NULL;
}

static void what_is_saved_anew_without_a_change_is_read_once(void **state)
{
	static const char list[] = "192.0.2.0/24\n192.0.2.0/33\n198.51.100.0/24\n";
	ino_t before;

	(void)state;
	put("drop.txt", list);
	put("ads.txt", "ads.example\n");
	let_settle("drop.txt");
	let_settle("ads.txt");
	assert_true(is_read_again());
	assert_false(is_read_again());
	before = inode_of("seen/compiled");
	put("drop.txt", list);
	let_settle("drop.txt");
	assert_true(is_read_again());
	assert_false(is_read_again());
	/* A file that is damaged, or about others, says nothing. */
	put("seen/stamps", "nonsense that is longer than the head of that file is");
	assert_true(is_read_again());
	assert_false(is_read_again());
	assert_int_equal(inode_of("seen/compiled"), before);
	put("drop.txt", "192.0.2.0/24\n192.0.2.0/33\n203.0.113.0/24\n");
	let_settle("drop.txt");
	assert_true(is_read_again());
	assert_int_not_equal(inode_of("seen/compiled"), before);
	assert_false(is_read_again());
}

/* Each of these in the place of a good list, which must stay in force. */
static void a_bad_list_keeps_its_last_good_entries(void **state)
{
	static const struct {
		const char *text; /* NULL: no file */
		const char *why;
	} bad[] = {
		{ NULL, "cannot be read: No such file or directory" },
		{ "<!DOCTYPE html>\n<html><body>502</body></html>\n",
		  "it is an HTML or XML page, not a list" },
		{ "0.0.0.0/0\n", "of its" },
		{ "what is\nthis supposed to be\n10.0.0.1\n", "of its 3 lines" },
		{ "names.example\n", "it holds names and no addresses" },
	};
	struct policy *policy;

	(void)state;
	put("ads.txt", "ads.example\n");
	put("drop.txt", "192.0.2.0/24\n");
	policy_release(load(both, "bad"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		unlink("drop.txt");
		if (bad[i].text)
			put("drop.txt", bad[i].text);
		policy = load(both, "bad");
		assert_true(has_address(policy, "192.0.2.1"));
		assert_true(list_has_host(policy->lists[1], "ads.example"));
		assert_non_null(strstr(messages(), "t.yaml:3: error: drop.txt "));
		if (!strstr(messages(), bad[i].why))
			fail_msg("%s", messages());
		assert_non_null(strstr(messages(), " stays in force\n"));
		assert_string_equal(explained(policy, "192.0.2.1"), "drop.txt:1: 192.0.2.0/24");
		policy_release(policy);
	}
	policy = load(both, NULL);
	assert_false(has_address(policy, "192.0.2.1"));
	assert_null(strstr(messages(), "stays in force"));
	policy_release(policy);
}

static void what_is_in_force_survives_its_file(void **state)
{
	struct policy *policy, *next;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	policy = load(both, "mapped");
	put("drop.txt", "198.51.100.0/24\n");
	next = load(both, "mapped");
	assert_true(has_address(policy, "192.0.2.1"));
	assert_true(has_address(next, "198.51.100.1"));
	policy_release(next);
	policy_release(policy);
}

/* A port of the LAN without addresses, in a network of its own. */
static bool draw_lan(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNET) == 0 &&
	       system("ip link add lan0 type veth peer name lan1 && ip link set lan0 up") == 0;
}

static const char blocking[] = "lists: { drop: { addresses: drop.txt } }\n"
			       "rules: [{ when: { address: list drop }, do: block }]";

/* Loads; true when the lists in force spare the LAN. */
static bool spares_lan(void)
{
	struct policy *policy = load(blocking, "guarded");
	bool spared = !has_address(policy, "192.0.2.1");

	assert_true(has_address(policy, "203.0.113.9"));
	policy_release(policy);
	return spared;
}

static void lan_is_guarded_once_it_has_addresses(void **state)
{
	struct policy *policy;
	ino_t before;

	(void)state;
	if (!draw_lan())
		skip();
	put("drop.txt", "192.0.2.0/24\n203.0.113.0/24\n");
	let_settle("drop.txt");
	policy = load(blocking, "guarded");
	assert_true(has_address(policy, "192.0.2.1"));
	assert_true(collection_is_guarding(policy));
	assert_int_equal(system("ip address add 192.0.2.129/25 dev lan0"), 0);
	assert_false(collection_is_guarding(policy));
	policy_release(policy);

	assert_true(spares_lan());
	assert_non_null(strstr(messages(), "1 entry is left out, the first in line 1"));
	before = inode_of("guarded/compiled");
	/* Another address of the same network, or of the link alone, or none: nothing is compiled. */
	assert_int_equal(system("ip address add 192.0.2.130/25 dev lan0 && "
				"ip address add fe80::77/64 dev lan0"), 0);
	assert_true(spares_lan());
	assert_int_equal(system("ip address flush dev lan0"), 0);
	assert_true(spares_lan());
	assert_int_equal(inode_of("guarded/compiled"), before);
	/* Another network: what was spared before is blocked. */
	assert_int_equal(system("ip address add 198.51.100.1/24 dev lan0"), 0);
	assert_false(spares_lan());
	assert_int_not_equal(inode_of("guarded/compiled"), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_not_changed_is_not_written_again),
		cmocka_unit_test(what_is_saved_anew_without_a_change_is_read_once),
		cmocka_unit_test(a_bad_list_keeps_its_last_good_entries),
		cmocka_unit_test(what_is_in_force_survives_its_file),
		cmocka_unit_test(lan_is_guarded_once_it_has_addresses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enforcing_begin, enforcing_end);
}
