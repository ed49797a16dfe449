// link: policy lists tests/unit/policy_text.c -lyaml -lz -lzstd -llzma -lidn2
/* The naive twin: small random policies are written down as text for the gateway's judge and judged
 * a second time, on random facts, by an interpreter that is slow, knows nothing of the judge's
 * structures and is plainly right. Both must agree, also on what they ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/unit/policy_text.h"

enum { POLICIES = 4000, CONNECTIONS = 25, RULES = 6, CONDITIONS = 3, ALTERNATIVES = 3, POOL = 12 };

/* A world small enough that rules and facts meet often. */
enum key {
	PORT,
	PROTOCOL,
	TIME,
	TLS_VERSION,
	STATUS,
	FROM,
	ADDRESS,
	METHOD,
	ALPN,
	HOST,
	CERTIFICATE,
	PATH,
	QUERY,
	HEADER,
	NOT,
	KEYS
};

static const struct pool {
	const char *key;
	const char *words[POOL];
} pools[KEYS] = {
	[PORT] = { "port", { "80", "443", "1-442", "443-500", "22" } },
	[PROTOCOL] = { "protocol",
		       { "tcp", "udp", "tls", "http", "ssh", "quic", "websocket", "unknown" } },
	[TIME] = { "time",
		   { "mon-fri", "sat-mon", "21:00-06:30", "fri 22:00-02:00",
		     "\"tue,thu 08:00-12:00\"", "sun 12:00-24:00" } },
	[TLS_VERSION] = { "tls-version", { "1.2", "1.3", "1.0" } },
	[STATUS] = { "status", { "200", "404", "5xx", "400-499" } },
	[FROM] = { "from",
		   { "tv", "kids", "192.0.2.2", "192.0.2.0", "192.0.2.0/30", "02:00:00:00:00:10",
		     "port eth1" } },
	[ADDRESS] = { "address",
		      { "private", "198.51.100.0/25", "198.51.100.1", "10.0.0.0/8",
			"\"2001:db8::/32\"" } },
	[METHOD] = { "method", { "GET", "P*", "POST", "\"*\"" } },
	[ALPN] = { "alpn", { "h2", "http/1.1", "h3" } },
	[HOST] = { "host",
		   { "a.example", "\"*.a.example\"", ".a.example", "b.example", ".example",
		     "\"*.b.example\"", ".x.b.example", "none", "192.0.2.1" } },
	[CERTIFICATE] = { "certificate",
			  { "expired", "self-signed", "untrusted", "invalid", "wrong-host" } },
	[PATH] = { "path", { "/", "/api/*", "\"*x*\"", "/a?i/*", "\"regex:^/api\"" } },
	[QUERY] = { "query", { "\"*\"", "a=1", "\"a=?\"" } },
	[HEADER] = { "header", { "one", "\"o*\"", "two" } },
	[NOT] = { "not", { NULL } },
};

struct twin_condition {
	enum key key;
	size_t count;
	const char *words[ALTERNATIVES];
	size_t nested_count;
	struct twin_condition *nested;
};

struct twin_rule {
	size_t count;
	struct twin_condition conditions[CONDITIONS];
	bool shadow;
};

/* splitmix64: the same cases on every machine. */
static uint64_t seed;

static unsigned pick(unsigned below)
{
	uint64_t mixed = seed += 0x9e3779b97f4a7c15;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	return (unsigned)((mixed ^ (mixed >> 31)) % below);
}

static size_t pool_size(enum key key)
{
	size_t size = 0;

	while (pools[key].words[size])
		size++;
	return size;
}

static bool has_key(const struct twin_condition *conditions, size_t count, enum key key)
{
	for (size_t i = 0; i < count; i++) {
		if (conditions[i].key == key)
			return true;
	}
	return false;
}

static size_t make_conditions(struct twin_condition *conditions, size_t most, unsigned depth)
{
	size_t count = 0;

	for (size_t wanted = pick((unsigned)most + 1) + (depth > 0); count < wanted;) {
		struct twin_condition *condition = &conditions[count];
		enum key key = (enum key)pick(depth < 2 ? KEYS : NOT);

		if (count == most || has_key(conditions, count, key))
			break;
		*condition = (struct twin_condition){ .key = key };
		count++;
		if (key == NOT) {
			condition->nested = calloc(2, sizeof(*condition));
			condition->nested_count = make_conditions(condition->nested, 2, depth + 1);
			continue;
		}
		for (condition->count = 0; condition->count < 1 + pick(ALTERNATIVES);)
			condition->words[condition->count++] =
				pools[key].words[pick((unsigned)pool_size(key))];
	}
	return count;
}

