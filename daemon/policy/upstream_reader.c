/* `upstreams`, and upstreams described inside a rule: from the policy file into struct upstream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/definitions.h"
#include "daemon/policy/label.h"
#include "daemon/policy/roots.h"
#include "daemon/policy/scalar.h"

enum { CHECK_DEFAULT = 10 * 1000000, CHECK_LEAST = 1000000 }; /* microseconds */

static void read_server(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct upstream *upstream = target;

	if (upstream->server_count == UPSTREAM_SERVERS_MAX) {
		reading_error(reading, value, "an upstream takes at most %d servers",
			      UPSTREAM_SERVERS_MAX);
		return;
	}
	errno = 0;
	if (station_parse(&upstream->servers[upstream->server_count], value_text(value)) == 0)
		upstream->server_count++;
	else if (errno == ENOMEM)
		reading_exhausted(reading);
	else
		keyword_mismatch(reading, keyword, value);
}

static void read_address(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	struct upstream *upstream = target;
	size_t before = upstream->server_count;

	read_server(reading, keyword, value, upstream);
	if (upstream->server_count > before && upstream->servers[before].host)
		reading_error(reading, value,
			      "\"address\" takes an address; for a name say "
			      "\"server: %s\"",
			      value_text(value));
}

/* What was found is not repeated: it may hold a password. */
static void read_through(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	struct upstream *upstream = target;

	if (upstream->proxy.through != THROUGH_NOTHING)
		return;
	errno = 0;
	if (proxy_parse(&upstream->proxy, value_text(value)) == 0)
		return;
	if (errno == ENOMEM)
		reading_exhausted(reading);
	else
		reading_error(reading, value, "\"%s\" takes %s", keyword->word, keyword->takes);
}

static void read_back_off(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct upstream *upstream = target;

	scalar_duration(reading, keyword, value, &upstream->back_off);
}

static void read_every(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct upstream *upstream = target;
	uint64_t every;

	if (!scalar_duration(reading, keyword, value, &every))
		return;
	if (every < CHECK_LEAST)
		keyword_mismatch(reading, keyword, value);
	else
		upstream->check_every = every;
}

static void read_path(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct upstream *upstream = target;
	const char *path = value_text(value);
	size_t length = strlen(path);

	for (size_t i = 0; i < length; i++)
		if (path[i] <= ' ' || path[i] >= 0x7f)
			length = 0;
	if (path[0] != '/' || !length || length > CHECK_PATH_MAX) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	free(upstream->check_path);
	upstream->check_path = reading_copy(reading, path);
}

static void read_check(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct upstream *upstream = target;

	upstream->check_every = CHECK_DEFAULT;
	grammar_read(reading, keyword->grammar, value, upstream);
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

static const struct keyword check_keywords[] = {
	{ "path", FORM_TEXT,
	  "a path such as /health: the server is well when it answers with 2xx or 3xx",
	  .read = read_path },
	{ "every", FORM_TEXT | FORM_NUMBER, "a time such as 10 s, at least one second",
	  .read = read_every },
	{ 0 },
};

static const struct grammar check_grammar = { "\"check\"", check_keywords };

static const struct keyword upstream_keywords[] = {
	{ "server", FORM_TEXT, "a host name or address, with a port or without: api.example:443",
	  .read = read_server },
	{ "servers", FORM_TEXT | FORM_LIST,
	  "a list of host names or addresses, with a port or without; the first that is fit is "
	  "taken",
	  .read = read_server },
	{ "address", FORM_TEXT, "an address, with a port or without: 192.0.2.200:443",
	  .read = read_address },
	{ "tls", FORM_BOOLEAN | FORM_MAPPING, "true, false or { verify: … }", .read = read_tls,
	  .grammar = &tls_grammar },
	{ "through", FORM_TEXT,
	  "a proxy: socks5://HOST:PORT, http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ "
	  "before HOST where it wants them",
	  .read = read_through },
	{ "back-off", FORM_TEXT | FORM_NUMBER,
	  "a time such as 60 s: how long a server that keeps failing is left alone at most",
	  .read = read_back_off },
	{ "check", FORM_MAPPING, "a mapping with \"path\" and \"every\", or {}", .read = read_check,
	  .grammar = &check_grammar },
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

static void check_servers(struct reading *reading, const struct upstream *upstream,
			  struct value value)
{
	static const char *const words[] = { "server", "servers", "address" };
	unsigned ways = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		ways += value_find(value, words[i]).node != NULL;
	if (ways > 1)
		reading_error(reading, value,
			      "an upstream takes one of \"server\", \"servers\" and "
			      "\"address\"");
	else if (!upstream->server_count && upstream->proxy.through == THROUGH_NOTHING)
		reading_error(reading, value,
			      "an upstream needs a \"server\", an \"address\" or a proxy to go "
			      "\"through\"");
}

/* A check goes where the rules' connections would, and knows no other port than what is written. */
static void check_checks(struct reading *reading, const struct upstream *upstream, struct value value)
{
	if (!upstream->check_every)
		return;
	for (size_t i = 0; i < upstream->server_count; i++)
		if (!station_port(&upstream->servers[i], 0))
			reading_error(reading, value, "a \"check\" needs servers with a port");
	if (!upstream->server_count)
		reading_error(reading, value, "a \"check\" needs a \"server\" or \"servers\"");
}

static void read_upstream(struct reading *reading, struct value value, struct upstream *upstream)
{
	size_t errors = reading->errors;

	grammar_read(reading, &upstream_grammar, value, upstream);
	if (reading->errors == errors)
		check_servers(reading, upstream, value);
	if (reading->errors == errors)
		check_checks(reading, upstream, value);
}

struct upstream *read_inline_upstream(struct reading *reading, struct value value)
{
	struct upstream *upstream = add_upstream(reading);
	char storage[UPSTREAM_SERVERS_MAX * STATION_TEXT];
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
