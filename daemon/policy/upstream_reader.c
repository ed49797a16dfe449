/* `upstreams`, and upstreams described inside a rule: from the policy file into struct upstream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/label.h"
#include "daemon/policy/roots.h"
#include "daemon/policy/scalar.h"

static bool has_server(const struct upstream *upstream)
{
	return upstream->host || upstream->address.family != AF_UNSPEC;
}

static void read_server(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct upstream *upstream = target;

	if (has_server(upstream)) {
		reading_error(reading, value, "an upstream takes one \"server\" or \"address\"");
		return;
	}
	errno = 0;
	if (upstream_set_server(upstream, value_text(value)) == 0)
		return;
	if (errno == ENOMEM)
		reading_exhausted(reading);
	else
		keyword_mismatch(reading, keyword, value);
}

static void read_address(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	struct upstream *upstream = target;

	bool had_server = has_server(upstream);

	read_server(reading, keyword, value, upstream);
	if (upstream->host && !had_server)
		reading_error(reading, value,
			      "\"address\" takes an address; for a name say "
			      "\"server: %s\"",
			      value_text(value));
}

static void read_tls(struct reading *reading, const struct keyword *keyword, struct value value,
		     void *target)
{
	struct upstream *upstream = target;

	upstream->tls = UPSTREAM_TLS_ON;
	if (value_kind(value) == VALUE_MAPPING)
		grammar_read(reading, keyword->grammar, value, upstream);
	else if (!keyword_boolean(reading, keyword, value))
		upstream->tls = UPSTREAM_TLS_OFF;
}

static void read_ca(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	struct upstream *upstream = target;
	char name[SOURCE_NAME_SIZE];
	const struct source *source;

	if (!source_name(name, value_place(value).file, value_text(value))) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	source = find_roots(reading, value, name);
	if (!source || upstream->verify_ca)
		return;
	upstream->verify_ca = reading_copy(reading, value_text(value));
	upstream->verify_ca_pem = source->bytes;
}

static void read_verify_name(struct reading *reading, const struct keyword *keyword,
			     struct value value, void *target)
{
	struct upstream *upstream = target;
	enum name_pattern_kind kind;
	char *name;

	if (!scalar_name(reading, keyword, value, &kind, &name))
		return;
	if (kind != NAME_EXACT)
		keyword_mismatch(reading, keyword, value);
	free(upstream->verify_name);
	upstream->verify_name = name;
}

static const struct keyword verify_keywords[] = {
	{ "ca", FORM_TEXT, "a PEM file with the roots for this upstream alone", .read = read_ca },
	{ "name", FORM_TEXT, "the host name that the server's certificate must be for",
	  .read = read_verify_name },
	{ 0 },
};

static const struct grammar verify_grammar = { "\"verify\"", verify_keywords };

static const struct keyword tls_keywords[] = {
	{ "verify", FORM_MAPPING, "a mapping with \"ca\" or \"name\"", .grammar = &verify_grammar },
	{ 0 },
};

static const struct grammar tls_grammar = { "\"tls\"", tls_keywords };

static const struct keyword upstream_keywords[] = {
	{ "server", FORM_TEXT, "a host name or address, with a port or without: api.example:443",
	  .read = read_server },
	{ "address", FORM_TEXT, "an address, with a port or without: 192.0.2.200:443",
	  .read = read_address },
	{ "tls", FORM_BOOLEAN | FORM_MAPPING, "true, false or { verify: … }", .read = read_tls,
	  .grammar = &tls_grammar },
	{ "through", FORM_TEXT, "a proxy such as socks5://192.0.2.1:1080 (not carried yet)",
	  .read = read_not_carried },
	{ 0 },
};

const struct grammar upstream_grammar = { "an upstream", upstream_keywords };

static struct upstream *add_upstream(struct reading *reading)
{
	struct policy *policy = reading->policy;
	struct upstream *upstream = upstream_new();
	struct upstream **grown;

	if (!upstream) {
		reading_exhausted(reading);
		return NULL;
	}
	grown = reading_grow(reading, policy->upstreams, &policy->upstream_count, sizeof(upstream));
	if (!grown) {
		upstream_free(upstream);
		return NULL;
	}
	policy->upstreams = grown;
	return grown[policy->upstream_count - 1] = upstream;
}

static void read_upstream(struct reading *reading, struct value value, struct upstream *upstream)
{
	size_t errors = reading->errors;

	grammar_read(reading, &upstream_grammar, value, upstream);
	if (!has_server(upstream) && reading->errors == errors)
		reading_error(reading, value, "an upstream needs a \"server\" or an \"address\"");
}

struct upstream *read_inline_upstream(struct reading *reading, struct value value)
{
	struct upstream *upstream = add_upstream(reading);
	char storage[NAME_SIZE + 64];
	struct text text;

	if (!upstream)
		return NULL;
	read_upstream(reading, value, upstream);
	text_begin(&text, storage, sizeof(storage));
	upstream_print(upstream, &text);
	upstream->name = reading_copy(reading, storage);
	return upstream;
}

static bool is_defined(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->upstream_count; i++) {
		const struct upstream *upstream = policy->upstreams[i];

		if (upstream->defined && strcmp(upstream->name, name) == 0)
			return true;
	}
	return false;
}

void read_upstreams(struct reading *reading, const struct keyword *keyword, struct value value,
		    void *target)
{
	(void)target;
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		char *name = label_read(reading, keyword, value, i);
		bool doubled = name && is_defined(reading->policy, name);
		struct upstream *upstream = name && !doubled ? add_upstream(reading) : NULL;

		if (doubled)
			label_doubled(reading, keyword, value_key(value, i));
		if (!upstream) {
			free(name);
			continue;
		}
		upstream->name = name;
		upstream->defined = true;
		read_upstream(reading, value_item(value, i), upstream);
	}
}
