// link: policy lists -lyaml -lz -lzstd -llzma -lidn2
/* Any text as a policy file: it is refused with messages that have a place, or the judge, the
 * printer and the explainer work with what came out. */
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/check.h"
#include "daemon/policy/config.h"
#include "daemon/policy/explain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void note(void *context, enum severity severity, const struct place *place,
		 const char *message)
{
	unsigned *errors = context;

	require(place->file && place->line > 0 && place->column > 0 && *message);
	*errors += severity == SEVERITY_ERROR;
}

static void ignore_line(void *context, const char *line)
{
	(void)context;
	require(strchr(line, '\n') == NULL);
}

static struct sources *make_sources(const uint8_t *data, size_t size)
{
	static const char roots[] = "-----BEGIN CERTIFICATE-----\n";
	struct sources *sources = sources_of_text("p.yaml", (const char *)data, size);

	require(sources != NULL);
	sources_add(sources, SOURCE_ROOTS, "system", roots, strlen(roots));
	return sources;
}

static struct facts make_facts(unsigned learned)
{
	struct facts facts = { .learned = learned, .transport = TRANSPORT_TCP };

	address_parse(&facts.client, "192.0.2.10");
	address_parse_with_port(&facts.destination, "203.0.113.5:443");
	if (learned & MOMENT_HELLO) {
		facts.protocol = PROTOCOL_TLS;
		facts.tls_version = 0x0304;
		facts.host = "www.b.example";
	}
	if (learned & MOMENT_REQUEST) {
		facts.method = "GET";
		facts.path = "/api/index.html";
		facts.query = "a=1";
	}
	return facts;
}

static void use(const struct policy *policy)
{
	char storage[4096];
	struct text text;

	for (unsigned learned = MOMENT_ADDRESSES; learned < 2 * MOMENT_RESPONSE; learned += 2) {
		struct facts facts = make_facts(learned);
		struct decision decision = policy_decide(policy, &facts);

		require(decision.ask ? !(learned & decision.wanted) : decision.rule != NULL);
		explain_policy(policy, &facts, ignore_line, NULL);
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		text_begin(&text, storage, sizeof(storage));
		rule_print(&policy->rules[i], &text);
	}
	check_policy(policy, ignore_line, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned errors = 0;
	struct policy *policy = config_parse(make_sources(data, size), note, &errors);

	require((policy == NULL) == (errors > 0));
	if (policy)
		use(policy);
	policy_release(policy);
	return 0;
}
