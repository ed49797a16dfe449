#include "daemon/policy/condition.h"
#include "daemon/policy/public_resolvers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A fact that is not there: unknown while its moment lies ahead, absent afterwards. Nothing that
 * follows the hello can be learned before it. */
static enum match lack(const struct facts *facts, enum moment moment, unsigned *missing)
{
	if (facts->learned & moment)
		return MATCH_NO;
	*missing |= facts->learned & MOMENT_HELLO ? moment : MOMENT_HELLO;
	return MATCH_UNKNOWN;
}

static enum match answer(bool holds)
{
	return holds ? MATCH_YES : MATCH_NO;
}

static enum match match_from(const struct alternative *alternative, const struct facts *facts)
{
	switch (alternative->kind) {
	case ALTERNATIVE_DEVICE:
		return answer(device_matches(alternative->device, &facts->client, facts->mac));
	case ALTERNATIVE_PREFIX:
		return answer(prefix_contains(&alternative->prefix, &facts->client));
	case ALTERNATIVE_LIST:
		return answer(list_has_address(alternative->list, &facts->client));
	case ALTERNATIVE_MAC:
		return answer(facts->mac && memcmp(facts->mac, alternative->mac, 6) == 0);
	default:
		return answer(facts->port_name &&
			      strcmp(facts->port_name, alternative->port_name) == 0);
	}
}

static enum match match_address(const struct alternative *alternative, const struct facts *facts)
{
	switch (alternative->kind) {
	case ALTERNATIVE_PREFIX:
		return answer(prefix_contains(&alternative->prefix, &facts->destination));
	case ALTERNATIVE_LIST:
		return answer(list_has_address(alternative->list, &facts->destination));
	case ALTERNATIVE_RESOLVERS:
		return answer(public_resolvers_have_address(&facts->destination));
	default:
		return answer(address_is_private(&facts->destination));
	}
}

static bool is_websocket(const char *value, const void *context)
{
	(void)context;
	return strcasecmp(value, "websocket") == 0;
}

static bool asks_websocket(const struct facts *facts)
{
	return facts->protocol == PROTOCOL_WEBSOCKET ||
	       (facts->method && facts->headers.find &&
		facts->headers.find(facts->headers.message, "upgrade", is_websocket, NULL));
}

static bool is_http(enum protocol protocol)
{
	return protocol == PROTOCOL_HTTP || protocol == PROTOCOL_HTTP2 ||
	       protocol == PROTOCOL_WEBSOCKET;
}

static enum match match_spoken(enum protocol protocol, const struct facts *facts, unsigned *missing)
{
	switch (protocol) {
	case PROTOCOL_HTTP:
		return answer(facts->method || is_http(facts->protocol));
	case PROTOCOL_TLS:
		return answer(facts->protocol == PROTOCOL_TLS ||
			      (facts->tls_version && facts->protocol != PROTOCOL_QUIC));
	case PROTOCOL_WEBSOCKET:
		/* In the clear the request will tell. TLS is not opened to find out: whoever wants
		 * that says `inspect`. */
		if (!facts->method && is_http(facts->protocol) &&
		    facts->protocol != PROTOCOL_WEBSOCKET)
			return lack(facts, MOMENT_REQUEST, missing);
		return answer(asks_websocket(facts));
	default:
		return answer(facts->protocol == protocol);
	}
}

static enum match match_protocol(const struct alternative *alternative, const struct facts *facts,
				 unsigned *missing)
{
	if (alternative->kind == ALTERNATIVE_TRANSPORT)
		return answer(facts->transport == alternative->transport);
	if (!(facts->learned & MOMENT_HELLO))
		return lack(facts, MOMENT_HELLO, missing);
	return match_spoken(alternative->protocol, facts, missing);
}

static bool same_literal(const struct alternative *alternative, const char *host)
{
	struct address address;

	return address_parse(&address, host) == 0 &&
	       prefix_contains(&alternative->prefix, &address);
}

