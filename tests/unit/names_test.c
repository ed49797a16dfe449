// link: daemon/lists/names.c daemon/name.c daemon/address.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/lists/names.h"

enum { PATTERNS = 300, QUESTIONS = 3000, NAMES = 100000 };

/* The same answer by looking at every pattern. */
struct twin {
	size_t count;
	enum name_pattern_kind kind[PATTERNS];
	char name[PATTERNS][NAME_SIZE];
};

static bool twin_find(const struct twin *twin, const char *name)
{
	for (size_t i = 0; i < twin->count; i++)
		if (name_matches(name, twin->kind[i], twin->name[i]))
			return true;
	return false;
}

/* Few letters and few labels, so that parents, twins and near misses are common. */
static void random_name(char name[static NAME_SIZE])
{
	static const char *const labels[] = { "a", "b", "ab", "ba", "a-b", "_" };
	int count = 1 + rand() % 4;

	name[0] = '\0';
	for (int i = 0; i < count; i++) {
		strcat(name, i ? "." : "");
		strcat(name, labels[rand() % 6]);
	}
}

static void a_naive_twin_agrees(void **state)
{
	struct name_set *set = name_set_new();
	struct twin *twin = calloc(1, sizeof *twin);
	char name[NAME_SIZE];
	unsigned line;
	unsigned hits = 0;

	(void)state;
	srand(7);
	for (twin->count = 0; twin->count < PATTERNS; twin->count++) {
		size_t i = twin->count;

		twin->kind[i] = (enum name_pattern_kind)(rand() % 3);
		random_name(twin->name[i]);
		if (!strchr(twin->name[i], '.'))
			twin->kind[i] = NAME_EXACT;
		assert_int_equal(name_set_add(set, twin->kind[i], twin->name[i], (unsigned)i), 0);
	}
	name_set_finish(set);
	for (unsigned i = 0; i < QUESTIONS; i++) {
		bool found;

		random_name(name);
		found = name_set_find(set, name, &line);
		assert_int_equal(found, twin_find(twin, name));
		if (found)
			assert_true(name_matches(name, twin->kind[line], twin->name[line]));
		hits += found;
	}
	assert_true(hits > QUESTIONS / 10 && hits < QUESTIONS * 9 / 10);
	name_set_free(set);
	free(twin);
}

static void the_closest_pattern_is_told(void **state)
{
	struct name_set *set = name_set_new();
	unsigned line = 99;

	(void)state;
	name_set_add(set, NAME_TREE, "com", 1);
	name_set_add(set, NAME_SUBDOMAINS, "example.com", 2);
	name_set_add(set, NAME_EXACT, "example.com", 3);
	name_set_add(set, NAME_EXACT, "example.com", 9);
	name_set_finish(set);
	assert_int_equal(name_set_count(set), 3);
	assert_true(name_set_find(set, "example.com", &line));
	assert_int_equal(line, 3);
	assert_true(name_set_find(set, "a.example.com", &line));
	assert_int_equal(line, 2);
	assert_true(name_set_find(set, "other.com", &line));
	assert_int_equal(line, 1);
	assert_true(name_set_find(set, "com", NULL));
	assert_false(name_set_find(set, "org", &line));
	name_set_free(set);
}

static void an_empty_set_holds_nothing(void **state)
{
	struct name_set *set = name_set_new();

	(void)state;
	name_set_finish(set);
	assert_int_equal(name_set_count(set), 0);
	assert_false(name_set_find(set, "example.com", NULL));
	name_set_free(set);
	name_set_free(NULL);
}

static void a_hundred_thousand_names_are_found(void **state)
{
	struct name_set *set = name_set_new();
	char name[NAME_SIZE];
	unsigned line;

	(void)state;
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, "host%u.example", i * 7919 % NAMES);
		assert_int_equal(name_set_add(set, NAME_TREE, name, i), 0);
	}
	name_set_finish(set);
	assert_int_equal(name_set_count(set), NAMES);
	for (unsigned i = 0; i < NAMES; i += 97) {
		snprintf(name, sizeof name, "www.host%u.example", i * 7919 % NAMES);
		assert_true(name_set_find(set, name, &line));
		assert_int_equal(line, i);
	}
	assert_false(name_set_find(set, "host.example", NULL));
	name_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_naive_twin_agrees),
		cmocka_unit_test(the_closest_pattern_is_told),
		cmocka_unit_test(an_empty_set_holds_nothing),
		cmocka_unit_test(a_hundred_thousand_names_are_found),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
