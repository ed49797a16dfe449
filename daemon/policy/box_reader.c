/* `box`: from the policy file into struct box. */
#include "daemon/policy/box_reader.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/policy/box_wan_reader.h"
#include "daemon/policy/box_words.h"
#include "daemon/policy/policy.h"
#include "daemon/policy/scalar.h"

enum { VLAN_MAX = 4094 };

bool box_vlan(const char name[static BOX_PORT_NAME], char parent[static BOX_PORT_NAME],
	      unsigned *vlan)
{
	const char *dot = strrchr(name, '.');
	char *end;

	if (!dot || dot == name || !dot[1])
		return false;
	unsigned long number = strtoul(dot + 1, &end, 10);
	if (*end || number < 1 || number > VLAN_MAX)
		return false;
	memcpy(parent, name, (size_t)(dot - name));
	parent[dot - name] = 0;
	*vlan = (unsigned)number;
	return true;
}

struct prefix own_network(const struct own_address *own)
{
	struct prefix network = { .base = own->address, .length = own->length };
	unsigned width = address_width(&own->address);

	network.base.port = 0;
	for (unsigned i = 0; i < width; i++) {
		unsigned kept = own->length > 8 * i ? own->length - 8 * i : 0;

		if (kept < 8)
			network.base.bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
	return network;
}

/* ---- lan ---- */

static void read_segment_port(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target)
{
	struct segment *segment = target;

	if (segment->port_count == SEGMENT_PORTS_MAX)
		reading_error(reading, value, "\"%s\" has more than %d ports", segment->name,
			      SEGMENT_PORTS_MAX);
	else if (box_read_port(reading, keyword, value, segment->ports[segment->port_count]))
		segment->port_count++;
}

static void read_segment_address(struct reading *reading, const struct keyword *keyword,
				 struct value value, void *target)
{
	struct segment *segment = target;

	if (box_read_own(reading, keyword, value, AF_INET, &segment->v4) && segment->v4.length > 29)
		reading_error(reading, value,
			      "a network of devices needs a prefix of at most 29 bits");
}

static void read_segment_address6(struct reading *reading, const struct keyword *keyword,
				  struct value value, void *target)
{
	struct segment *segment = target;

