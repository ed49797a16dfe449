#include "tests/unit/policy_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void note(void *context, enum severity severity, const struct place *place,
		 const char *message)
{
	text_addf(context, "%s:%u:%u: %s: %s\n", place->file, place->line, place->column,
		  severity == SEVERITY_ERROR ? "error" : "warning", message);
}

struct policy *policy_try(const char *text, struct text *output)
{
	static const char pem[] = "-----BEGIN CERTIFICATE-----\n";
	struct sources *sources = sources_of_text("test.yaml", text, strlen(text));

	assert_non_null(sources);
	assert_int_equal(sources_add(sources, SOURCE_ROOTS, "system", pem, strlen(pem)), 0);
	return config_parse(sources, note, output);
}

struct policy *policy_of_text(const char *text)
{
	char storage[4096];
	struct text output;
	struct policy *policy;

	text_begin(&output, storage, sizeof(storage));
	policy = policy_try(text, &output);
	if (!policy)
		fail_msg("%s", storage);
	return policy;
}
