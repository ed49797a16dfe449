/* Tables as text, each beside what it is made from: tests/rulesets/NAME.in or .yaml, and NAME.nft. */
#pragma once

#include <cmocka.h>

enum { GOLDEN_MAX = 32 };

/* The whole file, malloc'd and NUL-terminated. Fails the test where there is none. */
char *golden_read(const char *path);

/* Holds a text against the table beside input. WRITE=1 in the environment writes that file anew. */
void golden_compare(const char *input, const char *text);

/* Runs in a child, in a network namespace of its own: 0, or the number of the step that failed, which fails the test.
 * Skips it where there can be no such namespace. */
void golden_in_namespace(int (*run)(const char *text), const char *text);

/* Runs first (count of them, with room for two more for each file), then both tests for every file of the pattern, whose
 * state is its path. What main() returns. */
int golden_run(const char *name, struct CMUnitTest *first, size_t count, const char *pattern,
	       const CMUnitTestFunction tests[static 2]);
