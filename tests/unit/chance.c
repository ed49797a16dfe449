#include "tests/unit/chance.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/unit/dice.h"

enum { POOL = 12 };

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

void chance_write_policy(struct text *text, const struct twin_rule *rules, size_t count)
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

size_t chance_make_rules(struct twin_rule rules[static RULES])
{
	size_t count = 1 + pick(RULES);

	for (size_t i = 0; i < count; i++) {
		rules[i].count = make_conditions(rules[i].conditions, CONDITIONS, 0);
		rules[i].shadow = pick(8) == 0;
	}
	return count;
}

void chance_free_rules(struct twin_rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free_conditions(rules[i].conditions, rules[i].count);
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

void chance_make_world(struct world *world)
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
