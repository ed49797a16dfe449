// link: collection tests/unit/enforcing.c -lyaml -lz -lzstd -llzma -lidn2 -lseccomp
/* Lists at the worst moments: hostile ones, damaged files, a compiler that is killed. What was good before stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "daemon/clock.h"
#include "daemon/supervisor/collection.h"
#include "tests/unit/enforcing.h"

static void put_sparse(const char *name)
{
	put(name, "192.0.2.0/24\n");
	assert_int_equal(truncate(name, INT64_C(2) << 30), 0);
}

static void put_lines(const char *name)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	for (unsigned i = 0; i < 10000000; i++)
		fprintf(file, "%u.%u.%u.9\n", 1 + (i >> 16) % 9, i >> 8 & 255, i & 255);
	fclose(file);
}

/* A gigabyte of zeros in a megabyte. */
static void put_bomb(const char *name)
{
	static const uint8_t zeros[1 << 20];
	gzFile file = gzopen(name, "wb1");

	assert_non_null(file);
	for (int i = 0; i < 1024; i++)
		assert_int_equal(gzwrite(file, zeros, sizeof zeros), sizeof zeros);
	gzclose(file);
}

static void put_cut_short(const char *name)
{
	put_bytes(name, packed, PACKED_LENGTH - 9);
}

static void put_nuls(const char *name)
{
	static const uint8_t nuls[] = "192.0.2.1\0\n\0\0\n192.0.2.2\0";

	put_bytes(name, nuls, sizeof nuls);
}

static void put_pipe(const char *name)
{
	unlink(name);
	assert_int_equal(mkfifo(name, 0600), 0);
}

static void put_mapped_everything(const char *name)
{
	put(name, "::ffff:0.0.0.0/96\n");
}

#ifndef SANITIZED
static long peak_of_children(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return usage.ru_maxrss;
}
#endif

/* None of these gets in, takes long, or takes more memory than a small router can give. */
static void a_hostile_list_hurts_nobody(void **state)
{
	static const struct {
		void (*put)(const char *name);
		const char *why;
	} hostile[] = {
		{ put_sparse, "is larger than 512 MB" },
		{ put_lines, "holds more than 5000000 entries" },
		{ put_bomb, "unpacks to suspiciously much" },
		{ put_cut_short, "cut short" },
		{ put_nuls, "is no text" },
		{ put_pipe, "is not a regular file" },
		{ put_mapped_everything, "not understood" },
	};
	struct policy *policy;

	(void)state;
	put("ads.txt", "ads.example\n");
	put("drop.txt", "192.0.2.0/24\n");
	policy_release(load(both, "hostile"));
	for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
		unlink("drop.txt");
		hostile[i].put("drop.txt");
		policy = load(both, "hostile");
		if (!strstr(messages(), hostile[i].why) || !strstr(messages(), " stays in force\n"))
			fail_msg("%s", messages());
		assert_true(has_address(policy, "192.0.2.1"));
		assert_false(has_address(policy, "1.0.0.9"));
		assert_true(list_has_host(policy->lists[1], "ads.example"));
		policy_release(policy);
	}
	unlink("drop.txt");
#ifndef SANITIZED
	assert_true(peak_of_children() < 64 * 1024);
#endif
}

static void a_damaged_compiled_file_is_made_anew(void **state)
{
	struct policy *policy;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	policy = load(both, "damaged");
	assert_int_equal(truncate("damaged/compiled", 100), 0);
	policy_release(policy);
	put("damaged/compiled.new", "half written");
	policy = load(both, "damaged");
	assert_non_null(strstr(messages(), "damaged/compiled is not taken (it is damaged"));
	assert_true(has_address(policy, "192.0.2.1"));
	assert_int_equal(access("damaged/compiled.new", F_OK), -1);
	policy_release(policy);
}

enum { KILLS = 200, MANY = 4000 };

/* Every name says which writing of the list it is of. */
static void put_names(unsigned writing)
{
	FILE *file = fopen("ads.txt", "w");

	assert_non_null(file);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(file, "host%u.of-%u.example\n", i, writing);
	fclose(file);
}

/* Loads in a process of its own, which is killed with its compiler after so many microseconds; 0:
 * never. How long it took. */
static int64_t load_and_kill(unsigned microseconds)
{
	int64_t begin = clock_steady();
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		policy_release(load(both, "killed"));
		_exit(0);
	}
	setpgid(child, child);
	if (microseconds) {
		usleep(microseconds);
		kill(-child, SIGKILL);
	}
	waitpid(child, NULL, 0);
	return clock_steady() - begin;
}

