/* The box's ports, as commands of ip(8). */
#include "daemon/policy/box.h"
#include "daemon/text.h"

static void add_vlan(struct text *text, const char *port)
{
	char parent[BOX_PORT_NAME];
	unsigned vlan;

	if (!box_vlan(port, parent, &vlan))
		return;
	text_addf(text,
		  "ip link set '%s' up\n"
		  "ip link show '%s' >/dev/null 2>&1 || "
		  "ip link add link '%s' name '%s' type vlan id %u\n",
		  parent, port, parent, port, vlan);
}

static void add_address(struct text *text, const char *port, const struct own_address *own)
{
	char literal[ADDRESS_TEXT];

	if (own->address.family == AF_UNSPEC)
		return;
	text_addf(text, "ip address add %s/%u dev '%s' 2>/dev/null\n",
		  address_print(&own->address, literal), own->length, port);
}

static void add_route(struct text *text, const struct address *router, const char *port)
{
	char literal[ADDRESS_TEXT];

	if (router->family != AF_UNSPEC)
		text_addf(text, "ip %sroute replace default via %s dev '%s'\n",
			  router->family == AF_INET6 ? "-6 " : "", address_print(router, literal),
			  port);
}

static void add_segment(struct text *text, const struct segment *segment)
{
	text_addf(text, "\n# %s\n", segment->name);
	text_addf(text, "ip link show '%s' >/dev/null 2>&1 || ip link add name '%s' type bridge\n",
		  segment->name, segment->name);
	for (size_t i = 0; i < segment->port_count; i++) {
		add_vlan(text, segment->ports[i]);
		text_addf(text, "ip link set '%s' master '%s'\nip link set '%s' up\n",
			  segment->ports[i], segment->name, segment->ports[i]);
	}
	/* Advertisements of others in a network of ours are not for us. */
	text_addf(text, "sysctl -q -w 'net/ipv6/conf/%s/accept_ra=0'\n", segment->name);
	add_address(text, segment->name, &segment->v4);
	add_address(text, segment->name, &segment->v6);
	text_addf(text, "ip link set '%s' up\n", segment->name);
}

void box_print_ports(const struct box *box, struct text *text)
{
	const struct wan *wan = &box->wan;

	text_addf(text, "# Made from `box` of the policy. Do not edit.\nhostname '%s'\n",
		  box->name);
	for (size_t i = 0; i < box->segment_count; i++)
		add_segment(text, &box->segments[i]);
	if (!wan->port[0])
		return;
	text_add(text, "\n# wan\n");
	add_vlan(text, wan->port);
	/* Below a login nobody but the modem is to be heard. */
	text_addf(text, "sysctl -q -w 'net/ipv6/conf/%s/accept_ra=%d'\n", wan->port,
		  wan->v6_announced && wan->way != WAN_BY_PPPOE ? 2 : 0);
	add_address(text, wan->port, &wan->v4);
	add_address(text, wan->port, &wan->v6);
	text_addf(text, "ip link set '%s' up\n", wan->port);
	add_route(text, &wan->router, wan->port);
	add_route(text, &wan->router6, wan->port);
}
