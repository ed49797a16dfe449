#include "netfilter/projection.h"

#include <string.h>

#include "daemon/policy/public_resolvers.h"

struct projector {
	struct arena *arena;
	const struct kernel_view *view;
};

/* Terms */

static struct projection never(void)
{
	return (struct projection){ .exact = true };
}

static struct projection always(struct arena *arena)
{
	struct term *term = arena_take(arena, 1, sizeof(*term));

	return (struct projection){ .exact = true, .count = term ? 1 : 0, .terms = term };
}

static struct projection vague(struct arena *arena, const struct condition *condition)
{
	struct projection projection = always(arena);

	projection.exact = false;
	projection.vague = condition;
	projection.early = !condition || condition->kind == CONDITION_FROM ||
			   condition->kind == CONDITION_ADDRESS;
	return projection;
}

static void inherit(struct projection *whole, const struct projection *part)
{
	if (whole->exact && !part->exact)
		whole->vague = part->vague;
	whole->exact &= part->exact;
	whole->early |= part->early;
}

struct projection projection_either(struct arena *arena, const struct projection *a,
				    const struct projection *b)
{
	struct projection whole = *a;

	if (a->count + b->count > TERMS_MAX)
		return vague(arena, NULL);
	inherit(&whole, b);
	whole.terms = arena_take(arena, a->count + b->count, sizeof(*whole.terms));
	if (!whole.terms)
		return never();
	if (a->count)
		memcpy(whole.terms, a->terms, a->count * sizeof(*a->terms));
	if (b->count)
		memcpy(whole.terms + a->count, b->terms, b->count * sizeof(*b->terms));
	whole.count = a->count + b->count;
	return whole;
}

