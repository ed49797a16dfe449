/* What can be said of conditions without any facts: which moment they ask for, whether they open
 * TLS, and whether one holds whenever another does. */
#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include "daemon/policy/condition.h"

static enum moment protocol_moment(const struct condition *condition)
{
	for (size_t i = 0; i < condition->count; i++) {
		if (condition->alternatives[i].kind != ALTERNATIVE_TRANSPORT)
			return MOMENT_HELLO;
	}
	return MOMENT_ADDRESSES;
}

static enum moment condition_moment(const struct condition *condition)
{
	switch (condition->kind) {
	case CONDITION_PROTOCOL:
		return protocol_moment(condition);
	case CONDITION_HOST:
	case CONDITION_ALPN:
	case CONDITION_TLS_VERSION:
		return MOMENT_HELLO;
	case CONDITION_CERTIFICATE:
		return MOMENT_CERTIFICATE;
	case CONDITION_METHOD:
	case CONDITION_PATH:
	case CONDITION_QUERY:
	case CONDITION_FRONTING:
	case CONDITION_HEADER:
		return MOMENT_REQUEST;
	case CONDITION_STATUS:
		return MOMENT_RESPONSE;
	case CONDITION_NOT:
		return when_moment(&condition->nested);
	default:
		return MOMENT_ADDRESSES;
	}
}

enum moment when_moment(const struct when *when)
{
	enum moment latest = MOMENT_ADDRESSES;

	for (size_t i = 0; i < when->count; i++) {
		enum moment moment = condition_moment(&when->conditions[i]);

		latest = MAX(moment, latest);
	}
	return latest;
}

static bool includes_tls(const struct condition *condition)
{
	for (size_t i = 0; i < condition->count; i++) {
		const struct alternative *alternative = &condition->alternatives[i];

		if (alternative->kind == ALTERNATIVE_TRANSPORT ||
		    alternative->protocol == PROTOCOL_TLS || alternative->protocol == PROTOCOL_QUIC)
			return true;
	}
	return false;
}

static bool is_not_tls(const struct condition *condition)
{
	const struct when *nested = &condition->nested;

	return condition->kind == CONDITION_NOT && nested->count == 1 &&
	       nested->conditions[0].kind == CONDITION_PROTOCOL &&
	       includes_tls(&nested->conditions[0]);
}

bool when_reaches_tls(const struct when *when)
{
	for (size_t i = 0; i < when->count; i++) {
		const struct condition *condition = &when->conditions[i];

		if (is_not_tls(condition) ||
		    (condition->kind == CONDITION_PROTOCOL && !includes_tls(condition)))
			return false;
	}
	return true;
}

static bool is_of_datagrams(const struct alternative *alternative)
{
	if (alternative->kind == ALTERNATIVE_TRANSPORT)
		return alternative->transport == TRANSPORT_UDP;
	return alternative->protocol == PROTOCOL_QUIC || alternative->protocol == PROTOCOL_DNS;
}

enum match when_wants_datagrams(const struct when *when)
{
	enum match wants = MATCH_UNKNOWN;

	for (size_t i = 0; i < when->count && wants != MATCH_YES; i++) {
		const struct condition *condition = &when->conditions[i];

		if (condition->kind != CONDITION_PROTOCOL)
			continue;
		wants = MATCH_NO;
		for (size_t j = 0; j < condition->count; j++)
			if (is_of_datagrams(&condition->alternatives[j]))
				wants = MATCH_YES;
	}
	return wants;
}

bool when_reads_tls(const struct when *when)
{
	return when_moment(when) > MOMENT_HELLO && when_reaches_tls(when);
}

static bool prefix_within(const struct prefix *narrow, const struct prefix *wide)
{
	return narrow->length >= wide->length && prefix_contains(wide, &narrow->base);
}

static bool name_within(const struct alternative *narrow, const struct alternative *wide)
{
	enum name_pattern_kind kind = wide->name.kind;

	if (narrow->name.kind == NAME_EXACT)
		return name_matches(narrow->name.name, kind, wide->name.name);
	if (kind == NAME_EXACT)
		return false;
	if (narrow->name.kind == NAME_SUBDOMAINS)
		kind = NAME_TREE; /* below a name is also below that name's own tree */
	return name_matches(narrow->name.name, kind, wide->name.name);
}

static bool same_patterns(const struct patterns *a, const struct patterns *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(a->patterns[i].text, b->patterns[i].text) != 0)
			return false;
	}
	return a->count == b->count;
}

static bool same_names(const struct certificate_names *a, const struct certificate_names *b)
{
	return same_patterns(&a->issuer, &b->issuer) && same_patterns(&a->subject, &b->subject) &&
	       same_patterns(&a->san, &b->san);
}

static bool alternative_implies(const struct alternative *narrow, const struct alternative *wide)
{
	if (narrow->kind != wide->kind)
		return false;
	switch (wide->kind) {
	case ALTERNATIVE_PREFIX:
	case ALTERNATIVE_LITERAL:
		return prefix_within(&narrow->prefix, &wide->prefix);
	case ALTERNATIVE_RANGE:
		return narrow->range.first >= wide->range.first &&
		       narrow->range.last <= wide->range.last;
	case ALTERNATIVE_NAME:
		return name_within(narrow, wide);
	case ALTERNATIVE_PATTERN:
		return strcmp(wide->text, "*") == 0 || strcmp(narrow->text, wide->text) == 0;
	case ALTERNATIVE_CERTIFICATE_NAMES:
		return same_names(narrow->certificate_names, wide->certificate_names);
	default:
		return strcmp(narrow->text, wide->text) == 0;
	}
}

static bool alternative_is_among(const struct alternative *narrow, const struct condition *wide)
{
	for (size_t i = 0; i < wide->count; i++) {
		if (alternative_implies(narrow, &wide->alternatives[i]))
			return true;
	}
	return false;
}

static bool condition_implies(const struct condition *narrow, const struct condition *wide)
{
	if (narrow->kind != wide->kind)
		return false;
	/* "not X" implies "not Y" when Y implies X. */
	if (wide->kind == CONDITION_NOT)
		return when_implies(&wide->nested, &narrow->nested);
	if (wide->kind == CONDITION_HEADER && strcasecmp(narrow->header, wide->header) != 0)
		return false;
	for (size_t i = 0; i < narrow->count; i++) {
		if (!alternative_is_among(&narrow->alternatives[i], wide))
			return false;
	}
	return narrow->count > 0;
}

bool when_implies(const struct when *narrow, const struct when *wide)
{
	for (size_t i = 0; i < wide->count; i++) {
		bool found = false;

		for (size_t j = 0; j < narrow->count && !found; j++)
			found = condition_implies(&narrow->conditions[j], &wide->conditions[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool asks(const struct condition *condition, const struct list *list)
{
	if (condition->kind == CONDITION_NOT)
		return when_asks(&condition->nested, list);
	for (size_t i = 0; i < condition->count; i++)
		if (condition->alternatives[i].kind == ALTERNATIVE_LIST &&
		    condition->alternatives[i].list == list)
			return true;
	return false;
}

bool when_asks(const struct when *when, const struct list *list)
{
	for (size_t i = 0; i < when->count; i++)
		if (asks(&when->conditions[i], list))
			return true;
	return false;
}