/* The writing that the file holds: all of it, and nothing of another. */
static unsigned writing_in_force(unsigned newest)
{
	struct compiled compiled;
	struct list_set set;
	char name[64];
	unsigned found = 0;

	assert_int_equal(compiled_open(&compiled, "killed/compiled"), 0);
	assert_true(compiled_verify(&compiled));
	assert_int_equal(compiled.suffixes.count, MANY);
	for (unsigned writing = newest; !found; writing--) {
		snprintf(name, sizeof name, "host0.of-%u.example", writing);
		found = suffixes_find(&compiled.suffixes, name, &set) ? writing : 0;
		assert_true(found || writing > 1);
	}
	for (unsigned i = 0; i < MANY; i += 97) {
		snprintf(name, sizeof name, "host%u.of-%u.example", i, found);
		assert_true(suffixes_find(&compiled.suffixes, name, &set));
	}
	compiled_close(&compiled);
	return found;
}

/* Wherever the work is cut off, what is there is whole: the old lists or the new ones. */
static void whatever_is_killed_leaves_whole_lists(void **state)
{
	unsigned before = 1, changes = 0;
	int64_t whole;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put_names(1);
	whole = load_and_kill(0);
	srand(1);
	for (unsigned kill = 2; kill < KILLS + 2; kill++) {
		unsigned found;

		put_names(kill);
		load_and_kill(1 + (unsigned)((double)rand() / RAND_MAX * 1.3 * (double)whole));
		found = writing_in_force(kill);
		assert_true(found == before || found == kill);
		changes += found == kill;
		before = found;
	}
	/* Both happened, or the moments were all before or all after the work. */
	assert_true(changes > 0 && changes < KILLS);
	put_names(KILLS + 2);
	load_and_kill(0);
	assert_int_equal(writing_in_force(KILLS + 2), KILLS + 2);
}

/* The one child of this process; 0 for none. */
static pid_t only_child(void)
{
	char path[64];
	FILE *file;
	int child = 0;

	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	file = fopen(path, "r");
	if (file && fscanf(file, "%d", &child) != 1)
		child = 0;
	if (file)
		fclose(file);
	return child;
}

/* Begins to compile and kills who does it; false when it was done before. */
static bool kill_compiler(struct policy *policy, const struct policy *other)
{
	const struct collection_settings settings = { .directory = "starved", .account = "nobody", .report = note };
	struct collection *collection = collection_begin(policy, &settings);
	pid_t child = only_child();
	bool lacks;

	assert_non_null(collection);
	assert_int_not_equal(child, 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (!collection_hear(collection))
		usleep(1000);
	lacks = collection_lacks(collection, other);
	assert_int_equal(collection_finish(collection), 0);
	waitpid(child, NULL, 0);
	if (!policy->lists_trouble)
		return false;
	/* Only a list that was never there is missing, and only where nobody had it before. */
	assert_int_equal(lacks, policy->list_count > other->list_count);
	return true;
}

static void where_memory_is_out_lists_stay_and_it_is_told(void **state)
{
	static const char more[] = "lists: { drop: { addresses: drop.txt }, ads: { names: ads.txt }, more: { names: ads.txt } }";
	struct policy *before, *policy;
	FILE *file;

	(void)state;
	put("drop.txt", "192.0.2.0/24\n");
	put("ads.txt", "ads.example\n");
	before = load(both, "starved");
	file = fopen("drop.txt", "w");
	assert_non_null(file);
	for (unsigned i = 0; i < 200000; i++)
		fprintf(file, "198.%u.%u.%u\n", i >> 16, i >> 8 & 255, i & 255);
	fclose(file);
	for (unsigned i = 0; i < 2; i++) {
		policy = parse(i ? more : both);
		/* It may be done before anybody kills it; then it has nothing to do the next time. */
		if (kill_compiler(policy, before)) {
			assert_non_null(strstr(messages(), "not enough memory: about "));
			assert_non_null(strstr(messages(), "; what was compiled before stays in force"));
			assert_non_null(strstr(policy->lists[0]->trouble, "is not compiled: not enough memory"));
			assert_null(policy->lists[1]->trouble);
			assert_true(has_address(policy, "192.0.2.1"));
			assert_false(has_address(policy, "198.0.0.1"));
		}
		policy_release(policy);
	}
	policy_release(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hostile_list_hurts_nobody),
		cmocka_unit_test(a_damaged_compiled_file_is_made_anew),
		cmocka_unit_test(whatever_is_killed_leaves_whole_lists),
		cmocka_unit_test(where_memory_is_out_lists_stay_and_it_is_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, enforcing_begin, enforcing_end);
}
