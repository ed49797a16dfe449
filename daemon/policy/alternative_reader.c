#include "daemon/policy/alternative_reader.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/scalar.h"
#include "daemon/policy/suggestion.h"

const char *const certificate_words[] = { "expired",	"not-yet-valid", "self-signed", "untrusted",
					  "wrong-host", "invalid",	 NULL };
const char *const tls_version_words[] = { "1.0", "1.1", "1.2", "1.3", NULL };
const char *const protocol_words[] = {
	"tcp",
	"udp",
#define PROTOCOL_ITEM(name, word) word,
	PROTOCOLS(PROTOCOL_ITEM)
#undef PROTOCOL_ITEM
		NULL,
};

typedef bool alternative_reader(struct reading *reading, const struct keyword *keyword,
				struct value value, struct alternative *alternative);

bool alternative_is_field_name(const char *text)
{
	for (const char *next = text; *next; next++) {
		if (!isalnum((unsigned char)*next) && !strchr("!#$%&'*+-.^_`|~", *next))
			return false;
	}
	return *text;
}

/* Notes what it is and the owner's text. */
static bool keep(struct reading *reading, struct alternative *alternative,
		 enum alternative_kind kind, const char *text)
{
	alternative->kind = kind;
	alternative->text = reading_copy(reading, text);
	return alternative->text != NULL;
}

static bool mismatch(struct reading *reading, const struct keyword *keyword, struct value value)
{
	keyword_mismatch(reading, keyword, value);
	return false;
}