	segment->v6_delegated = strcmp(value_text(value), "auto") == 0;
	if (!segment->v6_delegated &&
	    box_read_own(reading, keyword, value, AF_INET6, &segment->v6) &&
	    segment->v6.length != 64)
		reading_error(reading, value,
			      "devices make their own IPv6 addresses: that takes a /64 (RFC 4862)");
}

static void read_dhcp(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct segment *segment = target;
	char first[ADDRESS_TEXT] = "";
	const char *text = value_text(value), *dash = strchr(text, '-');

	if (strcmp(text, "off") == 0) {
		segment->serves_dhcp = false;
		return;
	}
	if (dash && (size_t)(dash - text) < sizeof(first))
		memcpy(first, text, (size_t)(dash - text));
	if (address_parse(&segment->first, first) != 0 ||
	    address_parse(&segment->last, dash + 1) != 0 || segment->first.family != AF_INET ||
	    segment->last.family != AF_INET)
		keyword_mismatch(reading, keyword, value);
}

static void read_guest(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct segment *segment = target;

	segment->guest = keyword_boolean(reading, keyword, value);
}

static const struct keyword segment_keywords[] = {
	{ "ports", FORM_TEXT | FORM_LIST,
	  "the ports of this network, such as eth1, or eth1.20 for its VLAN 20",
	  .read = read_segment_port, .required = true },
	{ "address", FORM_TEXT, "the box's own address there, such as 192.168.1.1/24",
	  .read = read_segment_address, .required = true },
	{ "address6", FORM_TEXT, "the box's own IPv6 address there, such as fd00:0:0:1::1/64, or auto: from the "
	  "prefix that the provider delegates",
	  .read = read_segment_address6 },
	{ "dhcp", FORM_TEXT,
	  "the addresses that devices get, such as 192.168.1.100-192.168.1.199 (default: the upper "
	  "half), or off",
	  .read = read_dhcp },
	{ "guest", FORM_BOOLEAN, "true or false: guests reach the internet and nothing else",
	  .read = read_guest },
	{ 0 },
};

static const struct grammar segment_grammar = { "a network of \"lan\"", segment_keywords };

/* The upper half: the lower one is left for addresses given by hand. */
static void fill_dhcp(struct segment *segment)
{
	struct prefix network = own_network(&segment->v4);
	uint32_t base = ntohl(network.base.v4.s_addr);
	uint32_t size = UINT32_C(1) << (32 - network.length);

	segment->first = segment->last = network.base;
	segment->first.v4.s_addr = htonl(base + size / 2);
	segment->last.v4.s_addr = htonl(base + size - 2);
}

static void check_dhcp(struct reading *reading, struct value value, const struct segment *segment)
{
	struct prefix network = own_network(&segment->v4);
	char text[PREFIX_TEXT];

	if (!prefix_contains(&network, &segment->first) ||
	    !prefix_contains(&network, &segment->last) ||
	    address_compare(&segment->first, &segment->last) > 0)
		reading_error(reading, value, "the addresses of \"dhcp\" are not a range within %s",
			      prefix_print(&network, text));
}

static void read_segment(struct reading *reading, struct value value, struct segment *segment)
{
	size_t errors = reading->errors;

	segment->serves_dhcp = true;
	grammar_read(reading, &segment_grammar, value, segment);
	if (reading->errors != errors)
		return;
	if (segment->first.family == AF_UNSPEC)
		fill_dhcp(segment);
	else if (segment->serves_dhcp)
		check_dhcp(reading, value_find(value, "dhcp"), segment);
}

static void read_segments(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct box *box = target;

	(void)keyword;
	for (size_t i = 0; i < value_count(value) && !reading->overrun; i++) {
		const char *name = value_text(value_key(value, i));

		if (!name || !box_is_plain(name)) {
			reading_error(
				reading, value_key(value, i),
				"a network is named like a port: up to %d letters, digits, -, _ "
				"and .",
				BOX_PORT_NAME - 1);
		} else if (box->segment_count == SEGMENTS_MAX) {
			reading_error(reading, value_key(value, i),
				      "\"lan\" has more than %d networks", SEGMENTS_MAX);
		} else {
			strcpy(box->segments[box->segment_count].name, name);
			read_segment(reading, value_item(value, i),
				     &box->segments[box->segment_count++]);
		}
	}
}

/* ---- the box ---- */

static void read_name(struct reading *reading, const struct keyword *keyword, struct value value,
		      void *target)
{
	struct box *box = target;

	if (!scalar_is_label(value_text(value)) || strpbrk(value_text(value), "._"))
		keyword_mismatch(reading, keyword, value);
	else
		strcpy(box->name, value_text(value));
}

static void read_resolver(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct box *box = target;

	if (box->resolver_count == BOX_SERVERS_MAX)
		reading_error(reading, value, "\"dns\" names more than %d servers",
			      BOX_SERVERS_MAX);
	else if (address_parse(&box->resolvers[box->resolver_count], value_text(value)) != 0)
		keyword_mismatch(reading, keyword, value);
	else
		box->resolver_count++;
}

static void read_clock(struct reading *reading, const struct keyword *keyword, struct value value,
		       void *target)
{
	struct box *box = target;
	const char *text = value_text(value);
	struct address address;
	char *clock;

	if (box->clock_count == BOX_SERVERS_MAX) {
		reading_error(reading, value, "\"ntp\" names more than %d servers",
			      BOX_SERVERS_MAX);
		return;
	}
	clock = box->clocks[box->clock_count];
	if (address_parse(&address, text) == 0)
		address_print(&address, clock);
	else if (!name_canonical(text, strlen(text), clock)) {
		keyword_mismatch(reading, keyword, value);
		return;
	}
	box->clock_count++;
}

static const struct keyword box_keywords[] = {
	{ "name", FORM_TEXT, "the box's own name: letters, digits and -", .read = read_name },
	{ "wan", FORM_MAPPING, "a mapping with port, pppoe, address, router, address6, router6",
	  .grammar = &wan_grammar },
	{ "lan", FORM_NAMED, "a mapping of names such as br-lan to networks of devices",
	  .read = read_segments, .grammar = &segment_grammar },
	{ "dns", FORM_TEXT | FORM_LIST,
	  "the addresses of the servers that are asked for names (default: the provider's)",
	  .read = read_resolver },
	{ "ntp", FORM_TEXT | FORM_LIST,
	  "the names or addresses of the servers that are asked for the time (default: pool.ntp.org)",
	  .read = read_clock },
	{ 0 },
};

const struct grammar box_grammar = { "\"box\"", box_keywords };

static const struct own_address *own_of(const struct segment *segment, sa_family_t family)
{
	return family == AF_INET ? &segment->v4 : &segment->v6;
}

static bool overlap(const struct own_address *a, const struct own_address *b)
{
	if (a->address.family == AF_UNSPEC || b->address.family == AF_UNSPEC)
		return false;
	struct prefix first = own_network(a), second = own_network(b);

	return prefix_contains(&first, &b->address) || prefix_contains(&second, &a->address);
}

static bool has_port(const struct segment *segment, const char *port)
{
	for (size_t i = 0; i < segment->port_count; i++)
		if (strcmp(segment->ports[i], port) == 0)
			return true;
	return false;
}

/* Against the WAN and the segments before it. */
static void check_segment(struct reading *reading, struct value value, const struct box *box,
			  const struct segment *segment)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };

	if (segment->v6_delegated && !box->wan.v6_announced)
		reading_error(reading, value_find(value, "address6"),
			      "the prefix comes from the provider: this needs \"address6: auto\" "
			      "at \"wan\"");
	if (has_port(segment, box->wan.port))
		reading_error(reading, value, "%s is the port of \"wan\"", box->wan.port);
	for (size_t f = 0; f < 2; f++) {
		const struct own_address *wan =
			families[f] == AF_INET ? &box->wan.v4 : &box->wan.v6;

		if (overlap(wan, own_of(segment, families[f])))
			reading_error(reading, value, "\"%s\" and \"wan\" are the same network",
				      segment->name);
		for (const struct segment *other = box->segments; other < segment; other++)
			if (overlap(own_of(other, families[f]), own_of(segment, families[f])))
				reading_error(reading, value,
					      "\"%s\" and \"%s\" are the same network", other->name,
					      segment->name);
	}
	for (const struct segment *other = box->segments; other < segment; other++)
		for (size_t i = 0; i < segment->port_count; i++)
			if (has_port(other, segment->ports[i]))
				reading_error(reading, value, "%s belongs to \"%s\" already",
					      segment->ports[i], other->name);
}

/* Devices of the box's networks are captured unless `lan` of the policy says which. */
void box_finish(struct policy *policy)
{
	const struct box *box = &policy->box;

	if (policy->lan_count > 0)
		return;
	for (size_t i = 0; i < box->segment_count; i++)
		strcpy(policy->lan[policy->lan_count++], box->segments[i].name);
}

void read_box(struct reading *reading, const struct keyword *keyword, struct value value,
	      void *target)
{
	struct policy *policy = target;
	struct box *box = &policy->box;
	size_t errors = reading->errors;

	box->given = true;
	box->wan.v6_announced = true;
	strcpy(box->name, "headgate");
	grammar_read(reading, keyword->grammar, value, box);
	if (reading->errors != errors)
		return;
	if (box->wan.port[0])
		wan_check(reading, value_find(value, "wan"), &box->wan);
	for (size_t i = 0; i < box->segment_count; i++)
		check_segment(reading, value_item(value_find(value, "lan"), i), box,
			      &box->segments[i]);
}