static enum match match_host(const struct alternative *alternative, const struct facts *facts,
			     unsigned *missing)
{
	enum match absent;

	if (!facts->host || !*facts->host) {
		bool comes_later = facts->learned & MOMENT_HELLO && is_http(facts->protocol);

		absent = lack(facts, comes_later ? MOMENT_REQUEST : MOMENT_HELLO, missing);
		if (absent == MATCH_NO && alternative->kind == ALTERNATIVE_NO_NAME)
			return MATCH_YES;
		return absent;
	}
	switch (alternative->kind) {
	case ALTERNATIVE_NAME:
		return answer(
			name_matches(facts->host, alternative->name.kind, alternative->name.name));
	case ALTERNATIVE_LIST:
		return answer(list_has_host(alternative->list, facts->host));
	case ALTERNATIVE_RESOLVERS:
		return answer(public_resolvers_have_name(facts->host));
	case ALTERNATIVE_LITERAL:
		return answer(same_literal(alternative, facts->host));
	default:
		return MATCH_NO;
	}
}

static enum match match_alpn(const struct alternative *alternative, const struct facts *facts,
			     unsigned *missing)
{
	struct reader reader;
	size_t wanted = strlen(alternative->text);

	if (facts->alpn.length == 0)
		return lack(facts, MOMENT_HELLO, missing);
	reader_begin(&reader, facts->alpn.bytes, facts->alpn.length);
	while (reader_left(&reader)) {
		struct span name = reader_take(&reader, reader_u8(&reader));

		if (name.length == wanted && wanted &&
		    memcmp(name.bytes, alternative->text, wanted) == 0)
			return MATCH_YES;
	}
	return MATCH_NO;
}

static bool any_matches(const struct patterns *patterns, const char *subject)
{
	for (size_t i = 0; i < patterns->count; i++) {
		if (pattern_matches(&patterns->patterns[i], subject))
			return true;
	}
	return patterns->count == 0;
}

/* names is "a.example, b.example": each is compared by itself. */
static bool any_name_matches(const struct patterns *patterns, const char *names)
{
	if (patterns->count == 0)
		return true;
	while (*names) {
		char name[NAME_SIZE];
		size_t length = strcspn(names, ",");

		if (length < sizeof(name)) {
			memcpy(name, names, length);
			name[length] = '\0';
			if (any_matches(patterns, name))
				return true;
		}
		names += length;
		names += strspn(names, ", ");
	}
	return false;
}

static bool certificate_is(enum certificate_state state, const struct certificate *leaf,
			   const struct facts *facts)
{
	enum reason verdict = facts->certificate_verdict;

	switch (state) {
	case CERTIFICATE_EXPIRED:
		return verdict == REASON_ORIGIN_EXPIRED ||
		       certificate_expired(leaf, facts->wall_seconds);
	case CERTIFICATE_NOT_YET_VALID:
		return verdict == REASON_ORIGIN_NOT_YET_VALID ||
		       certificate_not_yet_valid(leaf, facts->wall_seconds);
	case CERTIFICATE_SELF_SIGNED:
		return verdict == REASON_ORIGIN_SELF_SIGNED || leaf->self_signed;
	case CERTIFICATE_UNTRUSTED:
		return verdict == REASON_ORIGIN_UNTRUSTED || verdict == REASON_ORIGIN_SELF_SIGNED;
	case CERTIFICATE_WRONG_HOST:
		return verdict == REASON_ORIGIN_WRONG_HOST;
	default:
		return verdict != REASON_NONE;
	}
}

static enum match match_certificate(const struct alternative *alternative,
				    const struct facts *facts, unsigned *missing)
{
	const struct certificate_names *names = alternative->certificate_names;
	const struct certificate *leaf;

	if (!facts->certificates || facts->certificates->count == 0)
		return lack(facts, MOMENT_CERTIFICATE, missing);
	leaf = &facts->certificates->certificates[0];
	if (alternative->kind == ALTERNATIVE_CERTIFICATE)
		return answer(certificate_is(alternative->certificate, leaf, facts));
	return answer(any_matches(&names->issuer, leaf->issuer) &&
		      any_matches(&names->subject, leaf->subject) &&
		      any_name_matches(&names->san, leaf->names));
}

static enum match match_text(const struct alternative *alternative, const char *text)
{
	return answer(text && pattern_matches(&alternative->pattern, text));
}

static bool header_fits(const char *value, const void *context)
{
	return pattern_matches(context, value);
}

static enum match match_request(const struct condition *condition,
				const struct alternative *alternative, const struct facts *facts,
				unsigned *missing)
{
	if (!facts->method)
		return lack(facts, MOMENT_REQUEST, missing);
	switch (condition->kind) {
	case CONDITION_METHOD:
		return match_text(alternative, facts->method);
	case CONDITION_PATH:
		return match_text(alternative, facts->path);
	case CONDITION_QUERY:
		return match_text(alternative, facts->query);
	case CONDITION_FRONTING:
		return answer(facts->tls_name && *facts->tls_name && facts->host &&
			      strcmp(facts->tls_name, facts->host) != 0);
	default:
		return answer(facts->headers.find &&
			      facts->headers.find(facts->headers.message, condition->header,
						  header_fits, &alternative->pattern));
	}
}

