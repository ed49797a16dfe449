// link: daemon/policy/alternative_reader.c daemon/policy/condition.c daemon/policy/condition_print.c daemon/policy/condition_reach.c daemon/policy/config.c daemon/policy/decision.c daemon/policy/definitions.c daemon/policy/device.c daemon/policy/device_reader.c daemon/policy/document.c daemon/policy/edits_reader.c daemon/policy/grammar.c daemon/policy/label.c daemon/policy/list.c daemon/lists/addresses.c daemon/lists/wide.c daemon/lists/list_read.c daemon/lists/format.c daemon/lists/format_plain.c daemon/lists/format_set.c daemon/lists/format_drop.c daemon/lists/format_dnsmasq.c daemon/lists/format_adblock.c daemon/lists/format_rpz.c daemon/lists/format_csv.c daemon/lists/format_mmdb.c daemon/lists/format_srs.c daemon/lists/format_mrs.c daemon/lists/gather.c daemon/lists/pieces.c daemon/lists/words.c daemon/lists/u_label.c daemon/lists/mmdb.c daemon/lists/succinct.c daemon/lists/decompress.c daemon/reader.c daemon/policy/list_reader.c daemon/policy/pattern.c daemon/policy/policy.c daemon/policy/port.c daemon/policy/reading.c daemon/policy/roots.c daemon/policy/rule.c daemon/policy/rule_reader.c daemon/policy/scalar.c daemon/policy/schedule.c daemon/policy/limits.c daemon/policy/limits_reader.c daemon/policy/settings.c daemon/policy/source.c daemon/policy/source_pack.c daemon/policy/source_read.c daemon/policy/suggestion.c daemon/policy/upstream.c daemon/policy/upstream_reader.c daemon/policy/when_reader.c daemon/address.c daemon/name.c daemon/protocol.c daemon/text.c daemon/reason.c daemon/certificate.c daemon/lists/names.c -lyaml daemon/policy/explain.c daemon/policy/check.c -lz -lzstd -llzma -lidn2
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
	static const char addresses[] = "192.0.2.0/24\n203.0.113.1 - 203.0.113.9\n";
	static const char names[] = "ads.example\n0.0.0.0 b.example\n.c.example\n";
	static const char roots[] = "-----BEGIN CERTIFICATE-----\n";
	struct sources *sources = sources_of_text("p.yaml", (const char *)data, size);

	require(sources != NULL);
	sources_add(sources, SOURCE_LIST, "a", addresses, strlen(addresses));
	sources_add(sources, SOURCE_LIST, "n", names, strlen(names));
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
