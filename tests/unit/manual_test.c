// link: policy lists -lyaml -lz -lzstd -llzma -lidn2
/* What the owner reads is true: the manual names every word of the grammar, and every example in
 * manual, tutorial and shipped file is a policy that is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/file_grammar.h"

enum { PAGE_SIZE = 1 << 16, GRAMMARS_MAX = 32 };

static const char *read_page(const char *name, char page[static PAGE_SIZE])
{
	char path[512];
	const char *slash = strrchr(__FILE__, '/');
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "%.*s/../../%s", (int)(slash ? slash - __FILE__ : 1),
		 slash ? __FILE__ : ".", name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s cannot be read", path);
	length = fread(page, 1, PAGE_SIZE - 1, file);
	fclose(file);
	page[length] = '\0';
	return page;
}

/* Whether a line of this macro has the word among its own. */
static bool has_word(const char *page, const char *macro, const char *word)
{
	size_t length = strlen(word);

	for (const char *line = page; line; line = strchr(line + 1, '\n')) {
		const char *end = strchr(line + 1, '\n');

		if (strncmp(line + 1, macro, strlen(macro)) != 0)
			continue;
		for (const char *hit = strstr(line + 1, word); hit && hit < end;
		     hit = strstr(hit + 1, word)) {
			if (hit[-1] == ' ' && (hit[length] == ' ' || hit[length] == '\n'))
				return true;
		}
	}
	return false;
}

static void check_keyword(const char *page, const struct grammar *grammar,
			  const struct keyword *keyword)
{
	if (!has_word(page, ".It Ic", keyword->word) && !has_word(page, ".Ic", keyword->word))
		fail_msg("the manual does not have the key \"%s\" of %s", keyword->word,
			 grammar->what);
	for (size_t i = 0; keyword->words && keyword->words[i]; i++) {
		if (!has_word(page, ".Cm", keyword->words[i]) &&
		    !has_word(page, ".It Cm", keyword->words[i]) &&
		    !has_word(page, ".It Ic", keyword->words[i]) &&
		    !has_word(page, ".Pq Cm", keyword->words[i]))
			fail_msg("the manual does not have the word \"%s\" of \"%s\"",
				 keyword->words[i], keyword->word);
	}
}

static void check_grammar(const char *page, const struct grammar *grammar,
			  const struct grammar **seen)
{
	size_t count = 0;

	for (; seen[count]; count++) {
		if (seen[count] == grammar)
			return;
	}
	assert_true(count < GRAMMARS_MAX - 1);
	seen[count] = grammar;
	for (const struct keyword *keyword = grammar->keywords; keyword->word; keyword++) {
		check_keyword(page, grammar, keyword);
		if (keyword->grammar)
			check_grammar(page, keyword->grammar, seen);
	}
}

static void the_manual_has_every_word(void **state)
{
	static char page[PAGE_SIZE];
	const struct grammar *seen[GRAMMARS_MAX] = { NULL };

	(void)state;
	read_page("docs/man/headgate.yaml.5", page);
	check_grammar(page, &file_grammar, seen);
}

static void report(void *context, enum severity severity, const struct place *place,
		   const char *message)
{
	fail_msg("%s:%u:%u: %s\n%s", place->file, place->line, place->column, message,
		 severity == SEVERITY_ERROR ? (const char *)context : "");
}

static void assert_taken(const char *file, const char *text)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----";
	struct sources *sources = sources_of_text(file, text, strlen(text));
	struct policy *policy;

	sources_add(sources, SOURCE_ROOTS, "lab-root.pem", pem, strlen(pem));
	sources_add(sources, SOURCE_ROOTS, "system", pem, strlen(pem));
	policy = config_parse(sources, report, (void *)(uintptr_t)text);
	assert_non_null(policy);
	policy_release(policy);
}

/* Everything between two marks, each time; returns how often. */
static unsigned check_examples(const char *name, const char *begin, const char *end)
{
	static char page[PAGE_SIZE], text[PAGE_SIZE];
	const char *next = read_page(name, page);
	unsigned count = 0;

	while ((next = strstr(next, begin))) {
		const char *stop;

		next += strlen(begin);
		stop = strstr(next, end);
		assert_non_null(stop);
		snprintf(text, sizeof(text), "%s%.*s",
			 strncmp(next, "headgate:", 9) == 0 ? "" : "headgate: 1\nlan: br-lan\n",
			 (int)(stop - next), next);
		assert_taken("headgate.yaml", text);
		count++;
	}
	return count;
}

static void examples_are_policies(void **state)
{
	(void)state;
	assert_int_equal(
		check_examples("docs/man/headgate.yaml.5", ".Bd -literal -offset indent\n", ".Ed"),
		2);
	assert_true(check_examples("docs/rules.md", "```yaml\n", "```") >= 6);
}

/* Takes away the '#' of every line but explanations, which have one blank behind it. */
static void use_examples(char *page)
{
	char *to = page;

	for (const char *from = page; *from; from++) {
		bool first = from == page || from[-1] == '\n';
		bool explains = from[1] == '\n' || (from[1] == ' ' && from[2] != ' ');

		if (!first || *from != '#' || explains)
			*to++ = *from;
	}
	*to = '\0';
}

static void the_shipped_file_passes_everything(void **state)
{
	static char page[PAGE_SIZE];

	(void)state;
	assert_taken("headgate.yaml", read_page("init/headgate.yaml", page));
	assert_null(strstr(page, "\n  - "));
}

static void its_examples_are_one_policy(void **state)
{
	static char page[PAGE_SIZE];

	(void)state;
	read_page("init/headgate.yaml", page);
	use_examples(page);
	assert_non_null(strstr(page, "\n  - name: bedtime"));
	assert_taken("headgate.yaml", page);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_every_word),
		cmocka_unit_test(examples_are_policies),
		cmocka_unit_test(the_shipped_file_passes_everything),
		cmocka_unit_test(its_examples_are_one_policy),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