/* Without a request there will be no response either. */
static enum match match_status(const struct alternative *alternative, const struct facts *facts,
			       unsigned *missing)
{
	if (facts->status)
		return answer(facts->status >= alternative->range.first &&
			      facts->status <= alternative->range.last);
	if (!facts->method)
		return lack(facts, MOMENT_REQUEST, missing);
	return lack(facts, MOMENT_RESPONSE, missing);
}

static enum match match_version(const struct alternative *alternative, const struct facts *facts,
				unsigned *missing)
{
	if (!facts->tls_version)
		return lack(facts, MOMENT_HELLO, missing);
	return answer(facts->tls_version == alternative->version);
}

static enum match match_not(const struct condition *condition, const struct facts *facts,
			    unsigned *missing)
{
	switch (when_match(&condition->nested, facts, missing)) {
	case MATCH_YES:
		return MATCH_NO;
	case MATCH_NO:
		return MATCH_YES;
	default:
		return MATCH_UNKNOWN;
	}
}

static enum match match_alternative(const struct condition *condition,
				    const struct alternative *alternative,
				    const struct facts *facts, unsigned *missing)
{
	switch (condition->kind) {
	case CONDITION_PORT:
		return answer(facts->destination.port >= alternative->range.first &&
			      facts->destination.port <= alternative->range.last);
	case CONDITION_PROTOCOL:
		return match_protocol(alternative, facts, missing);
	case CONDITION_TIME:
		return answer(schedule_holds(&alternative->schedule, facts->time.weekday,
					     facts->time.minute));
	case CONDITION_TLS_VERSION:
		return match_version(alternative, facts, missing);
	case CONDITION_STATUS:
		return match_status(alternative, facts, missing);
	case CONDITION_FROM:
		return match_from(alternative, facts);
	case CONDITION_ADDRESS:
		return match_address(alternative, facts);
	case CONDITION_ALPN:
		return match_alpn(alternative, facts, missing);
	case CONDITION_HOST:
		return match_host(alternative, facts, missing);
	case CONDITION_CERTIFICATE:
		return match_certificate(alternative, facts, missing);
	default:
		return match_request(condition, alternative, facts, missing);
	}
}

enum match condition_match(const struct condition *condition, const struct facts *facts,
			   unsigned *missing)
{
	unsigned lacking = 0;

	if (condition->kind == CONDITION_NOT)
		return match_not(condition, facts, missing);
	for (size_t i = 0; i < condition->count; i++) {
		if (match_alternative(condition, &condition->alternatives[i], facts, &lacking) ==
		    MATCH_YES)
			return MATCH_YES;
	}
	*missing |= lacking;
	return lacking ? MATCH_UNKNOWN : MATCH_NO;
}

enum match when_match(const struct when *when, const struct facts *facts, unsigned *missing)
{
	unsigned lacking = 0;

	for (size_t i = 0; i < when->count; i++) {
		if (condition_match(&when->conditions[i], facts, &lacking) == MATCH_NO)
			return MATCH_NO;
	}
	*missing |= lacking;
	return lacking ? MATCH_UNKNOWN : MATCH_YES;
}

static void end_patterns(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		pattern_end(&patterns->patterns[i]);
	free(patterns->patterns);
}

void alternative_end(struct alternative *alternative)
{
	if (alternative->kind == ALTERNATIVE_PATTERN)
		pattern_end(&alternative->pattern);
	if (alternative->kind == ALTERNATIVE_CERTIFICATE_NAMES && alternative->certificate_names) {
		end_patterns(&alternative->certificate_names->issuer);
		end_patterns(&alternative->certificate_names->subject);
		end_patterns(&alternative->certificate_names->san);
		free(alternative->certificate_names);
	}
	free(alternative->text);
}

void when_end(struct when *when)
{
	for (size_t i = 0; i < when->count; i++) {
		struct condition *condition = &when->conditions[i];

		for (size_t j = 0; j < condition->count; j++)
			alternative_end(&condition->alternatives[j]);
		free(condition->alternatives);
		free(condition->header);
		when_end(&condition->nested);
	}
	free(when->conditions);
}