static void free_conditions(struct twin_condition *conditions, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free_conditions(conditions[i].nested, conditions[i].nested_count);
		free(conditions[i].nested);
	}
}

static void write_conditions(struct text *text, const struct twin_condition *conditions,
			     size_t count)
{
	text_add(text, "{");
	for (size_t i = 0; i < count; i++) {
		text_addf(text, "%s %s: ", i ? "," : "", pools[conditions[i].key].key);
		if (conditions[i].key == NOT) {
			write_conditions(text, conditions[i].nested, conditions[i].nested_count);
			continue;
		}
		text_add(text, conditions[i].key == HEADER ? "{ x-mark: [" : "[");
		for (size_t j = 0; j < conditions[i].count; j++)
			text_addf(text, "%s%s", j ? ", " : "", conditions[i].words[j]);
		text_add(text, conditions[i].key == HEADER ? "] }" : "]");
	}
	text_add(text, " }");
}

static void write_policy(struct text *text, const struct twin_rule *rules, size_t count)
{
	text_add(text, "headgate: 1\nlan: a\n"
		       "devices:\n"
		       "  tv: { mac: 02:00:00:00:00:10 }\n"
		       "  kids: { address: [192.0.2.2/31, \"2001:db8:1::/48\"] }\n"
		       "rules:\n");
	for (size_t i = 0; i < count; i++) {
		text_add(text, "  - { when: ");
		write_conditions(text, rules[i].conditions, rules[i].count);
		text_addf(text, ", do: block%s }\n", rules[i].shadow ? ", shadow: true" : "");
	}
}

/* The facts as the twin sees them: what is unknown is unknown, not an absent something. */
struct world {
	struct facts facts;
	const char *client;
	const char *destination;
	const char *alpn;
	const char *mark; /* the value of x-mark, or NULL */
	struct certificate_list *certificates;
};

enum truth { FALSE, TRUE, UNSURE };

/* What one look says: when unsure, the bits of the moments that would tell. */
struct verdict_of_twin {
	enum truth truth;
	unsigned moments;
};

static struct verdict_of_twin known(bool truth)
{
	return (struct verdict_of_twin){ truth ? TRUE : FALSE, 0 };
}

static bool learned(const struct world *world, enum moment moment)
{
	return world->facts.learned & moment;
}

static struct verdict_of_twin later(const struct world *world, enum moment moment)
{
	return (struct verdict_of_twin){ UNSURE,
					 learned(world, MOMENT_HELLO) ? moment : MOMENT_HELLO };
}

static bool is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

static bool glob(const char *pattern, const char *text)
{
	if (!*pattern)
		return !*text;
	if (*pattern == '*')
		return glob(pattern + 1, text) || (*text && glob(pattern, text + 1));
	return *text && (*pattern == '?' || *pattern == *text) && glob(pattern + 1, text + 1);
}

/* A pool word without its quotes. */
static const char *bare(const char *word)
{
	static char text[64];

	snprintf(text, sizeof(text), "%s", *word == '"' ? word + 1 : word);
	if (*word == '"')
		text[strlen(text) - 1] = '\0';
	return text;
}

static bool fits(const char *word, const char *text)
{
	const char *pattern = bare(word);

	return is(pattern, "regex:^/api") ? strncmp(text, "/api", 4) == 0 : glob(pattern, text);
}

static bool in_range(const char *word, unsigned number)
{
	unsigned first, last;

	if (is(word, "5xx"))
		return number / 100 == 5;
	if (sscanf(word, "%u-%u", &first, &last) == 2)
		return number >= first && number <= last;
	return number == (unsigned)atoi(word);
}

/* By walking the window from each of its starts, minute by minute. */
static bool in_window(const char *days, const char *from, const char *until, struct week_time now)
{
	int start = atoi(from) * 60 + atoi(from + 3);
	int end = atoi(until) * 60 + atoi(until + 3);

	for (const char *day = days; *day; day++) {
		int minute = (*day - '1') * 1440 + start;
		int length = end > start ? end - start : end + 1440 - start;

		for (; length > 0; length--, minute++) {
			if (minute % 10080 == now.weekday * 1440 + now.minute)
				return true;
		}
	}
	return false;
}

