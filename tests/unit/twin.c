#include "tests/unit/twin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

int twin_decide(const struct twin_rule *rules, size_t count, const struct world *world,
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
