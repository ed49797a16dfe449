#include "daemon/policy/config.h"

#include <string.h>

#include "daemon/policy/box_reader.h"
#include "daemon/policy/console_reader.h"
#include "daemon/policy/definitions.h"
#include "daemon/policy/file_grammar.h"
#include "daemon/policy/roots.h"
#include "daemon/policy/rule_reader.h"
#include "daemon/policy/rule_sense.h"
#include "daemon/policy/settings.h"
#include "daemon/policy/suggestion.h"

enum { INCLUDES_DEEP = 8 };

static void read_include(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target);
static void read_include_late(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target);

#define KEY_VERSION                                                                                \
	"headgate", FORM_NUMBER | FORM_TEXT, "1, the version of this format", .read = read_version
#define KEY_INCLUDE                                                                                \
	{                                                                                          \
		"include", FORM_TEXT | FORM_LIST | FORM_EMPTY,                                     \
			"a file such as more.yaml or several such as rules.d/*.yaml, or a list "   \
			"of them",                                                                 \
			.read = read_include, .read_late = read_include_late                       \
	}
#define KEY_LISTS                                                                                  \
	{                                                                                          \
		"lists", FORM_NAMED | FORM_EMPTY, "a mapping of names to lists",                   \
			.read = read_lists, .grammar = &list_grammar                               \
	}
#define KEY_COUNTRIES                                                                              \
	{                                                                                          \
		"countries", FORM_TEXT | FORM_MAPPING,                                             \
			"a MaxMind DB or csv that says which addresses are in which country, or "  \
			"a mapping with file",                                                     \
			.read = read_countries, .grammar = &countries_grammar                      \
	}
#define KEY_DEVICES                                                                                \
	{                                                                                          \
		"devices", FORM_NAMED | FORM_EMPTY, "a mapping of names to devices",               \
			.read = read_devices, .grammar = &device_grammar                           \
	}
#define KEY_UPSTREAMS                                                                              \
	{                                                                                          \
		"upstreams", FORM_NAMED | FORM_EMPTY, "a mapping of names to upstreams",           \
			.read = read_upstreams, .grammar = &upstream_grammar                       \
	}
#define KEY_RULES                                                                                  \
	{                                                                                          \
		"rules", FORM_MAPPING | FORM_LIST | FORM_EMPTY,                                    \
			"a list of rules, each with \"do\"", .grammar = &rule_grammar,             \
							     .read_late = read_rule                \
	}

static const struct keyword file_keywords[] = {
	{ KEY_VERSION, .required = true },
	{ "lan", FORM_TEXT | FORM_LIST,
	  "the name of a port of the gateway such as br-lan, or a list of them", .read = read_lan },
	{ "capture", FORM_MAPPING, "a mapping with tcp, udp, method, mark, table",
	  .read = read_capture, .grammar = &capture_grammar },
	{ "source", FORM_TEXT, "keep (servers see the device's address) or own (the gateway's)",
	  .read = read_source, .words = source_words },
	{ "when-down", FORM_TEXT, "open or closed", .read = read_when_down,
	  .words = when_down_words },
	{ "lists-in", FORM_TEXT, "auto, bpf, nft or daemon", .read = read_lists_in,
	  .words = lists_in_words },
	{ "leases", FORM_TEXT | FORM_LIST,
	  "the DHCP server's file of leases, such as /tmp/dhcp.leases, or a list of them",
	  .read = read_leases },
	KEY_INCLUDE,
	{ "trust", FORM_TEXT | FORM_LIST, "system, a PEM file, or a list of them",
	  .read = read_trust },
	{ "journal", FORM_TEXT | FORM_MAPPING,
	  "stdout, syslog or { file: PATH, rotate: 16 MB, keep: 4 }", .read = read_journal,
	  .grammar = &journal_grammar, .words = journal_words },
	{ "traces", FORM_MAPPING, "a mapping with directory, rotate, keep",
	  .grammar = &traces_grammar },
	{ "limits", FORM_MAPPING, "a mapping of limits such as connect: 5 s",
	  .grammar = &limits_grammar },
	{ "authority", FORM_MAPPING, "a mapping with directory, never",
	  .grammar = &authority_grammar, .read_late = read_authority },
	{ "console", FORM_MAPPING, "a mapping with listen, port, tls, names", .read = read_console,
	  .grammar = &console_grammar },
	{ "box", FORM_MAPPING, "a mapping with name, wan, lan, dns", .read = read_box,
	  .grammar = &box_grammar },
	KEY_LISTS,
	KEY_COUNTRIES,
	KEY_DEVICES,
	KEY_UPSTREAMS,
	KEY_RULES,
	{ 0 },
};

static const struct keyword part_keywords[] = {
	{ KEY_VERSION }, KEY_INCLUDE, KEY_LISTS, KEY_DEVICES, KEY_UPSTREAMS, KEY_RULES, { 0 },
};

const struct grammar file_grammar = { "the policy", file_keywords };
static const struct grammar part_grammar = { "an included file", part_keywords };

static struct document *open_document(struct reading *reading, size_t index)
{
	const struct source *source = &reading->policy->sources->sources[index];
	char message[MESSAGE_SIZE];
	struct place place;
	struct text problem;

	text_begin(&problem, message, sizeof(message));
	reading->documents[index] =
		document_new(source->name, source->bytes, source->length, &place, &problem);
	if (!reading->documents[index])
		reading_note(reading, SEVERITY_ERROR, &place, message);
	return reading->documents[index];
}

