/* `box`: from the policy file into struct box. */
#include "daemon/policy/box_reader.h"

#include <stdlib.h>
#include <string.h>

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

/* Names go into files of several languages: letters, digits, "-", "_" and "." mean nothing in any.
 */
static bool is_plain(const char *name)
{
	return scalar_is_port_name(name) && scalar_is_label(name);
}

static bool copy_port(struct reading *reading, const struct keyword *keyword, struct value value,
		      char port[static BOX_PORT_NAME])
{
	if (!is_plain(value_text(value))) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	strcpy(port, value_text(value));
	return true;
}

/* "192.0.2.1/24" of this family; false after saying what is wrong. */
static bool read_own(struct reading *reading, const struct keyword *keyword, struct value value,
		     sa_family_t family, struct own_address *own)
{
	char literal[ADDRESS_TEXT] = "";
	const char *text = value_text(value), *slash = strchr(text, '/');
	struct address address;
	char *end;

	if (slash && slash[1] && (size_t)(slash - text) < sizeof(literal))
		memcpy(literal, text, (size_t)(slash - text));
	if (address_parse(&address, literal) != 0 || address.family != family) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	unsigned long length = strtoul(slash + 1, &end, 10);
	if (*end || length < 8 || length > 8 * address_width(&address)) {
		keyword_mismatch(reading, keyword, value);
		return false;
	}
	*own = (struct own_address){ .address = address, .length = (uint8_t)length };
	return true;
}

static void read_address_of(struct reading *reading, const struct keyword *keyword,
			    struct value value, sa_family_t family, struct address *address)
{
	struct address read;

	if (address_parse(&read, value_text(value)) != 0 || read.family != family)
		keyword_mismatch(reading, keyword, value);
	else
		*address = read;
}

/* ---- wan ---- */

static void read_wan_port(struct reading *reading, const struct keyword *keyword,
			  struct value value, void *target)
{
	struct box *box = target;

	copy_port(reading, keyword, value, box->wan.port);
}

static void read_wan_address(struct reading *reading, const struct keyword *keyword,
			     struct value value, void *target)
{
	struct box *box = target;

	if (strcmp(value_text(value), "dhcp") == 0)
		box->wan.way = WAN_BY_DHCP;
	else if (read_own(reading, keyword, value, AF_INET, &box->wan.v4))
		box->wan.way = WAN_BY_HAND;
}

static void read_wan_address6(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target)
{
	struct box *box = target;

	box->wan.v6_announced = strcmp(value_text(value), "auto") == 0;
	if (!box->wan.v6_announced && strcmp(value_text(value), "off") != 0)
		read_own(reading, keyword, value, AF_INET6, &box->wan.v6);
}

static void read_router(struct reading *reading, const struct keyword *keyword, struct value value,
			void *target)
{
	struct box *box = target;

	read_address_of(reading, keyword, value, AF_INET, &box->wan.router);
}

static void read_router6(struct reading *reading, const struct keyword *keyword, struct value value,
			 void *target)
{
	struct box *box = target;

	read_address_of(reading, keyword, value, AF_INET6, &box->wan.router6);
}

static const struct keyword wan_keywords[] = {
	{ "port", FORM_TEXT,
	  "the port towards the internet, such as eth0, or eth0.7 for its VLAN 7",
	  .read = read_wan_port, .required = true },
	{ "address", FORM_TEXT, "dhcp (default) or an address such as 198.51.100.2/24",
	  .read = read_wan_address },
	{ "router", FORM_TEXT, "the IPv4 address of the next router, beside an address of your own",
	  .read = read_router },
	{ "address6", FORM_TEXT, "auto (default), off, or an address such as 2001:db8::2/64",
	  .read = read_wan_address6 },
	{ "router6", FORM_TEXT, "the IPv6 address of the next router", .read = read_router6 },
	{ 0 },
};

static const struct grammar wan_grammar = { "\"wan\"", wan_keywords };

/* ---- lan ---- */

static void read_segment_port(struct reading *reading, const struct keyword *keyword,
			      struct value value, void *target)
{
	struct segment *segment = target;

	if (segment->port_count == SEGMENT_PORTS_MAX)
		reading_error(reading, value, "\"%s\" has more than %d ports", segment->name,
			      SEGMENT_PORTS_MAX);
	else if (copy_port(reading, keyword, value, segment->ports[segment->port_count]))
		segment->port_count++;
}

static void read_segment_address(struct reading *reading, const struct keyword *keyword,
				 struct value value, void *target)
{
	struct segment *segment = target;

	if (read_own(reading, keyword, value, AF_INET, &segment->v4) && segment->v4.length > 29)
		reading_error(reading, value,
			      "a network of devices needs a prefix of at most 29 bits");
}

static void read_segment_address6(struct reading *reading, const struct keyword *keyword,
				  struct value value, void *target)
{
	struct segment *segment = target;

	if (read_own(reading, keyword, value, AF_INET6, &segment->v6) && segment->v6.length != 64)
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
	{ "address6", FORM_TEXT, "the box's own IPv6 address there, such as fd00:0:0:1::1/64",
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

		if (!name || !is_plain(name)) {
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
	{ "wan", FORM_MAPPING, "a mapping with port, address, router, address6, router6",
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

static void check_wan(struct reading *reading, struct value value, const struct wan *wan)
{
	if (wan->way == WAN_BY_HAND && wan->router.family == AF_UNSPEC)
		reading_error(reading, value,
			      "an address of your own needs a \"router\": the provider's address");
	if (wan->way == WAN_BY_DHCP && wan->router.family != AF_UNSPEC)
		reading_error(reading, value,
			      "with \"address: dhcp\" the provider names the router; "
			      "leave \"router\" out");
	if (wan->v6.address.family != AF_UNSPEC && wan->router6.family == AF_UNSPEC)
		reading_error(reading, value, "an IPv6 address of your own needs a \"router6\"");
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
	check_wan(reading, value_find(value, "wan"), &box->wan);
	for (size_t i = 0; i < box->segment_count; i++)
		check_segment(reading, value_item(value_find(value, "lan"), i), box,
			      &box->segments[i]);
}