static bool time_fits(const char *word, struct week_time now)
{
	if (is(word, "mon-fri"))
		return in_window("12345", "00:00", "24:00", now);
	if (is(word, "sat-mon"))
		return in_window("671", "00:00", "24:00", now);
	if (is(word, "21:00-06:30"))
		return in_window("1234567", "21:00", "06:30", now);
	if (is(word, "fri 22:00-02:00"))
		return in_window("5", "22:00", "02:00", now);
	if (is(bare(word), "tue,thu 08:00-12:00"))
		return in_window("24", "08:00", "12:00", now);
	return in_window("7", "12:00", "24:00", now);
}

static bool has_mac(const struct world *world)
{
	return world->facts.mac && world->facts.mac[5] == 0x10;
}

static bool from_fits(const char *word, const struct world *world)
{
	const char *client = world->client;

	if (is(word, "tv") || is(word, "02:00:00:00:00:10"))
		return has_mac(world);
	if (is(word, "kids"))
		return is(client, "192.0.2.2") || is(client, "192.0.2.3") ||
		       is(client, "2001:db8:1::9");
	if (is(word, "192.0.2.2") || is(word, "192.0.2.0"))
		return is(client, word);
	if (is(word, "192.0.2.0/30"))
		return strncmp(client, "192.0.2.", 8) == 0 && atoi(client + 8) < 4;
	return world->facts.port_name && is(world->facts.port_name, "eth1");
}

static bool address_fits(const char *word, const char *destination)
{
	if (is(word, "private"))
		return is(destination, "10.1.2.3");
	if (is(word, "198.51.100.0/25"))
		return strncmp(destination, "198.51.100.", 11) == 0 && atoi(destination + 11) < 128;
	if (is(word, "198.51.100.1"))
		return is(destination, word);
	if (is(word, "10.0.0.0/8"))
		return strncmp(destination, "10.", 3) == 0;
	return strncmp(destination, "2001:db8:", 9) == 0;
}

static bool host_fits(const char *word, const char *host)
{
	const char *pattern = bare(word);
	size_t length = strlen(pattern), host_length = strlen(host);
	const char *dot = strchr(pattern, '.');

	if (*pattern == '*' || *pattern == '.') {
		size_t tail = length - (size_t)(dot - pattern);

		if (*pattern == '.' && is(pattern + 1, host))
			return true;
		return host_length > tail && is(host + host_length - tail, dot);
	}
	return is(pattern, host);
}

static struct verdict_of_twin look_at_protocol(const char *word, const struct world *world)
{
	const struct facts *facts = &world->facts;
	bool http = facts->protocol == PROTOCOL_HTTP || facts->method;

	if (is(word, "tcp") || is(word, "udp"))
		return known(is(word, "tcp") == (facts->transport == TRANSPORT_TCP));
	if (!learned(world, MOMENT_HELLO))
		return later(world, MOMENT_HELLO);
	if (is(word, "http"))
		return known(http);
	if (is(word, "tls"))
		return known(facts->protocol == PROTOCOL_TLS);
	if (!is(word, "websocket"))
		return known(is(word, protocol_word(facts->protocol)));
	if (facts->protocol == PROTOCOL_HTTP && !learned(world, MOMENT_REQUEST))
		return later(world, MOMENT_REQUEST);
	return known(false); /* no request of this world asks for it */
}

static struct verdict_of_twin look_at_host(const char *word, const struct world *world)
{
	const struct facts *facts = &world->facts;

	if (facts->host)
		return known(!is(word, "none") && host_fits(word, facts->host));
	if (!learned(world, MOMENT_HELLO))
		return later(world, MOMENT_HELLO);
	if (facts->protocol == PROTOCOL_HTTP && !learned(world, MOMENT_REQUEST))
		return later(world, MOMENT_REQUEST);
	return known(is(word, "none"));
}

static struct verdict_of_twin look_at_certificate(const char *word, const struct world *world)
{
	enum reason verdict = world->facts.certificate_verdict;