static sa_family_t test_family(const struct test *test)
{
	switch (test->kind) {
	case TEST_FROM4:
	case TEST_TO4:
		return AF_INET;
	case TEST_FROM6:
	case TEST_TO6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

sa_family_t term_family(const struct term *term)
{
	for (size_t i = 0; i < term->count; i++)
		if (!term->tests[i].negated && test_family(&term->tests[i]) != AF_UNSPEC)
			return test_family(&term->tests[i]);
	return AF_UNSPEC;
}

/* A term grows by another's tests; a test too much is left out, which makes it wider. False when no
 * packet could pass both. */
static bool join(struct term *term, const struct term *other, struct projection *whole)
{
	sa_family_t family = term_family(term);
	sa_family_t others = term_family(other);

	if (family && others && family != others)
		return false;
	for (size_t i = 0; i < other->count; i++) {
		if (term->count == TESTS_MAX) {
			whole->exact = false;
			whole->early = true;
			break;
		}
		term->tests[term->count++] = other->tests[i];
	}
	return true;
}

struct projection projection_both(struct arena *arena, const struct projection *a,
				  const struct projection *b)
{
	struct projection whole = { .exact = a->exact, .early = a->early, .vague = a->vague };

	inherit(&whole, b);
	if (a->count * b->count > TERMS_MAX)
		return vague(arena, NULL);
	whole.terms = arena_take(arena, a->count * b->count, sizeof(*whole.terms));
	if (!whole.terms)
		return never();
	for (size_t i = 0; i < a->count; i++)
		for (size_t j = 0; j < b->count; j++) {
			whole.terms[whole.count] = a->terms[i];
			if (join(&whole.terms[whole.count], &b->terms[j], &whole))
				whole.count++;
		}
	return whole;
}

struct projection projection_of_datagrams(struct arena *arena, const struct projection *projection)
{
	struct projection udp = always(arena);

	if (!udp.terms)
		return never();
	udp.terms->count = 1;
	udp.terms->tests[0] =
		(struct test){ TEST_TRANSPORT, .count = 1, .transport = TRANSPORT_UDP };
	return projection_both(arena, &udp, projection);
}

bool projection_is_all(const struct projection *projection)
{
	for (size_t i = 0; i < projection->count; i++)
		if (projection->terms[i].count == 0)
			return true;
	return false;
}

/* Sets: what the alternatives of a condition say, gathered by kind */

struct sets {
	size_t port_count, lan_count, mac_count, list_count, prefix_count[2];
	struct port_range *ports;
	const char **lan;
	uint8_t (*macs)[6];
	const struct list **lists;
	struct prefix *prefixes[2]; /* IPv4, IPv6 */
	bool transports[2];
	bool vague;
};

static void measure_device(const struct device *device, size_t *prefixes, size_t *macs)
{
	*prefixes += device->prefix_count;
	*macs += device->mac_count;
}

enum { PRIVATE_SPACES = 9 };

/* What address_is_private() says, as prefixes; tests/unit/projection_test.c holds them together. */
static const char *const private_spaces[PRIVATE_SPACES] = {
	"10.0.0.0/8",	  "127.0.0.0/8",    "100.64.0.0/10", "172.16.0.0/12", "169.254.0.0/16",
	"192.168.0.0/16", "fc00::/7", "fe80::/10",     "::1",
};

/* Room for the most that the condition can name. */
static bool begin_sets(struct projector *projector, struct sets *sets,
		       const struct condition *condition)
{
	struct arena *arena = projector->arena;
	size_t macs = condition->count;
	size_t prefixes = condition->count + PRIVATE_SPACES, resolvers;

	public_resolvers_prefixes(&resolvers);
	prefixes += resolvers;
	*sets = (struct sets){ .vague = false };
	for (size_t i = 0; i < condition->count; i++)
		if (condition->alternatives[i].kind == ALTERNATIVE_DEVICE)
			measure_device(condition->alternatives[i].device, &prefixes, &macs);
	sets->ports = arena_take(arena, condition->count, sizeof(*sets->ports));
	sets->lan = arena_take(arena, condition->count, sizeof(*sets->lan));
	sets->macs = arena_take(arena, macs, sizeof(*sets->macs));
	sets->lists = arena_take(arena, condition->count, sizeof(*sets->lists));
	sets->prefixes[0] = arena_take(arena, prefixes, sizeof(**sets->prefixes));
	sets->prefixes[1] = arena_take(arena, prefixes, sizeof(**sets->prefixes));
	return !arena->exhausted;
}

static bool lies_within(const struct prefix *narrow, const struct prefix *wide)
{
	return narrow->length >= wide->length && prefix_contains(wide, &narrow->base);
}

/* nft refuses sets whose elements overlap. */
static void add_prefix(struct sets *sets, const struct prefix *prefix)
{
	unsigned family = prefix->base.family == AF_INET6;
	struct prefix *prefixes = sets->prefixes[family];
	size_t kept = 0;

	for (size_t i = 0; i < sets->prefix_count[family]; i++)
		if (lies_within(prefix, &prefixes[i]))
			return;
	for (size_t i = 0; i < sets->prefix_count[family]; i++)
		if (!lies_within(&prefixes[i], prefix))
			prefixes[kept++] = prefixes[i];
	prefixes[kept++] = *prefix;
	sets->prefix_count[family] = kept;
}

static void add_mac(struct sets *sets, const uint8_t mac[static 6])
{
	for (size_t i = 0; i < sets->mac_count; i++)
		if (memcmp(sets->macs[i], mac, 6) == 0)
			return;
	memcpy(sets->macs[sets->mac_count++], mac, 6);
}

static void add_device(struct sets *sets, const struct device *device)
{
	for (size_t i = 0; i < device->prefix_count; i++)
		add_prefix(sets, &device->prefixes[i]);
	for (size_t i = 0; i < device->mac_count; i++)
		add_mac(sets, device->macs[i]);
}

static void add_lan(struct sets *sets, const char *name)
{
	for (size_t i = 0; i < sets->lan_count; i++)
		if (strcmp(sets->lan[i], name) == 0)
			return;
	sets->lan[sets->lan_count++] = name;
}

static void add_private(struct sets *sets)
{
	struct prefix prefix;

	for (size_t i = 0; i < PRIVATE_SPACES; i++)
		if (prefix_parse(&prefix, private_spaces[i]) == 0)
			add_prefix(sets, &prefix);
}

static void add_resolvers(struct sets *sets)
{
	size_t count;
	const struct prefix *prefixes = public_resolvers_prefixes(&count);

	for (size_t i = 0; i < count; i++)
		add_prefix(sets, &prefixes[i]);
}

static void add_list(struct sets *sets, const struct list *list, const struct kernel_view *view)
{
	for (size_t i = 0; i < sets->list_count; i++)
		if (sets->lists[i] == list)
			return;
	if (view->lists)
		sets->lists[sets->list_count++] = list;
	else
		sets->vague = true;
}

static void add_alternative(struct projector *projector, struct sets *sets,
			    const struct alternative *alternative)
{
	switch (alternative->kind) {
	case ALTERNATIVE_DEVICE:
		add_device(sets, alternative->device);
		break;
	case ALTERNATIVE_PREFIX:
		add_prefix(sets, &alternative->prefix);
		break;
	case ALTERNATIVE_MAC:
		add_mac(sets, alternative->mac);
		break;
	case ALTERNATIVE_PORT_NAME:
		add_lan(sets, alternative->port_name);
		break;
	case ALTERNATIVE_PRIVATE:
		add_private(sets);
		break;
	case ALTERNATIVE_RESOLVERS:
		add_resolvers(sets);
		break;
	case ALTERNATIVE_LIST:
		add_list(sets, alternative->list, projector->view);
		break;
	case ALTERNATIVE_RANGE:
		sets->ports[sets->port_count++] = alternative->range;
		break;
	case ALTERNATIVE_TRANSPORT:
		sets->transports[alternative->transport] = true;
		break;
	default:
		sets->vague = true;
		break;
	}
}

/* The tests of the sets that are not empty. */
static size_t write_tests(const struct sets *sets, bool from, struct test tests[static TESTS_MAX])
{
	size_t count = 0;

	for (unsigned i = 0; i < 2; i++)
		if (sets->transports[i])
			tests[count++] = (struct test){ TEST_TRANSPORT, .count = 1,
							.transport = (enum transport)i };
	if (sets->port_count)
		tests[count++] = (struct test){ TEST_PORT, .count = sets->port_count,
						.ports = sets->ports };
	if (sets->lan_count)
		tests[count++] = (struct test){ TEST_LAN, .count = sets->lan_count,
						.lan = sets->lan };
	if (sets->mac_count)
		tests[count++] = (struct test){ TEST_MAC, .count = sets->mac_count,
						.macs = (const uint8_t(*)[6])sets->macs };
	if (sets->list_count)
		tests[count++] = (struct test){ TEST_LIST, .count = sets->list_count,
						.lists = sets->lists };
	for (unsigned i = 0; i < 2; i++)
		if (sets->prefix_count[i])
			tests[count++] = (struct test){ (from ? TEST_FROM4 : TEST_TO4) + i,
							.count = sets->prefix_count[i],
							.prefixes = sets->prefixes[i] };
	return count;
}

/* Any of the tests. */
static struct projection any(struct projector *projector, const struct test *tests, size_t count)
{
	struct projection whole = { .exact = true };

	whole.terms = arena_take(projector->arena, count, sizeof(*whole.terms));
	for (size_t i = 0; whole.terms && i < count; i++) {
		whole.terms[i].count = 1;
		whole.terms[i].tests[0] = tests[i];
		whole.count = count;
	}
	return whole;
}

/* None of the tests. */
static struct projection none(struct projector *projector, const struct test *tests, size_t count)
{
	struct projection whole = always(projector->arena);

	for (size_t i = 0; whole.count && i < count; i++) {
		whole.terms->tests[i] = tests[i];
		whole.terms->tests[i].negated = true;
		whole.terms->count = count;
	}
	return whole;
}

/* The kernel's lists are asked about destinations alone. */
static bool is_source_list(const struct condition *condition, const struct alternative *alternative)
{
	return condition->kind == CONDITION_FROM && alternative->kind == ALTERNATIVE_LIST;
}

static struct projection project_sets(struct projector *projector,
				      const struct condition *condition, bool holds)
{
	struct sets sets;
	struct test tests[TESTS_MAX];
	struct projection whole;
	size_t count;

	if (!begin_sets(projector, &sets, condition))
		return never();
	for (size_t i = 0; i < condition->count; i++)
		if (is_source_list(condition, &condition->alternatives[i]))
			sets.vague = true;
		else
			add_alternative(projector, &sets, &condition->alternatives[i]);
	sets.port_count = port_ranges_join(sets.ports, sets.port_count);
	if (sets.vague && holds)
		return vague(projector->arena, condition);
	count = write_tests(&sets, condition->kind == CONDITION_FROM, tests);
	whole = holds ? any(projector, tests, count) : none(projector, tests, count);
	if (sets.vague) {
		whole.exact = false;
		whole.early = condition->kind != CONDITION_PROTOCOL;
		whole.vague = condition;
	}
	return whole;
}

static struct projection project_time(struct projector *projector,
				      const struct condition *condition, bool holds)
{
	const struct week_time *now = &projector->view->now;

	for (size_t i = 0; i < condition->count; i++)
		if (schedule_holds(&condition->alternatives[i].schedule, now->weekday, now->minute))
			return holds ? always(projector->arena) : never();
	return holds ? never() : always(projector->arena);
}

static struct projection project_when(struct projector *projector, const struct when *when,
				      bool holds);

static struct projection project_condition(struct projector *projector,
					   const struct condition *condition, bool holds)
{
	switch (condition->kind) {
	case CONDITION_NOT:
		return project_when(projector, &condition->nested, !holds);
	case CONDITION_TIME:
		return project_time(projector, condition, holds);
	case CONDITION_PORT:
	case CONDITION_PROTOCOL:
	case CONDITION_FROM:
	case CONDITION_ADDRESS:
		return project_sets(projector, condition, holds);
	default:
		return vague(projector->arena, condition);
	}
}

/* All conditions hold, or one of them does not. */
static struct projection project_when(struct projector *projector, const struct when *when,
				      bool holds)
{
	struct projection whole = holds ? always(projector->arena) : never();

	for (size_t i = 0; i < when->count && !projector->arena->exhausted; i++) {
		struct projection part =
			project_condition(projector, &when->conditions[i], holds);

		whole = holds ? projection_both(projector->arena, &whole, &part)
			      : projection_either(projector->arena, &whole, &part);
	}
	return whole;
}

struct projection projection_make(struct arena *arena, const struct when *when,
				  const struct kernel_view *view)
{
	struct projector projector = { .arena = arena, .view = view };

	return project_when(&projector, when, true);
}

/* Interpretation */

static bool has_prefix(const struct test *test, const struct address *address)
{
	for (size_t i = 0; i < test->count; i++)
		if (prefix_contains(&test->prefixes[i], address))
			return true;
	return false;
}

static bool has_port(const struct test *test, uint16_t port)
{
	for (size_t i = 0; i < test->count; i++)
		if (test->ports[i].first <= port && port <= test->ports[i].last)
			return true;
	return false;
}

static bool has_lan(const struct test *test, const char *name)
{
	for (size_t i = 0; name && i < test->count; i++)
		if (strcmp(test->lan[i], name) == 0)
			return true;
	return false;
}

static bool has_mac(const struct test *test, const uint8_t *mac)
{
	for (size_t i = 0; mac && i < test->count; i++)
		if (memcmp(test->macs[i], mac, 6) == 0)
			return true;
	return false;
}

static bool has_list(const struct test *test, const struct address *address)
{
	for (size_t i = 0; i < test->count; i++)
		if (list_has_address(test->lists[i], address))
			return true;
	return false;
}

static bool is_in_set(const struct test *test, const struct facts *facts)
{
	switch (test->kind) {
	case TEST_TRANSPORT:
		return test->transport == facts->transport;
	case TEST_PORT:
		return has_port(test, facts->destination.port);
	case TEST_LAN:
		return has_lan(test, facts->port_name);
	case TEST_MAC:
		return has_mac(test, facts->mac);
	case TEST_FROM4:
	case TEST_FROM6:
		return has_prefix(test, &facts->client);
	case TEST_TO4:
	case TEST_TO6:
		return has_prefix(test, &facts->destination);
	default:
		return has_list(test, &facts->destination);
	}
}

static bool term_holds(const struct term *term, const struct facts *facts)
{
	for (size_t i = 0; i < term->count; i++)
		if (is_in_set(&term->tests[i], facts) == term->tests[i].negated)
			return false;
	return true;
}

bool projection_holds(const struct projection *projection, const struct facts *facts)
{
	for (size_t i = 0; i < projection->count; i++)
		if (term_holds(&projection->terms[i], facts))
			return true;
	return false;
}