static void read_keys(struct reading *reading, const struct grammar *grammar, struct value top,
		      void (*read)(struct reading *, const struct keyword *, struct value, void *))
{
	for (size_t i = 0; i < value_count(top) && !reading->overrun; i++) {
		const char *word = value_text(value_key(top, i));
		const struct keyword *keyword = word ? grammar_find(grammar, word) : NULL;

		if (keyword)
			read(reading, keyword, value_item(top, i), reading->policy);
	}
}

static const struct grammar *grammar_of(size_t index)
{
	return index == 0 ? &file_grammar : &part_grammar;
}

/* First everything that defines, in all files; then everything that mentions what is defined. */
static void read_definitions(struct reading *reading, size_t index)
{
	struct document *document = open_document(reading, index);

	if (!document)
		return;
	if (value_kind(document_root(document)) == VALUE_NOTHING && index > 0)
		return;
	if (grammar_check(reading, grammar_of(index), document_root(document)))
		read_keys(reading, grammar_of(index), document_root(document), keyword_read);
}

static void read_rules(struct reading *reading, size_t index)
{
	struct document *document = reading->documents[index];

	if (document && value_kind(document_root(document)) == VALUE_MAPPING)
		read_keys(reading, grammar_of(index), document_root(document), keyword_read_late);
}

static void include_definitions(struct reading *reading, size_t index, struct value value)
{
	const struct source *source = &reading->policy->sources->sources[index];

	if (reading->documents[index] || index == 0) {
		reading_error(reading, value, "%s is included twice", source->name);
	} else if (!source->bytes) {
		reading_error(reading, value, "%s cannot be read: %s", source->name,
			      strerror(source->error));
	} else if (reading->include_depth == INCLUDES_DEEP) {
		reading_error(reading, value, "files include each other more than %d deep",
			      INCLUDES_DEEP);
	} else {
		reading->include_depth++;
		read_definitions(reading, index);
		reading->include_depth--;
	}
}

/* Rules stand where the include does, once. */
static void include_rules(struct reading *reading, size_t index, struct value value)
{
	(void)value;
	if (reading->included[index])
		return;
	reading->included[index] = true;
	read_rules(reading, index);
}

typedef void include(struct reading *reading, size_t index, struct value value);

static void each_included(struct reading *reading, struct value value, include *act)
{
	const struct sources *sources = reading->policy->sources;
	char pattern[SOURCE_NAME_SIZE];
	bool met = false;

	if (!source_name(pattern, value_place(value).file, value_text(value)))
		pattern[0] = '\0';
	for (size_t i = 0; i < sources->count; i++) {
		if (sources->sources[i].kind != SOURCE_POLICY ||
		    !source_fits(&sources->sources[i], pattern))
			continue;
		met = true;
		act(reading, i, value);
	}
	if (!met && !source_is_glob(pattern) && act == include_definitions)
		reading_missing(reading, value, value_text(value));
}

static void read_include(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	(void)keyword;
	(void)target;
	each_included(reading, value, include_definitions);
}

static void read_include_late(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target)
{
	(void)keyword;
	(void)target;
	each_included(reading, value, include_rules);
}

static struct value top_of(struct reading *reading)
{
	struct value none = { reading->documents[0], NULL };

	return none.document ? document_root(none.document) : none;
}

static void finish(struct reading *reading)
{
	struct policy *policy = reading->policy;

	settings_finish(policy);
	box_finish(policy);
	rules_check_reach(reading);
	for (size_t i = 0; i < policy->rule_count && reading->errors == 0; i++)
		policy->opens_tls |= rule_opens_tls(&policy->rules[i]);
	policy->speaks_tls = policy->opens_tls;
	for (size_t i = 0; i < policy->upstream_count; i++)
		policy->speaks_tls |= policy->upstreams[i]->proxy.through == THROUGH_HTTPS;
	roots_join(reading, top_of(reading));
	if (policy->lan_count == 0 && reading->errors == 0)
		reading_warning(reading, top_of(reading),
				"there is no \"lan\": no device's traffic is captured");
}

static void report_unreadable(const struct source *source, config_report *report, void *context)
{
	struct place top = { source->name, 1, 1 };
	char message[MESSAGE_SIZE];
	struct text text;

	text_begin(&text, message, sizeof(message));
	text_addf(&text, "the policy cannot be read: %s", strerror(source->error));
	report(context, SEVERITY_ERROR, &top, message);
}

static void report_exhausted(config_report *report, void *context)
{
	struct place nowhere = { "policy", 1, 1 };

	report(context, SEVERITY_ERROR, &nowhere, "out of memory");
}

static void ignore(void *context, enum severity severity, const struct place *place,
		   const char *message)
{
	(void)context;
	(void)severity;
	(void)place;
	(void)message;
}

struct policy *config_parse(struct sources *sources, config_report *report, void *context)
{
	struct policy *policy = policy_new(sources);
	struct reading reading = {
		.policy = policy, .report = report ? report : ignore, .context = context
	};

	if (!policy) {
		report_exhausted(reading.report, context);
		return NULL;
	}
	if (!sources->sources[0].bytes) {
		report_unreadable(&sources->sources[0], reading.report, context);
		policy_release(policy);
		return NULL;
	}
	read_definitions(&reading, 0);
	read_rules(&reading, 0);
	if (reading.documents[0])
		finish(&reading);
	reading_end(&reading);
	if (reading.errors == 0)
		return policy;
	policy_release(policy);
	return NULL;
}