	if (!learned(world, MOMENT_CERTIFICATE))
		return later(world, MOMENT_CERTIFICATE);
	if (!world->facts.certificates)
		return known(false);
	if (is(word, "invalid"))
		return known(verdict != REASON_NONE);
	if (is(word, "expired"))
		return known(verdict == REASON_ORIGIN_EXPIRED);
	if (is(word, "self-signed"))
		return known(verdict == REASON_ORIGIN_SELF_SIGNED);
	if (is(word, "untrusted"))
		return known(verdict == REASON_ORIGIN_UNTRUSTED ||
			     verdict == REASON_ORIGIN_SELF_SIGNED);
	return known(verdict == REASON_ORIGIN_WRONG_HOST);
}

static struct verdict_of_twin look_at_request(enum key key, const char *word,
					      const struct world *world)
{
	const struct facts *facts = &world->facts;

	if (!learned(world, MOMENT_REQUEST))
		return later(world, MOMENT_REQUEST);
	if (!facts->method)
		return known(false);
	switch (key) {
	case METHOD:
		return known(fits(word, facts->method));
	case PATH:
		return known(fits(word, facts->path));
	case QUERY:
		return known(facts->query && fits(word, facts->query));
	case HEADER:
		return known(world->mark && fits(word, world->mark));
	default:
		if (!learned(world, MOMENT_RESPONSE))
			return later(world, MOMENT_RESPONSE);
		return known(facts->status && in_range(word, facts->status));
	}
}

static struct verdict_of_twin look(enum key key, const char *word, const struct world *world)
{
	const struct facts *facts = &world->facts;

	switch (key) {
	case PORT:
		return known(in_range(word, facts->destination.port));
	case PROTOCOL:
		return look_at_protocol(word, world);
	case TIME:
		return known(time_fits(word, facts->time));
	case TLS_VERSION:
		if (!learned(world, MOMENT_HELLO))
			return later(world, MOMENT_HELLO);
		return known(facts->tls_version &&
			     facts->tls_version == 0x301 + (unsigned)(word[2] - '0'));
	case FROM:
		return known(from_fits(word, world));
	case ADDRESS:
		return known(address_fits(bare(word), world->destination));
	case ALPN:
		if (!learned(world, MOMENT_HELLO))
			return later(world, MOMENT_HELLO);
		return known(world->alpn && strstr(world->alpn, word));
	case HOST:
		return look_at_host(word, world);
	case CERTIFICATE:
		return look_at_certificate(word, world);
	default:
		return look_at_request(key, word, world);
	}
}

static struct verdict_of_twin all(const struct twin_condition *conditions, size_t count,
				  const struct world *world);

static struct verdict_of_twin any(const struct twin_condition *condition, const struct world *world)
{
	struct verdict_of_twin whole = { FALSE, 0 };

	if (condition->key == NOT) {
		whole = all(condition->nested, condition->nested_count, world);
		if (whole.truth != UNSURE)
			whole.truth = whole.truth == TRUE ? FALSE : TRUE;
		return whole;
	}
	for (size_t i = 0; i < condition->count; i++) {
		struct verdict_of_twin part = look(condition->key, condition->words[i], world);

		if (part.truth == TRUE)
			return part;
		if (part.truth == UNSURE)
			whole.truth = UNSURE;
		whole.moments |= part.moments;
	}
	return whole;
}

static struct verdict_of_twin all(const struct twin_condition *conditions, size_t count,
				  const struct world *world)
{
	struct verdict_of_twin whole = { TRUE, 0 };

	for (size_t i = 0; i < count; i++) {
		struct verdict_of_twin part = any(&conditions[i], world);

		if (part.truth == FALSE)
			return part;
		if (part.truth == UNSURE)
			whole.truth = UNSURE;
		whole.moments |= part.moments;
	}
	return whole;
}

/* The number of the rule that decides, 0 for none, or minus the moment that is asked for. */
static int twin_decide(const struct twin_rule *rules, size_t count, const struct world *world,
		       size_t *shadows)
{
	*shadows = 0;
	for (size_t i = 0; i < count; i++) {
		struct verdict_of_twin verdict = all(rules[i].conditions, rules[i].count, world);

		if (rules[i].shadow) {
			*shadows += verdict.truth == TRUE;
			continue;
		}
		if (verdict.truth == TRUE)
			return (int)i + 1;
		if (verdict.truth == FALSE)
			continue;
		for (int moment = MOMENT_HELLO;; moment <<= 1) {
			if (verdict.moments & (unsigned)moment)
				return -moment;
		}
	}
	return 0;
}