static bool starts(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static bool read_prefix(struct reading *reading, const struct keyword *keyword, struct value value,
			struct alternative *alternative)
{
	char text[PREFIX_TEXT];

	return scalar_prefix(reading, keyword, value, &alternative->prefix) &&
	       keep(reading, alternative, ALTERNATIVE_PREFIX,
		    alternative->prefix.length == address_width(&alternative->prefix.base) * 8
			    ? value_text(value)
			    : prefix_print(&alternative->prefix, text));
}

static bool read_list(struct reading *reading, struct value value, enum list_use use,
		      struct alternative *alternative)
{
	alternative->list = find_list(reading, value, value_text(value) + strlen("list "), use);
	return alternative->list && keep(reading, alternative, ALTERNATIVE_LIST, value_text(value));
}

static bool read_country(struct reading *reading, struct value value,
			 struct alternative *alternative)
{
	alternative->list = find_country(reading, value, value_text(value) + strlen("country "));
	return alternative->list &&
	       keep(reading, alternative, ALTERNATIVE_LIST, alternative->list->name);
}

static bool read_port(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	if (port_range_parse(&alternative->range, value_text(value)) != 0)
		return mismatch(reading, keyword, value);
	return keep(reading, alternative, ALTERNATIVE_RANGE, value_text(value));
}

static bool read_protocol(struct reading *reading, const struct keyword *keyword,
			  struct value value, struct alternative *alternative)
{
	int choice = keyword_choose(reading, keyword, value);

	if (choice < 0)
		return false;
	if (choice < 2) {
		alternative->transport = choice == 0 ? TRANSPORT_TCP : TRANSPORT_UDP;
		return keep(reading, alternative, ALTERNATIVE_TRANSPORT, value_text(value));
	}
	alternative->protocol = (enum protocol)(choice - 2);
	return keep(reading, alternative, ALTERNATIVE_PROTOCOL, value_text(value));
}

static bool read_time(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	if (schedule_parse(&alternative->schedule, value_text(value)) != 0)
		return mismatch(reading, keyword, value);
	return keep(reading, alternative, ALTERNATIVE_SCHEDULE, value_text(value));
}

static bool read_tls_version(struct reading *reading, const struct keyword *keyword,
			     struct value value, struct alternative *alternative)
{
	int choice = keyword_choose(reading, keyword, value);

	if (choice < 0)
		return false;
	alternative->version = (uint16_t)(0x0301 + choice);
	return keep(reading, alternative, ALTERNATIVE_VERSION, value_text(value));
}

static bool status_parse(struct port_range *range, const char *text)
{
	if (strlen(text) == 3 && text[0] >= '1' && text[0] <= '5' && strcmp(text + 1, "xx") == 0) {
		range->first = (uint16_t)((text[0] - '0') * 100);
		range->last = range->first + 99;
		return true;
	}
	return port_range_parse(range, text) == 0 && range->first >= 100 && range->last <= 599;
}

static bool read_status(struct reading *reading, const struct keyword *keyword, struct value value,
			struct alternative *alternative)
{
	if (!status_parse(&alternative->range, value_text(value)))
		return mismatch(reading, keyword, value);
	return keep(reading, alternative, ALTERNATIVE_RANGE, value_text(value));
}

static bool report_no_device(struct reading *reading, const struct keyword *keyword,
			     struct value value)
{
	const struct policy *policy = reading->policy;
	const char *text = value_text(value);
	struct suggestion suggestion;

	/* Nobody names a device "192.0.2.300": that is meant as an address, and is none. */
	if (!scalar_is_label(text) || !text[strspn(text, "0123456789.")])
		return mismatch(reading, keyword, value);
	suggestion_begin(&suggestion, text);
	for (size_t i = 0; i < policy->device_count; i++)
		suggestion_offer(&suggestion, policy->devices[i].name);
	if (suggestion.best)
		reading_error(reading, value, "there is no device \"%s\"; did you mean \"%s\"?",
			      text, suggestion.best);
	else
		reading_error(reading, value,
			      "there is no device \"%s\"; define it under `devices`, or write "
			      "\"port %s\" for a port of the gateway",
			      text, text);
	return false;
}

static bool read_from(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	const char *text = value_text(value);
	struct prefix prefix;

	if (starts(text, "port ")) {
		if (!scalar_is_port_name(text + 5))
			return mismatch(reading, keyword, value);
		if (!keep(reading, alternative, ALTERNATIVE_PORT_NAME, text))
			return false;
		alternative->port_name = alternative->text + 5;
		return true;
	}
	if (starts(text, "list "))
		return read_list(reading, value, LIST_OF_ADDRESSES, alternative);
	if (starts(text, "country "))
		return read_country(reading, value, alternative);
	if (mac_parse(alternative->mac, text) == 0)
		return keep(reading, alternative, ALTERNATIVE_MAC, text);
	if (prefix_parse(&prefix, text) != -1)
		return read_prefix(reading, keyword, value, alternative);
	alternative->device = find_device(reading->policy, text);
	if (alternative->device)
		return keep(reading, alternative, ALTERNATIVE_DEVICE, text);
	return report_no_device(reading, keyword, value);
}

static bool read_address(struct reading *reading, const struct keyword *keyword, struct value value,
			 struct alternative *alternative)
{
	const char *text = value_text(value);

	if (strcmp(text, "private") == 0)
		return keep(reading, alternative, ALTERNATIVE_PRIVATE, text);
	if (strcmp(text, "public-resolvers") == 0)
		return keep(reading, alternative, ALTERNATIVE_RESOLVERS, text);
	if (starts(text, "list "))
		return read_list(reading, value, LIST_OF_ADDRESSES, alternative);
	if (starts(text, "country "))
		return read_country(reading, value, alternative);
	return read_prefix(reading, keyword, value, alternative);
}

static bool read_alpn(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	size_t length = strlen(value_text(value));

	if (length == 0 || length > 255)
		return mismatch(reading, keyword, value);
	return keep(reading, alternative, ALTERNATIVE_WORD, value_text(value));
}

static bool read_name(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	static const char *const fronts[] = {
		[NAME_EXACT] = "", [NAME_SUBDOMAINS] = "*.", [NAME_TREE] = "."
	};
	enum name_pattern_kind kind;
	char canonical[NAME_SIZE];
	char storage[NAME_SIZE + 2];
	struct text text;

	if (!name_pattern_parse(value_text(value), &kind, canonical))
		return mismatch(reading, keyword, value);
	text_begin(&text, storage, sizeof(storage));
	text_addf(&text, "%s%s", fronts[kind], canonical);
	if (!keep(reading, alternative, ALTERNATIVE_NAME, storage))
		return false;
	alternative->name.kind = kind;
	alternative->name.name = alternative->text + strlen(fronts[kind]);
	return true;
}

static bool read_host(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	const char *text = value_text(value);
	struct prefix prefix;

	if (strcmp(text, "none") == 0)
		return keep(reading, alternative, ALTERNATIVE_NO_NAME, text);
	if (strcmp(text, "public-resolvers") == 0)
		return keep(reading, alternative, ALTERNATIVE_RESOLVERS, text);
	if (starts(text, "list "))
		return read_list(reading, value, LIST_OF_NAMES, alternative);
	if (prefix_parse(&prefix, text) == -1)
		return read_name(reading, keyword, value, alternative);
	if (!read_prefix(reading, keyword, value, alternative))
		return false;
	alternative->kind = ALTERNATIVE_LITERAL;
	return true;
}

static bool read_pattern(struct reading *reading, struct value value, struct pattern *pattern)
{
	const char *problem = pattern_begin(pattern, value_text(value));

	if (problem)
		reading_error(reading, value, "\"%.60s\" cannot be used: %s", value_text(value),
			      problem);
	return !problem;
}

static bool keep_pattern(struct reading *reading, struct value value,
			 struct alternative *alternative)
{
	return read_pattern(reading, value, &alternative->pattern) &&
	       keep(reading, alternative, ALTERNATIVE_PATTERN, value_text(value));
}

static bool read_method(struct reading *reading, const struct keyword *keyword, struct value value,
			struct alternative *alternative)
{
	const char *text = value_text(value);

	for (const char *next = text; *next && !starts(text, "regex:"); next++) {
		if (islower((unsigned char)*next) || isspace((unsigned char)*next))
			return mismatch(reading, keyword, value);
	}
	return keep_pattern(reading, value, alternative);
}

static bool read_path(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	const char *text = value_text(value);
	char found[FOUND_SIZE];

	(void)keyword;
	if (starts(text, "regex:") || *text == '/' || *text == '*' || *text == '?')
		return keep_pattern(reading, value, alternative);
	reading_error(reading, value, "a path begins with \"/\" (or *, or regex:); found %s",
		      reading_found(value, found));
	return false;
}

static bool read_text(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	(void)keyword;
	return keep_pattern(reading, value, alternative);
}

static void add_pattern(struct reading *reading, struct value value, struct patterns *patterns)
{
	struct pattern pattern;
	struct pattern *grown;

	if (!read_pattern(reading, value, &pattern))
		return;
	grown = reading_grow(reading, patterns->patterns, &patterns->count, sizeof(*grown));
	if (!grown) {
		pattern_end(&pattern);
		return;
	}
	patterns->patterns = grown;
	grown[patterns->count - 1] = pattern;
}

static void read_issuer(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct certificate_names *names = target;

	(void)keyword;
	add_pattern(reading, value, &names->issuer);
}

static void read_subject(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	struct certificate_names *names = target;

	(void)keyword;
	add_pattern(reading, value, &names->subject);
}

static void read_san(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct certificate_names *names = target;

	(void)keyword;
	add_pattern(reading, value, &names->san);
}

static const struct keyword certificate_keywords[] = {
	{ "issuer", FORM_TEXT | FORM_LIST,
	  "the issuer's name with * and ?, such as \"*O=Example*\"", .read = read_issuer },
	{ "subject", FORM_TEXT | FORM_LIST, "the subject's name with * and ?, such as \"CN=*\"",
	  .read = read_subject },
	{ "san", FORM_TEXT | FORM_LIST, "one of its alternative names with * and ?",
	  .read = read_san },
	{ 0 },
};

const struct grammar certificate_grammar = { "\"certificate\"", certificate_keywords };

static bool read_certificate_names(struct reading *reading, struct value value,
				   struct alternative *alternative)
{
	size_t errors = reading->errors;

	/* The text only tells two of them apart; printing goes by the names. */
	if (!keep(reading, alternative, ALTERNATIVE_CERTIFICATE_NAMES, "names"))
		return false;
	alternative->certificate_names = calloc(1, sizeof(struct certificate_names));
	if (!alternative->certificate_names) {
		reading_exhausted(reading);
		return false;
	}
	grammar_read(reading, &certificate_grammar, value, alternative->certificate_names);
	if (value_count(value) == 0)
		reading_error(reading, value, "\"certificate\" is empty: it asks for nothing");
	return reading->errors == errors;
}

static bool read_certificate(struct reading *reading, const struct keyword *keyword,
			     struct value value, struct alternative *alternative)
{
	int choice;

	if (value_kind(value) == VALUE_MAPPING)
		return read_certificate_names(reading, value, alternative);
	choice = keyword_choose(reading, keyword, value);
	if (choice < 0)
		return false;
	alternative->certificate = (enum certificate_state)choice;
	return keep(reading, alternative, ALTERNATIVE_CERTIFICATE, value_text(value));
}

static const struct {
	const char *word;
	alternative_reader *read;
} readers[] = {
	{ "port", read_port },
	{ "protocol", read_protocol },
	{ "time", read_time },
	{ "tls-version", read_tls_version },
	{ "status", read_status },
	{ "from", read_from },
	{ "address", read_address },
	{ "method", read_method },
	{ "alpn", read_alpn },
	{ "host", read_host },
	{ "certificate", read_certificate },
	{ "path", read_path },
	{ "query", read_text },
	{ "header", read_text },
};

bool alternative_read(struct reading *reading, const struct keyword *keyword, struct value value,
		      struct alternative *alternative)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
		if (strcmp(readers[i].word, keyword->word) == 0)
			return readers[i].read(reading, keyword, value, alternative);
	}
	return false;
}