static bool find_header(const void *message, const char *name,
			bool (*each)(const char *value, const void *context), const void *context)
{
	const struct world *world = message;

	return strcasecmp(name, "x-mark") == 0 && world->mark && each(world->mark, context);
}

static const char *one_of(const char *const *words, unsigned count)
{
	return words[pick(count)];
}

static void make_addresses(struct world *world)
{
	static const char *const clients[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.9",
					       "2001:db8:1::9" };
	static const char *const destinations[] = { "198.51.100.1", "198.51.100.200", "10.1.2.3",
						    "2001:db8::1", "203.0.113.1" };
	static const uint16_t ports[] = { 80, 443, 22, 8443 };
	static const uint8_t macs[2][6] = { { 2, 0, 0, 0, 0, 0x10 }, { 2, 0, 0, 0, 0, 0x11 } };
	struct facts *facts = &world->facts;

	world->client = one_of(clients, 5);
	world->destination = one_of(destinations, 5);
	address_parse(&facts->client, world->client);
	address_parse(&facts->destination, world->destination);
	facts->destination.port = ports[pick(4)];
	facts->mac = pick(3) ? macs[pick(2)] : NULL;
	facts->port_name = pick(3) ? (pick(2) ? "eth1" : "eth2") : NULL;
	facts->transport = pick(5) ? TRANSPORT_TCP : TRANSPORT_UDP;
	facts->time = (struct week_time){ (uint8_t)pick(7), (uint16_t)pick(1440) };
}

static void make_hello(struct world *world)
{
	static const enum protocol protocols[] = { PROTOCOL_TLS,     PROTOCOL_TLS,  PROTOCOL_TLS,
						   PROTOCOL_HTTP,    PROTOCOL_HTTP, PROTOCOL_SSH,
						   PROTOCOL_UNKNOWN, PROTOCOL_QUIC };
	static const char *const hosts[] = { "a.example",     "www.a.example",
					     "b.example",     "ba.example",
					     "y.x.b.example", "z.b.example",
					     "192.0.2.1",     NULL };
	static const char *const offers[] = { "\x02h2\x08http/1.1", "\x08http/1.1", "\x02h2",
					      NULL };
	struct facts *facts = &world->facts;

	facts->learned |= MOMENT_HELLO;
	facts->protocol = protocols[pick(8)];
	if (facts->protocol == PROTOCOL_TLS || facts->protocol == PROTOCOL_QUIC) {
		facts->tls_version = (uint16_t)(0x303 + pick(2));
		facts->host = one_of(hosts, 8);
		world->alpn = one_of(offers, 4);
		if (world->alpn)
			facts->alpn =
				(struct span){ (const uint8_t *)world->alpn, strlen(world->alpn) };
	}
}

static void make_certificate(struct world *world)
{
	static const enum reason verdicts[] = { REASON_NONE,
						REASON_NONE,
						REASON_ORIGIN_EXPIRED,
						REASON_ORIGIN_SELF_SIGNED,
						REASON_ORIGIN_UNTRUSTED,
						REASON_ORIGIN_WRONG_HOST };
	struct facts *facts = &world->facts;

	facts->learned |= MOMENT_CERTIFICATE;
	facts->wall_seconds = 1500;
	if (facts->protocol != PROTOCOL_TLS)
		return;
	facts->certificates = world->certificates;
	facts->certificate_verdict = verdicts[pick(6)];
}

static void make_request(struct world *world)
{
	static const char *const hosts[] = { "a.example", "x.a.example", "c.example", NULL };
	static const char *const methods[] = { "GET", "POST", "PUT" };
	static const char *const paths[] = { "/", "/api/x", "/x", "/abi/1", "/api" };
	static const char *const queries[] = { NULL, "", "a=1", "a=2", "b" };
	static const char *const marks[] = { NULL, "one", "two", "ones" };
	struct facts *facts = &world->facts;

	facts->learned |= MOMENT_REQUEST;
	if (facts->protocol != PROTOCOL_TLS && facts->protocol != PROTOCOL_HTTP)
		return;
	facts->host = one_of(hosts, 4);
	facts->method = one_of(methods, 3);
	facts->path = one_of(paths, 5);
	facts->query = one_of(queries, 5);
	world->mark = one_of(marks, 4);
	facts->headers = (struct header_lookup){ find_header, world };
}

/* A connection as it stands at some moment of its life. */
static void make_world(struct world *world)
{
	static const unsigned statuses[] = { 200, 404, 503 };
	struct certificate_list *certificates = world->certificates;
	unsigned age = pick(6);

	*world = (struct world){ .certificates = certificates };
	world->facts.learned = MOMENT_ADDRESSES;
	make_addresses(world);
	if (age >= 1)
		make_hello(world);
	if (age >= 2 && pick(3))
		make_certificate(world);
	if (age >= 3)
		make_request(world);
	if (age >= 4) {
		world->facts.learned |= MOMENT_RESPONSE;
		world->facts.status = world->facts.method ? statuses[pick(3)] : 0;
	}
}

static void compare(const struct policy *policy, const struct twin_rule *rules, const char *text,
		    const struct world *world)
{
	struct decision decision = policy_decide(policy, &world->facts);
	size_t shadows;
	int expected = twin_decide(rules, policy->rule_count, world, &shadows);
	int given = decision.ask ? -(int)decision.wanted : (int)decision.rule->slot;

	if (given != expected)
		fail_msg(
			"the judge says %d, its twin %d; learned %u, host %s, from %s to %s:%u\n%s",
			given, expected, world->facts.learned,
			world->facts.host ? world->facts.host : "-", world->client,
			world->destination, world->facts.destination.port, text);
	if (!decision.ask &&
	    decision.shadow_count != (shadows < SHADOWS_MAX ? shadows : SHADOWS_MAX))
		fail_msg("%zu shadows, its twin %zu\n%s", decision.shadow_count, shadows, text);
}

/* What is refused as unreachable must never decide. */
static void check_refusal(const char *messages, const struct twin_rule *rules, size_t count,
			  struct world *world)
{
	const char *line = strstr(messages, "\"rule ");
	int number = line ? atoi(line + 6) : 0;
	size_t shadows;

	if (number < 2 || !strstr(messages, "can never be reached"))
		fail_msg("%s", messages);
	for (int i = 0; i < 50 * CONNECTIONS; i++) {
		make_world(world);
		assert_int_not_equal(twin_decide(rules, count, world, &shadows), number);
	}
}

static bool try_policy(struct world *world)
{
	struct twin_rule rules[RULES];
	size_t count = 1 + pick(RULES);
	char text[8192], messages[8192];
	struct text policy_text, output;
	struct policy *policy;
	bool taken;

	for (size_t i = 0; i < count; i++) {
		rules[i].count = make_conditions(rules[i].conditions, CONDITIONS, 0);
		rules[i].shadow = pick(8) == 0;
	}
	text_begin(&policy_text, text, sizeof(text));
	text_begin(&output, messages, sizeof(messages));
	write_policy(&policy_text, rules, count);
	policy = policy_try(text, &output);
	taken = policy != NULL;
	if (!policy)
		check_refusal(messages, rules, count, world);
	for (int i = 0; policy && i < CONNECTIONS; i++) {
		make_world(world);
		compare(policy, rules, text, world);
	}
	policy_release(policy);
	for (size_t i = 0; i < count; i++)
		free_conditions(rules[i].conditions, rules[i].count);
	return taken;
}

static void judge_and_twin_agree(void **state)
{
	static char empty[] = "";
	struct world world = { 0 };
	unsigned taken = 0;

	(void)state;
	world.certificates =
		calloc(1, sizeof(struct certificate_list) + sizeof(struct certificate));
	world.certificates->count = 1;
	world.certificates->certificates[0] = (struct certificate){ .subject = empty,
								    .issuer = empty,
								    .names = empty,
								    .not_before = 1000,
								    .not_after = 2000 };
	for (unsigned i = 0; i < POLICIES; i++) {
		seed = i;
		taken += try_policy(&world);
	}
	free(world.certificates);
	/* Otherwise the generator has drifted and the test proves little. */
	assert_true(taken > POLICIES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judge_and_twin_agree),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
